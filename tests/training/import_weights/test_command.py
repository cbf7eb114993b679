"""`fcn-import-weights`: what it takes files for, what it writes, and what it refuses."""

import gzip
import hashlib
from pathlib import Path

import keras
import numpy as np
import pytest

import fcn_keras as fcn
from fcn_keras import caffemodel as reader
from fcn_keras.alexnet import FCNAlexNet
from fcn_keras.caffe_export import save_caffemodel
from tests.training.tiny import randomize
from tests.weight_files import caffemodel, field
from training.import_weights.command import checksum, main
from training.workdir.checkpoint import verify

DATA = Path(__file__).parents[2] / "parity" / "data"


def python_layer(module, arguments):
    body = field(1, 2, b"data") + field(2, 2, b"Python")
    return field(100, 2, body + field(130, 2, field(1, 2, module) + field(2, 2, b"Layer") + field(3, 2, arguments)))


def test_origin_is_the_name_and_the_data_layers(tmp_path):
    path = caffemodel(tmp_path / "net.caffemodel", {"fc7": [np.ones(3, "float32")]})
    path.write_bytes(path.read_bytes() + python_layer(b"nyud_layers", b"{'tops': ['hha']}\xff" + b" " * 2000))
    name, module, arguments = reader.origin(path).split("\n")
    assert (name, module) == ("a net", "nyud_layers")
    assert arguments.startswith("{'tops': ['hha']}\ufffd  ")
    assert len(arguments) == 1000
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"must be a whole \.caffemodel"):
        reader.origin(path)


def test_imports_a_file_of_real_caffe(tmp_path, capsys):
    target = tmp_path / "voc.keras"
    assert main([str(DATA / "voc-fcn8s.v1.caffemodel"), str(target)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith(
        "voc-fcn8s.v1.caffemodel: FCN8s, 21 classes, rgb; mean 104.00699 116.66877 122.67892 "
        "(PASCAL VOC, by its number of classes)"
    )
    assert lines[1].startswith("Copied (21): conv1_1, conv1_2, ")
    digest = hashlib.sha256((DATA / "voc-fcn8s.v1.caffemodel").read_bytes()).hexdigest()
    assert lines[2] == f"sha256 of voc-fcn8s.v1.caffemodel: {digest}"
    assert lines[4] == f"{target} written"
    model = keras.saving.load_model(target)
    assert lines[3] == f"sha256 of the weights: {checksum(model)}"
    assert not model.get_layer("upscore2").trainable
    fixture = np.load(DATA / "voc-fcn8s.npz")
    scores = np.asarray(model(fixture["image0"][None]))[0]
    assert np.abs(scores - fixture["score0"]).max() <= 1e-5 * np.abs(fixture["score0"]).max()


def test_of_two_at_once_the_last_one_is_there_whole(tmp_path, monkeypatch, capsys):
    arguments = [str(DATA / "voc-fcn8s.v1.caffemodel"), str(tmp_path / "voc.keras")]
    save, codes = keras.Model.save, []

    def saving(self, path, *given, **options):
        save(self, path, *given, **options)
        if not codes:  # another one begins and ends amid the first
            codes.append(None)
            codes[0] = main(arguments)
            assert verify(tmp_path / "voc.keras") is None

    monkeypatch.setattr(keras.Model, "save", saving)
    assert main(arguments) == 0
    assert codes == [0]
    assert f"sha256 of the weights: {checksum(keras.saving.load_model(arguments[1]))}" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["voc.keras"]


def test_checksum_by_hand_and_of_equal_weights():
    image = keras.Input((None, None, 1))
    x = keras.layers.Conv2D(2, 1, name="b")(image)
    model = keras.Model(image, keras.layers.Conv2D(1, 1, use_bias=False, name="a")(x))
    model.set_weights([np.array([[[[1, 2]]]]), np.array([3, 4]), np.array([[[[5], [6]]]])])
    hashed = b"a (1, 1, 2, 1)\n" + np.float32([5, 6]).tobytes()
    hashed += b"b (1, 1, 1, 2)\n" + np.float32([1, 2]).tobytes() + b"b (2,)\n" + np.float32([3, 4]).tobytes()
    assert checksum(model) == hashlib.sha256(hashed).hexdigest()


MODELS = {
    "at once": lambda c: fcn.FCN8s(7, padding="caffe", at_once=True, mean=(1, 2, 3), channels=c),
    "heads": lambda c: fcn.FCN16s({"a": 2, "b": 3}, padding="caffe", channels=c),
    "hha": lambda c: fcn.FCN32s(5, padding="caffe", modality="hha", mean=(1, 2, 3), channels=c),
    "rgbd": lambda c: fcn.FCN32s(5, padding="caffe", modality="rgbd", channels=c),
    "late": lambda c: fcn.LateFusion(5, skips=1, padding="caffe", mean=(1, 2, 3), channels=c),
    "alexnet": lambda c: FCNAlexNet(5, channels=((8, 8, 12, 12, 8), 16)),
}


@pytest.mark.parametrize("case", MODELS)
def test_there_and_back(case, tmp_path, capsys, narrow):
    model = randomize(MODELS[case](narrow))
    model.save(tmp_path / "model.keras")
    files = [str(tmp_path / name) for name in ("model.keras", "net.caffemodel", "net.caffemodel.gz", "again.keras")]
    assert main(files[:2]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"{files[1]} and {tmp_path / 'net.prototxt'} written"
    Path(files[2]).write_bytes(gzip.compress(Path(files[1]).read_bytes(), 1))
    assert main(files[2:]) == 0
    out = capsys.readouterr().out
    assert ("Fixed, and the same (2): scale_pool4, scale_pool3." in out) == (case == "at once")
    again = keras.saving.load_model(files[3])
    assert checksum(again) == checksum(model)
    size = (37, 45)
    image = keras.tree.map_structure(
        lambda x: np.random.default_rng(0).integers(1, 256, (1, *size, x.shape[-1])).astype("float32"), model.input
    )
    for a, b in zip(keras.tree.flatten(again(image)), keras.tree.flatten(model(image)), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.fixture
def refused(tmp_path, capsys):
    """Run the command on files of `tmp_path`; return its one line, once it wrote nothing and exited with 2."""

    def run(*arguments):
        before = sorted(tmp_path.iterdir())
        assert main([str(tmp_path / a) if "." in a else a for a in arguments]) == 2
        captured = capsys.readouterr()
        assert sorted(tmp_path.iterdir()) == before
        assert captured.err.count("\n") == 1
        return captured.err

    return run


def test_wrong_files_are_one_line(tmp_path, refused, narrow):
    model = fcn.FCN32s(5, channels=narrow)
    model.save(tmp_path / "same.keras")
    caffe = fcn.FCN32s(5, padding="caffe", channels=narrow)
    save_caffemodel(caffe, tmp_path / "net.caffemodel")
    assert "Name FILE.caffemodel OUT.keras to import, or" in refused("net.caffemodel", "x.h5")
    assert "Name FILE.caffemodel OUT.keras to import, or" in refused("same.keras", "x.keras")
    assert "same.keras exists. Choose another name" in refused("net.caffemodel", "same.keras")
    assert "none is not a folder" in refused("net.caffemodel", "none/x.keras")
    assert "absent.caffemodel is missing. Name a .caffemodel" in refused("absent.caffemodel", "x.keras")
    assert "absent.keras is missing" in refused("absent.keras", "x.caffemodel")
    assert "pads to a multiple" in refused("same.keras", "x.caffemodel")
    assert "--modality and --mean are for reading" in refused("same.keras", "x.caffemodel", "--modality", "hha")
    (tmp_path / "cut.caffemodel").write_bytes((tmp_path / "net.caffemodel").read_bytes()[:-9])
    assert "must be a whole .caffemodel" in refused("cut.caffemodel", "x.keras")


def test_prototxt_of_another_net_is_not_replaced(tmp_path, refused):
    (tmp_path / "deploy.prototxt").write_text("name: 'mine'")
    assert "deploy.prototxt exists" in refused("any.keras", "deploy.caffemodel")


def test_layers_lacking_or_over_are_one_line(tmp_path, refused, narrow):
    whole = reader.read(DATA / "voc-fcn8s.caffemodel")
    caffemodel(tmp_path / "over.caffemodel", {**whole, "score_pool2": whole["score_pool3"]})
    assert "over.caffemodel also has layers that FCN8s has not: score_pool2." in refused("over.caffemodel", "x.keras")
    heads = {f"{name}{head}": whole[name] for head in ("_a", "_b") for name in whole if "score" in name}
    two = {name: arrays for name, arrays in whole.items() if "score" not in name} | heads
    del two["score_pool3_b"]
    caffemodel(tmp_path / "lacks.caffemodel", two)
    found = refused("lacks.caffemodel", "x.keras", "--mean", "1", "2", "3")
    assert "lacks.caffemodel lacks the layers: score_pool3_b." in found


def test_upsampling_that_is_not_in_the_file_stays_bilinear(tmp_path):
    arrays = {k: v for k, v in reader.read(DATA / "voc-fcn8s.caffemodel").items() if not k.startswith("upscore")}
    caffemodel(tmp_path / "net.caffemodel", arrays)
    assert main([str(tmp_path / "net.caffemodel"), str(tmp_path / "net.keras")]) == 0
    kernel = np.asarray(keras.saving.load_model(tmp_path / "net.keras").get_layer("upscore2").kernel)
    assert kernel[1, 1, 4, 4] == np.float32(0.5625)
    assert kernel[1, 1, 4, 5] == 0
