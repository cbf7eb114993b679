"""The exported SavedModel: its answers, its files, and its command."""

import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest
import scipy.special
import tensorflow as tf
from PIL import Image
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.framework import op_def_registry
from tensorflow_serving.apis import prediction_log_pb2

from fcn_keras import inference, visualize
from fcn_keras.models import FCN8s, FCN32s, LateFusion
from serving.export import command, version
from serving.export.command import main
from serving.export.saved_model import contents as version_folder
from serving.export.saved_model import frozen_network as network
from serving.export.saved_model import parity
from serving.export.saved_model.signatures import build
from serving.server.settings import read_batching
from tests.serving.image_files import encode, evaluated, files, picture
from tests.serving.nets import randomize

METRICS = {"pixel_accuracy": 0.9, "mean_accuracy": 0.8, "mean_iu": 0.725, "fw_iu": 0.85, "split": "val"}
NARROW = (((8, 2), (12, 2), (16, 3), (20, 3), (20, 3)), 32)


def export(*arguments, sizes=((24, 40),), **options):
    """Export, and compare at a small size."""
    return version.export(*arguments, sizes=sizes, **options)


def decode(contents):
    return np.asarray(Image.open(io.BytesIO(contents)))


def built(net, *, max_pixels=10_000, extras=()):
    """Make the signatures, and save nothing."""
    functions = build(network.freeze(net)[0], max_pixels=max_pixels, extras=extras)
    return {
        name: lambda f=f, **given: f(*(given[spec.name] for spec in f.input_signature)) for name, f in functions.items()
    }


@pytest.fixture(scope="module")
def net():
    return randomize(FCN8s(21, padding="caffe", channels=NARROW))


@pytest.fixture(scope="module")
def folder(net, tmp_path_factory):
    origin = {"recipe": {"recipe": "my_recipe"}, "metrics": METRICS}
    names = [f"c{i}" for i in range(21)]
    directory = tmp_path_factory.mktemp("served") / "fcn"
    return export(net, directory, classes=names, sizes=[(24, 40), (40, 24)], origin=origin)


@pytest.fixture(scope="module")
def served(folder):
    return tf.saved_model.load(str(folder))


def test_files_of_all_kinds_and_sizes_get_the_labels_of_predict(net, served):
    contents = list(files().values())
    answer = served.signatures["serving_default"](image_bytes=tf.constant(contents))
    assert set(answer) == {"label_png_bytes", "height", "width", "status"}
    assert set(answer["status"].numpy()) == {b""}
    assert answer["height"].dtype == answer["width"].dtype == tf.int32
    for name, data, png, height, width in zip(
        files(), contents, *(answer[key].numpy() for key in ("label_png_bytes", "height", "width")), strict=True
    ):
        expected = inference.predict(net, evaluated(data))
        assert Image.open(io.BytesIO(png)).mode == "L", name
        assert (height, width) == expected.shape, name
        np.testing.assert_array_equal(decode(png), expected, err_msg=name)


def test_tensors_and_scores(net, served):
    images = np.stack([picture(40, 70), picture(40, 70, seed=1)])
    scores = served.signatures["predict_scores"](image=tf.constant(images.astype("float32")))["scores"].numpy()
    labels = served.signatures["predict_tensors"](image=tf.constant(images))["label"].numpy()
    assert labels.dtype == np.uint8
    for image, given, label in zip(images, scores, labels, strict=True):
        expected = inference.predict(net, image, output="scores")
        np.testing.assert_allclose(given, expected, rtol=0, atol=1e-5 * np.abs(expected).max())
        np.testing.assert_array_equal(label, inference.predict(net, image))


def test_no_images_get_no_answers(served):
    answer = served.signatures["serving_default"](image_bytes=tf.constant([], tf.string))
    assert {key: x.shape for key, x in answer.items()} == dict.fromkeys(
        ("label_png_bytes", "height", "width", "status"), (0,)
    )


def test_the_folder_holds_one_copy_of_the_weights(net, folder):
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert folder.name == "1"
    assert 4 * net.count_params() < size < 4 * net.count_params() + 700_000
    assert (folder / "assets" / "classes.txt").read_text().split() == [f"c{i}" for i in range(21)]
    colours = (folder / "assets" / "palette.txt").read_text().splitlines()
    assert (len(colours), colours[1], colours[15], colours[255]) == (256, "128 0 0", "192 128 128", "224 224 192")
    assert [path.name for path in folder.parent.iterdir()] == ["1"]  # nothing temporary stays
    assert folder.stat().st_mode & 0o777 == 0o777 & ~_umask()


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_the_graph_is_frozen_and_of_plain_tensorflow(net, folder):
    saved = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    (graph,) = saved.meta_graphs
    functions = graph.graph_def.library.function
    operations = {node.op for node in graph.graph_def.node} | {n.op for f in functions for n in f.node_def}
    operations -= {f.signature.name for f in functions}
    assert all(op_def_registry.get(name) for name in operations)
    assert not {name for name in operations if "PyFunc" in name or "Custom" in name}
    constants = [n.attr["value"].tensor for f in functions for n in f.node_def if n.op == "Const"]
    sizes = [tf.make_ndarray(tensor).size for tensor in constants]
    assert sum(sizes) > net.count_params()  # frozen,
    assert sum(sizes) < net.count_params() + 5000  # and once for all signatures
    assert tf.train.list_variables(str(folder / "variables" / "variables")) == [("_CHECKPOINTABLE_OBJECT_GRAPH", [])]


def test_a_session_of_tensorflow_1_runs_it(net, folder):
    image = picture(37, 53)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        loaded = tf.compat.v1.saved_model.load(session, ["serve"], str(folder))
        signature = loaded.signature_def["serving_default"]
        fetches = {name: info.name for name, info in signature.outputs.items()}
        answer = session.run(fetches, {signature.inputs["image_bytes"].name: [encode(image), b"no image"]})
    np.testing.assert_array_equal(decode(answer["label_png_bytes"][0]), inference.predict(net, image))
    assert answer["status"].tolist() == [b"", b"This is not a JPEG, PNG, BMP or WebP file."]


def test_large_kernels_stay_variables(net, monkeypatch):
    monkeypatch.setattr(network, "LARGEST_CONSTANT", 7 * 7 * 20 * 32 - 1)
    frozen, variables = network.freeze(net)
    assert [tuple(variable.shape) for variable in variables] == [(7, 7, 20, 32), (16, 16, 21, 21)]
    image = picture(40, 70)
    labels = frozen.labels([tf.constant(image[None])])[""]
    np.testing.assert_array_equal(labels[0], inference.predict(net, image))


def test_warm_up_requests_are_those_of_tensorflow_serving(net, folder, served):
    records = list(tf.data.TFRecordDataset(str(folder / "assets.extra" / version_folder.WARM_UP)).as_numpy_iterator())
    requests = [prediction_log_pb2.PredictionLog.FromString(record).predict_log.request for record in records]
    assert {request.model_spec.name for request in requests} == {"fcn"}
    names = [request.model_spec.signature_name for request in requests]
    assert names == ["serving_default", "serving_default", "predict_tensors", "predict_scores"]
    sizes = []
    for request in requests:
        inputs = {name: tf.constant(tf.make_ndarray(tensor)) for name, tensor in request.inputs.items()}
        answer = served.signatures[request.model_spec.signature_name](**inputs)
        sizes += [(answer["height"].numpy()[0], answer["width"].numpy()[0])] if "height" in answer else []
        assert not any(answer.get("status", []))
    assert sizes == [(24, 40), (40, 24)]


def test_batching_parameters_lie_in_the_version(folder):
    parameters = read_batching(folder / "batching_params.pbtxt")
    assert parameters.max_batch_size == max(parameters.allowed_batch_sizes)


def test_the_model_card(folder):
    facts = json.loads((folder / "model.json").read_text())
    assert (facts["name"], facts["version"], facts["network"]) == ("fcn", 1, "fcn8s")
    assert facts["heads"] == {"": {"classes": 21, "names": [f"c{i}" for i in range(21)]}}
    assert facts["recipe"]["recipe"] == "my_recipe"
    assert facts["versions"]["tensorflow"] == tf.__version__
    assert [(row["height"], row["width"]) for row in facts["parity"]] == [(24, 40), (40, 24)]
    for row in facts["parity"]:
        assert row["label_agreement"] == 1
        assert 0 <= row["largest_score_error"] < 1e-5 * row["largest_score"]
    card = (folder / "README.md").read_text()
    for part in ("# fcn, version 1", "0 c0, 1 c1", "24x40", "100.000 %", "recipe: my_recipe", "72.5", "split val"):
        assert part in card, part


def test_a_bare_model_has_a_card_as_well(net, quick, tmp_path):
    card = (export(net, tmp_path / "fcn") / "README.md").read_text()
    assert "Nothing was recorded." in card
    assert "None was recorded." in card
    assert "`fcn-evaluate MODEL --output DIR`" in card


def test_without_metrics_the_card_tells_the_training_s(net, quick, tmp_path):
    origin = {"training": {"best": {"val_mean_iu": 0.7264}}}
    assert "Mean IU 72.6 on the training's" in (export(net, tmp_path / "fcn", origin=origin) / "README.md").read_text()


def test_parity_sees_a_difference(net, folder):
    other = randomize(FCN8s(21, padding="caffe", channels=NARROW), seed=1)
    frozen, _ = network.freeze(other)
    (row,) = parity.compare(other, frozen, folder, [(24, 40)])
    assert row["label_agreement"] < 1
    assert row["largest_score_error"] > 0.01 * row["largest_score"]


def test_further_outputs():
    net = randomize(FCN32s({"sem": 3, "geo": 2}, channels=NARROW))
    run = built(net, extras=("color", "counts", "confidence"))["serving_default"]
    image = picture(37, 53)
    answer = {name: x.numpy() for name, x in run(image_bytes=tf.constant([encode(image), b""])).items()}
    labels, scores = (inference.predict(net, image, output=output) for output in ("labels", "scores"))
    for head, count in {"sem": 3, "geo": 2}.items():
        assert answer[f"{head}_class_pixels"].dtype == np.int64
        expected = [np.bincount(labels[head].ravel(), minlength=count), np.zeros(count)]
        np.testing.assert_array_equal(answer[f"{head}_class_pixels"], expected)
        colors = decode(answer[f"{head}_color_png_bytes"][0])
        np.testing.assert_array_equal(colors, visualize.colorize(labels[head]))
        shares = scipy.special.softmax(scores[head].astype("float64"), axis=-1).max(axis=-1)
        np.testing.assert_allclose(answer[f"{head}_confidence"], [shares.mean(), 0], rtol=1e-5)
        assert answer[f"{head}_color_png_bytes"][1] == b""


def test_it_answers_where_only_tensorflow_is_imported(net, folder, tmp_path):
    image = picture(37, 53)
    (tmp_path / "image.png").write_bytes(encode(image))
    code = (
        "import sys, tensorflow as tf;"
        f"net = tf.saved_model.load({str(folder)!r});"
        "answer = net.signatures['serving_default'](image_bytes=tf.io.read_file('image.png')[None]);"
        "tf.io.write_file('label.png', answer['label_png_bytes'][0]);"
        "print([name for name in sys.modules if name.startswith(('fcn_keras', 'serving'))])"
    )
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
    np.testing.assert_array_equal(decode((tmp_path / "label.png").read_bytes()), inference.predict(net, image))


def test_heads_answer_by_name():
    net = randomize(FCN8s({"sem": 33, "geo": 257}, channels=NARROW))
    run = built(net)
    image = picture(37, 53)
    labels = inference.predict(net, image)
    answer = run["serving_default"](image_bytes=tf.constant([encode(image)]))
    assert set(answer) == {"sem_png_bytes", "geo_png_bytes", "height", "width", "status"}
    np.testing.assert_array_equal(decode(answer["sem_png_bytes"].numpy()[0]), labels["sem"])
    np.testing.assert_array_equal(decode(answer["geo_png_bytes"].numpy()[0]), labels["geo"])  # 16-bit
    tensors = run["predict_tensors"](image=tf.constant(image[None]))
    assert {name: x.dtype for name, x in tensors.items()} == {"sem_label": tf.uint8, "geo_label": tf.uint16}
    scores = run["predict_scores"](image=tf.constant(image[None].astype("float32")))
    assert {name: x.shape[-1] for name, x in scores.items()} == {"sem_scores": 33, "geo_scores": 257}


def test_depth_comes_as_16_bit_png():
    net = randomize(FCN32s(5, modality="rgbd", channels=NARROW))
    run = built(net)
    image, depth = picture(40, 50), np.random.default_rng(0).integers(0, 9000, (40, 50), dtype=np.uint16)
    rgbd = np.concatenate([image.astype("uint16"), depth[..., None]], axis=-1)
    expected = inference.predict(net, rgbd)

    def ask(image, depth):
        return run["serving_default"](image_bytes=tf.constant([image]), depth_png_bytes=tf.constant([depth]))

    answer = ask(encode(image), encode(depth))
    np.testing.assert_array_equal(decode(answer["label_png_bytes"].numpy()[0]), expected)
    np.testing.assert_array_equal(run["predict_tensors"](image=tf.constant(rgbd[None]))["label"][0], expected)
    no_depth = b"depth_png_bytes: Depth must be a 16-bit grey PNG in millimetres."
    assert ask(encode(image), encode(depth.astype("uint8")))["status"].numpy() == [no_depth]
    assert ask(encode(image), b"")["status"].numpy() == [no_depth]
    assert ask(b"", encode(depth))["status"].numpy()[0].startswith(b"image_bytes: This is not a JPEG")
    sizes = b"image_bytes and depth_png_bytes must have one height and width."
    assert ask(encode(image), encode(depth[:, :-1].copy()))["status"].numpy() == [sizes]


def test_late_fusion_takes_two_files():
    net = randomize(LateFusion(5, channels=NARROW))
    run = built(net)
    rgb, hha = picture(40, 50), picture(40, 50, seed=1)
    expected = inference.predict(net, {"rgb": rgb, "hha": hha})
    pngs = {"rgb_bytes": tf.constant([encode(rgb)]), "hha_bytes": tf.constant([encode(hha)])}
    np.testing.assert_array_equal(decode(run["serving_default"](**pngs)["label_png_bytes"].numpy()[0]), expected)
    pixels = {"rgb": tf.constant(rgb[None]), "hha": tf.constant(hha[None])}
    np.testing.assert_array_equal(run["predict_tensors"](**pixels)["label"][0], expected)


def test_mixed_precision_is_served_in_float32():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        mixed = randomize(FCN32s(5, at_once=True, channels=NARROW))
    finally:
        keras.config.set_dtype_policy("float32")
    single = FCN32s(5, at_once=True, channels=NARROW)
    single.set_weights(mixed.get_weights())
    image = picture(40, 50)
    scores = built(mixed)["predict_scores"](image=tf.constant(image[None].astype("float32")))
    expected = inference.predict(single, image, output="scores")
    np.testing.assert_allclose(scores["scores"][0], expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_a_bad_file_does_not_fail_its_neighbours(net, served):
    image = picture(37, 53)
    contents = [b"no image", encode(image), encode(image, "JPEG")[:300], encode(picture(5, 7))]
    answer = {key: x.numpy() for key, x in served.signatures["serving_default"](tf.constant(contents)).items()}
    assert [bool(status) for status in answer["status"]] == [True, False, True, False]
    assert answer["height"].tolist() == [0, 37, 0, 5]
    assert answer["width"].tolist() == [0, 53, 0, 7]
    assert answer["label_png_bytes"][0] == answer["label_png_bytes"][2] == b""
    np.testing.assert_array_equal(decode(answer["label_png_bytes"][1]), inference.predict(net, image))


def test_the_largest_size_is_the_exports():
    run = built(FCN32s(2, channels=NARROW), max_pixels=100)["serving_default"]
    answer = run(image_bytes=tf.constant([encode(picture(10, 10)), encode(picture(10, 11))]))
    assert answer["height"].numpy().tolist() == [10, 0]
    assert b"10 pixels high and 11 wide; more than 100 pixels are refused" in answer["status"].numpy()[1]


@pytest.fixture
def quick(monkeypatch):
    """Write something small instead of a SavedModel."""

    def write(folder, *_):
        (folder / "assets").mkdir(parents=True)
        return {"network": "net", "weights": 0, "inputs": {}, "heads": {}, "max_pixels": 1, "extra_outputs": []} | {
            "warm_up_sizes": [],
            "parity": [],
        }

    monkeypatch.setattr(version_folder, "write", write)


def test_versions_count_up_and_are_never_overwritten(net, quick, tmp_path):
    names = [export(net, tmp_path / "new" / "fcn", version=version).name for version in (None, None, 7, None, 3, None)]
    assert names == ["1", "2", "7", "8", "3", "9"]
    (tmp_path / "new" / "fcn" / "000000011").mkdir()
    with pytest.raises(FileExistsError, match=r"Version 11 is in .* already, and is never overwritten"):
        export(net, tmp_path / "new" / "fcn", version=11)
    with pytest.raises(FileExistsError, match="Version 7 is in"):
        export(net, tmp_path / "new" / "fcn", version=7)
    assert export(net, tmp_path / "new" / "fcn").name == "12"


def test_a_version_taken_meanwhile_gives_the_next(net, quick, tmp_path, monkeypatch):
    rename = os.rename

    def raced(source, target):
        if target.name == "1":
            (target / "assets").mkdir(parents=True)
        rename(source, target)

    monkeypatch.setattr(os, "rename", raced)
    assert export(net, tmp_path).name == "2"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1", "2"]


def test_a_failure_leaves_nothing(net, tmp_path, monkeypatch):
    def fail(module, folder, signatures):
        os.makedirs(folder)
        names = os.listdir(tmp_path / "a" / "b")
        assert len(names) == 1
        assert not names[0].isdigit()
        raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")

    monkeypatch.setattr(tf.saved_model, "save", fail)
    with pytest.raises(tf.errors.ResourceExhaustedError):
        export(net, tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"version": 0}, "`version` is a positive whole number. Received: 0"),
        ({"version": "2"}, "`version` is a positive whole number. Received: '2'"),
        ({"version": True}, "`version` is a positive whole number. Received: True"),
        ({"extras": ["heat"]}, r"`extras` are among \('color', 'counts', 'confidence'\). Received: 'heat'"),
        ({"sizes": [(5, 0)]}, "`sizes` is a positive whole number. Received: 0"),
        ({"sizes": [(50, 50)], "max_pixels": 2499}, "`sizes` are at most `max_pixels` = 2499. Received: 50x50"),
        ({"classes": ["a", "b\nc", *"d" * 19]}, r"name of a class is one line of text. Received: 'b\\nc'"),
        ({"max_pixels": -5}, "`max_pixels` is a positive whole number. Received: -5"),
        ({"classes": ["a"]}, "one name a class, 21. Received: 1"),
        ({"classes": {"sem": ["a"]}}, r"heads \[''\] of this model. Received: 'sem'"),
    ],
)
def test_wrong_arguments_are_named(net, tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        export(net, tmp_path / "fcn", **options)
    assert not (tmp_path / "fcn").exists()


def test_wrong_models_are_named(tmp_path, monkeypatch, net):
    fixed = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Conv2D(2, 1)])
    for model in (keras.Sequential(), fixed, keras.Sequential([keras.Input((None, None, 5))]), "model.keras"):
        with pytest.raises(ValueError, match="`model` is a network of fcn_keras"):
            export(model, tmp_path / "fcn")
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(ValueError, match=r"Received the Keras backend 'jax'.*KERAS_BACKEND=tensorflow"):
        export(net, tmp_path / "fcn")


def test_the_command_exports(tmp_path, capsys):
    net = randomize(FCN32s({"sem": 2, "geo": 3}, channels=NARROW))
    net.save(tmp_path / "best.keras")  # as in a stage's folder
    (tmp_path / "names").write_text("sky\nground\n\n")
    (tmp_path / "recipe.json").write_text('{"decisions": {"recipe": "mine", "settings": {"buckets": [[32, 64]]}}}')
    (tmp_path / "metrics.json").write_text(json.dumps({"heads": {"sem": METRICS, "geo": METRICS}}))
    (tmp_path / "classes.txt").write_text("near\nmiddle\nfar\n")
    options = ["--model-version", "4", "--classes", f"sem={tmp_path / 'names'}", "--max-pixels", "5000"]
    options += ["--metrics", str(tmp_path / "metrics.json"), "--extra", "confidence", "--json", "--verbose"]
    assert main([str(tmp_path), str(tmp_path / "served"), *options]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out) == {"path": str(tmp_path / "served" / "4")}
    assert f"fcn-export: reading {tmp_path / 'best.keras'}\n" in said.err
    assert (tmp_path / "served" / "4" / "assets" / "classes_sem.txt").read_text() == "sky\nground\n"
    served = tf.saved_model.load(str(tmp_path / "served" / "4"))
    run = served.signatures["serving_default"]
    facts = json.loads((tmp_path / "served" / "4" / "model.json").read_text())
    assert (facts["recipe"]["recipe"], facts["warm_up_sizes"]) == ("mine", [[32, 64]])
    assert facts["source"]["sha256"] == hashlib.sha256((tmp_path / "best.keras").read_bytes()).hexdigest()
    assert "| geo | 90.0 | 80.0 | 72.5 | 85.0 |" in (tmp_path / "served" / "4" / "README.md").read_text()
    image = picture(50, 60)
    answer = run(image_bytes=tf.constant([encode(image)]))
    assert {"sem_confidence", "geo_confidence"} < set(answer)
    png = answer["geo_png_bytes"].numpy()[0]
    np.testing.assert_array_equal(decode(png), inference.predict(net, image)["geo"])


def test_the_command_says_what_is_wrong_in_one_line(tmp_path, capsys, monkeypatch):
    (tmp_path / "text.keras").write_text("no model")
    (tmp_path / "file").write_text("")
    (tmp_path / "net.h5").write_text("")
    (tmp_path / "list").write_text("[]")
    (tmp_path / "object").write_text("{}")
    (tmp_path / "names").write_text("sky\n")
    (tmp_path / "served" / "2").mkdir(parents=True)
    with zipfile.ZipFile(tmp_path / "empty.keras", "w") as archive:
        archive.writestr("readme", "")
    FCN32s(2, channels=NARROW).save(tmp_path / "net.keras")
    for arguments, message in [
        (["none.keras", "served"], "none.keras is missing. Name a .keras file, or the folder of a stage"),
        (["served", "served"], "served holds no best.keras. Name a stage's folder or a .keras file."),
        (["net.h5", "served"], "net.h5 is not a .keras file"),
        (["text.keras", "served"], "text.keras is damaged, cut off or no .keras file. Copy or save it again."),
        (["empty.keras", "served"], "empty.keras cannot be loaded (expected config.json, "),
        (["net.keras", "file"], "file: File exists"),
        (["net.keras", "file/deeper"], "Not a directory"),
        (["net.keras", "served", "--model-version", "2"], "Version 2 is in served already"),
        (["net.keras", "served", "--model-version", "-2"], "--model-version is a positive whole number. Received: -2"),
        (["net.keras", "served", "--model-version", "x"], "--model-version is a positive whole number. Received: x"),
        (["net.keras", "served", "--max-pixels", "0"], "--max-pixels is a positive whole number"),
        (["net.keras", "served", "--size", "375"], "--size is a height and a width, as in 375x500. Received: 375"),
        (["net.keras", "served", "--size", "9x9", "--max-pixels", "80"], "`sizes` are at most `max_pixels` = 80"),
        (["net.keras", "served", "--metrics", "none.json"], "none.json: No such file"),
        (["net.keras", "served", "--metrics", "file"], "file is not JSON"),
        (["net.keras", "served", "--metrics", "list"], "list should hold a JSON object. Received: list"),
        (["net.keras", "served", "--metrics", "object"], "object is not the metrics.json that fcn-evaluate"),
        (["net.keras", "served", "--classes", "none.txt"], "none.txt is not a readable class file"),
        (["net.keras", "served", "--classes", "file"], "file names no class"),
        (["net.keras", "served", "--classes", "names"], "`classes` holds one name a class, 2. Received: 1"),
    ]:
        monkeypatch.chdir(tmp_path)
        assert main(arguments) == 2, arguments
        output = capsys.readouterr()
        assert output.out == ""
        assert output.err.startswith("fcn-export: ")
        assert output.err.count("\n") == 1
        assert message in output.err
    assert [path.name for path in (tmp_path / "served").iterdir()] == ["2"]


def test_a_full_disk_is_one_line(tmp_path, capsys, monkeypatch):
    FCN32s(2, channels=NARROW).save(tmp_path / "net.keras")

    def fail(*_, **__):
        raise tf.errors.UnknownError(None, None, "No space left on device")

    monkeypatch.setattr(command, "export", fail)
    assert main([str(tmp_path / "net.keras"), str(tmp_path)]) == 2
    assert capsys.readouterr().err == "fcn-export: No space left on device\n"
