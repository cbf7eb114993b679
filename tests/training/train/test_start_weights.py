"""What a run starts from is looked at before the data is read."""

import json

import keras
import numpy as np
import pytest
from PIL import Image

import fcn_keras as fcn
from fcn_keras import vgg16_files
from fcn_keras.backbone import VGG16
from tests.weight_files import npz, published_h5, torchvision, vgg16_arrays
from training.recipes import catalogue as recipes
from training.train import command as train
from training.train.start_weights import StartWeights, start_weights

WIDE = (((8, 2), (12, 2), (16, 3), (20, 3), (20, 3)), 32)  # of `vgg16_arrays`
NARROW = (((1, 2), (2, 2), (4, 3), (8, 3), (8, 3)), 64)  # VGG16 at a width of 1/64


@pytest.fixture(autouse=True)
def small_recipe(monkeypatch):
    """FCN-32s and FCN-16s of one's own folder as narrow as the files of the tests."""
    for name in ("folder_fcn32s", "folder_fcn16s"):
        recipe = recipes.RECIPES[name]
        options = {**recipe.model_options, "channels": WIDE}
        monkeypatch.setitem(recipes.RECIPES, name, recipes.replace(recipe, model_options=options))


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """A saved FCN-16s of the narrow width with five classes."""
    path = tmp_path_factory.mktemp("network") / "best.keras"
    fcn.FCN16s(5, channels=NARROW).save(path)
    return path


def test_keras_s_file_is_downloaded_beforehand_and_chosen_by_width(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(vgg16_files, "download", lambda with_classifier: asked.append(with_classifier) or "vgg.h5")
    assert start_weights(tmp_path, "folder_fcn16s") == StartWeights("vgg.h5", "caffe")
    assert start_weights(tmp_path, "voc_fcn32s") == StartWeights("vgg.h5", "caffe")
    assert asked == [False, True]  # fc6 is 32 wide in the first
    assert start_weights(tmp_path, "folder_fcn16s", width=0.25) == StartWeights(None, "caffe")
    assert start_weights(tmp_path, "synthetic_fcn8s") == StartWeights(None, "caffe")
    assert asked == [False, True]


def test_a_file_is_looked_at_and_its_pixels_are_told(tmp_path):
    arrays = vgg16_arrays()
    kept = npz(tmp_path / "vgg.npz", arrays)
    assert start_weights(tmp_path, "folder_fcn32s", given=kept) == StartWeights(kept, "caffe")
    assert start_weights(tmp_path, "folder_fcn32s", given=kept, preprocessing="torch") == StartWeights(kept, "torch")
    torch_file = torchvision(tmp_path / "vgg.safetensors", arrays)
    assert start_weights(tmp_path, "folder_fcn32s", given=torch_file) == StartWeights(torch_file, "torch")
    with pytest.raises(ValueError, match=r"layer conv1_1: its kernel has shape .*the model's \(3, 3, 3, 64\)"):
        start_weights(tmp_path, "voc_fcn32s", given=kept)
    with pytest.raises(ValueError, match=r"folder_fcn32s is not of VGG16's width here .*vgg\.npz cannot be used"):
        start_weights(tmp_path, "folder_fcn32s", width=0.25, given=kept)


def test_a_network_of_ours_has_to_be_of_the_same_width(tmp_path, network, monkeypatch):
    monkeypatch.setitem(
        recipes.RECIPES, "folder_fcn32s", recipes.replace(recipes.RECIPES["folder_fcn32s"], model_options={})
    )
    found = start_weights(tmp_path, "folder_fcn32s", width=1 / 64, given=network)
    assert found == StartWeights(network, None)
    assert found.is_network
    with pytest.raises(ValueError, match=r"is a network of 1-2-4-8-8 filters, fc6 64 wide, .*Say --width 0\.015625\.$"):
        start_weights(tmp_path, "folder_fcn32s", given=network)
    with pytest.raises(ValueError, match=r"one of 2-4-8-16-16 filters, fc6 128 wide here\. Say --width 0\.015625\."):
        start_weights(tmp_path, "folder_fcn32s", width=1 / 32, given=network)
    with pytest.raises(ValueError, match="knows its own pixels"):
        start_weights(tmp_path, "folder_fcn32s", width=1 / 64, given=network, preprocessing="caffe")
    other = tmp_path / "other.keras"
    fcn.FCN32s(5, channels=(((3, 1),) * 5, 8)).save(other)
    with pytest.raises(ValueError, match=r"Name a network of the same width, or leave --weights out\.$"):
        start_weights(tmp_path, "folder_fcn32s", given=other)


@pytest.mark.parametrize("begun", ["torch", None])
def test_nothing_is_needed_where_the_first_stage_has_begun(tmp_path, monkeypatch, begun):
    monkeypatch.setattr(vgg16_files, "download", lambda with_classifier: pytest.fail("downloaded"))
    stage = tmp_path / "folder_fcn32s"
    stage.mkdir()
    (stage / "recipe.json").write_text(json.dumps({"decisions": {"weights_preprocessing": begun}}))
    (stage / "last.keras").touch()
    gone = tmp_path / "gone.safetensors"
    assert start_weights(tmp_path, "folder_fcn16s", given=gone) == StartWeights(None, begun)
    assert start_weights(tmp_path, "folder_fcn16s") == StartWeights(None, begun)


# --- the command --------------------------------------------------------------------------------------------


@pytest.fixture
def photos(tmp_path):
    """Three photographs of two classes that nobody divided."""
    for name in ("images", "labels"):
        (tmp_path / "photos" / name).mkdir(parents=True)
    generator = np.random.default_rng(0)
    for number in range(3):
        pixels = generator.integers(0, 256, (32, 40, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / "images" / f"{number}.png")
        Image.fromarray(pixels[..., 0] // 128).save(tmp_path / "photos" / "labels" / f"{number}.png")
    (tmp_path / "photos" / "classes.txt").write_text("dark\nbright\n")
    return tmp_path / "photos"


def call(photos, *options):
    workdir = photos.parent / "runs"
    return train.main(["--data", str(photos), "--workdir", str(workdir), "--model", "fcn32s", *map(str, options)])


def refused(capsys, photos, monkeypatch, *options):
    """Return the one line of a run that is refused before any image is opened."""
    monkeypatch.setattr("training.doctor.examination.examination", lambda *_, **__: pytest.fail("the data was read"))
    assert call(photos, *options) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert not (photos.parent / "runs").exists()
    return err


def test_without_a_network_one_line_says_how_to_go_on(photos, monkeypatch, capsys):
    def get_file(name, url, **_):
        raise Exception(f"URL fetch failure on {url}: None -- [Errno -2] Name or service not known")

    monkeypatch.setattr(keras.utils, "get_file", get_file)
    error = refused(capsys, photos, monkeypatch)
    name = "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
    assert f"Fetch {vgg16_files.URL}{name} (59 MB) where" in error
    assert (
        "say --weights FILE (an .npz or .h5 that PyTorch trained takes --weights-preprocessing torch too); or" in error
    )
    assert "go on without them, from scratch: --width 0.25." in error
    assert "cannot be downloaded ([Errno -2] Name or service not known)" in error


def test_json_is_not_mixed_with_the_progress_of_a_download(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(vgg16_files, "download", lambda with_classifier: print("Downloading data") or "vgg.h5")
    start_weights(tmp_path, "folder_fcn32s")
    assert capsys.readouterr() == ("", "Downloading data\n")


def test_what_cannot_be_started_from_is_refused_before_the_data_is_read(photos, monkeypatch, capsys):
    folder = photos.parent
    assert "gone.h5" in refused(capsys, photos, monkeypatch, "--weights", folder / "gone.h5")
    (folder / "vgg16.pth").write_bytes(b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.")  # as torchvision's begins
    assert "vgg16.pth is a pickle" in refused(capsys, photos, monkeypatch, "--weights", folder / "vgg16.pth")
    given = ("--weights-preprocessing", "torch")
    assert "torch goes with --weights FILE" in refused(capsys, photos, monkeypatch, *given)
    narrow = published_h5(folder / "vgg.h5", vgg16_arrays())
    assert "cannot be used" in refused(capsys, photos, monkeypatch, "--weights", narrow, "--width", "0.25")


def test_a_run_starts_from_a_network_of_ours_with_other_classes(photos, network, monkeypatch, capsys):
    recipe = recipes.replace(recipes.RECIPES["folder_fcn32s"], model_options={"channels": VGG16})
    monkeypatch.setitem(recipes.RECIPES, "folder_fcn32s", recipe)
    began = {}

    def fit(recipe, stage, model, *_, **__):
        began.update({layer.name: layer.get_weights() for layer in model.layers if layer.weights})
        raise KeyboardInterrupt

    monkeypatch.setattr("training.train.fit.fit", fit)
    assert call(photos, "--weights", network, "--width", 1 / 64, "--quiet") == 130
    said = capsys.readouterr().out
    assert f"folder_fcn32s: 1000 steps, starting from {network}" in said
    assert "Not in the file, kept as they were (2): score_fr, upscore." in said
    assert "0.00014 at first (Adam)" in said  # not ten times that, as from scratch
    decisions = json.loads((photos.parent / "runs" / "folder_fcn32s" / "recipe.json").read_text())["decisions"]
    assert decisions["weights_preprocessing"] is None
    source = keras.saving.load_model(network)
    for name in ("conv1_1", "conv5_3", "fc6", "fc7"):
        for mine, theirs in zip(began[name], source.get_layer(name).get_weights(), strict=True):
            np.testing.assert_array_equal(mine, theirs)
    assert began["score_fr"][0].shape[-1] == 2
