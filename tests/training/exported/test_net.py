"""A network that another runtime runs: its labels are the runtime's, at the scale that was asked for."""

import sys
import zipfile

import numpy as np
import onnxruntime
import pytest

from fcn_keras.colors import class_colors
from fcn_keras.scaling import area_reduced, labels_at
from fcn_keras_console.exported.find import find_exported
from fcn_keras_console.runtimes.quiet_openvino import load_openvino, openvino_core
from tests.training.exported.files import KERNEL, NAMES, onnx_file, scores_of
from training.exported.net import ExportedNet

IMAGE = np.random.default_rng(1).integers(0, 256, (9, 14, 3), np.uint8)


def net_of(path):
    return ExportedNet(find_exported(path))


def onnx_answer(path, image, dtype):
    """Ask ONNX Runtime itself."""
    (answer,) = onnxruntime.InferenceSession(str(path)).run(None, {"image": image[None].astype(dtype)})
    return answer[0]


def test_onnx_scores_become_the_classes_of_the_highest(tmp_path):
    net = net_of(onnx_file(tmp_path / "net.onnx"))
    assert (net.modality, net.counts, net.names, net.scale) == ("rgb", {"": 4}, {"": NAMES}, None)
    assert net.runtime == f"ONNX Runtime {onnxruntime.__version__}"
    scores = onnx_answer(net.path, IMAGE, np.float32)
    np.testing.assert_allclose(scores, scores_of(IMAGE), rtol=1e-4)  # the file is what the other tests take it for
    labels = net(IMAGE)[""]
    assert labels.dtype == np.uint8
    np.testing.assert_array_equal(labels, scores.argmax(-1))
    assert len(np.unique(labels)) > 2


def test_labels_are_those_of_the_file(tmp_path):
    net = net_of(onnx_file(tmp_path / "net.onnx", labels=True))
    assert net.counts == {"": 4}
    for scale in (None, 1):
        np.testing.assert_array_equal(net(IMAGE, scale)[""], onnx_answer(net.path, IMAGE, np.uint8))
    with pytest.raises(ValueError, match=r"net.onnx gives labels, and .* Leave --scale out, or export it without"):
        net.check_scale(0.5)
    net.check_scale(1)


def test_colours_are_those_of_the_file_or_else_of_the_names(tmp_path):
    net = net_of(onnx_file(tmp_path / "own.onnx", palette="1 2 3\n4 5 6\n7 8 9\n0 0 0"))
    assert net.colors[""].tolist() == [[1, 2, 3], [4, 5, 6], [7, 8, 9], [0, 0, 0]]
    without = onnx_file(tmp_path / "net.onnx")
    np.testing.assert_array_equal(net_of(without).colors[""], class_colors(NAMES))
    (tmp_path / "palette.txt").write_text("9 9 9\n" * 4)
    assert net_of(without).colors[""].tolist() == [[9, 9, 9]] * 4
    with pytest.raises(ValueError, match="it holds 1 colours for 4 classes"):
        net_of(onnx_file(tmp_path / "few.onnx", palette="1 2 3"))


def test_openvino_gives_its_own_labels(tmp_path):
    openvino = load_openvino()
    network = openvino_core().read_model(onnx_file(tmp_path / "net.onnx", names=None))
    openvino.save_model(network, tmp_path / "net.xml", compress_to_fp16=False)
    (tmp_path / "classes.txt").write_text("a\nb\nc\nd\n")
    net = net_of(tmp_path / "net.xml")
    assert (net.counts, net.names) == ({"": 4}, {"": ("a", "b", "c", "d")})
    assert net.runtime.startswith("OpenVINO 2")
    compiled = openvino_core().compile_model(tmp_path / "net.xml", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    scores = compiled({"image": IMAGE[None].astype(np.float32)})[0][0]
    np.testing.assert_array_equal(net(IMAGE)[""], scores.argmax(-1))
    (tmp_path / "net.bin").write_bytes(b"")
    (tmp_path / "net.xml").write_text("<net>")
    with pytest.raises(ValueError, match=r"OpenVINO cannot read .*net.xml: "):
        net_of(tmp_path / "net.xml")


def test_litert_gives_its_own_labels(tmp_path):
    import tensorflow as tf
    from ai_edge_litert.interpreter import Interpreter

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3], tf.uint8, "image")])
    def function(image):
        scores = tf.tensordot(tf.cast(image, tf.float32), tf.constant(KERNEL), 1)
        return {"label": tf.cast(tf.argmax(scores, -1), tf.uint8)}

    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], tf.Module())
    (tmp_path / "net.tflite").write_bytes(converter.convert())
    with pytest.raises(ValueError, match=r"holds no class names, .* Put a classes.txt beside it, or export it with"):
        net_of(tmp_path / "net.tflite")
    with zipfile.ZipFile(tmp_path / "net.tflite", "a") as archive:
        archive.writestr("classes.txt", "\n".join(NAMES) + "\n")
    net = net_of(tmp_path / "net.tflite")
    assert (net.counts, net.names) == ({"": 4}, {"": NAMES})
    run = Interpreter(str(net.path)).get_signature_runner("serving_default")
    np.testing.assert_array_equal(net(IMAGE)[""], run(image=IMAGE[None])["label"][0])


def test_photographs_are_scored_at_another_size(tmp_path):
    net = net_of(onnx_file(tmp_path / "net.onnx"))
    assert (net.scored_size((9, 14)), net.scored_size((9, 14), 7)) == ((9, 14), (5, 7))
    expected = labels_at(onnx_answer(net.path, area_reduced(IMAGE, (5, 7)), np.float32), (9, 14))
    for scale in (0.5, 7):
        np.testing.assert_array_equal(net(IMAGE, scale)[""], expected)
    assert (expected != net(IMAGE, 1)[""]).any()


def test_heads_and_two_images(tmp_path):
    net = net_of(onnx_file(tmp_path / "net.onnx", heads=("sem", "geo"), inputs=("rgb", "hha"), names=None))
    assert (net.modality, net.counts) == ("rgb_hha", {"geo": 4, "sem": 4})
    assert net.names == {"geo": None, "sem": None}
    pair = {"rgb": IMAGE, "hha": IMAGE[::-1] // 2}
    expected = scores_of(pair["rgb"].astype(np.float32) + pair["hha"])
    found = net(pair)
    np.testing.assert_array_equal(found["sem"], expected.argmax(-1))
    np.testing.assert_array_equal(found["geo"], np.roll(expected, 1, -1).argmax(-1))
    assert net(pair, 0.5)["sem"].shape == (9, 14)


def test_scores_that_are_no_numbers_are_refused(tmp_path):
    net = net_of(onnx_file(tmp_path / "net.onnx"))
    image = IMAGE.astype(np.float32)
    image[3, 4] = np.nan
    with pytest.raises(ValueError, match="The scores of this image are not finite"):
        net(image)


def test_what_fcn_export_did_not_write(tmp_path):
    (tmp_path / "cut.onnx").write_bytes(b"no protocol buffer")
    with pytest.raises(ValueError, match=r"^ONNX Runtime cannot read .*cut.onnx: [^\n]*$"):
        net_of(tmp_path / "cut.onnx")
    with pytest.raises(ValueError, match=r"^fcn-export did not write .*: it takes pixels \[None, None, None, 3\]. Exp"):
        net_of(onnx_file(tmp_path / "a.onnx", inputs=("pixels",)))
    with pytest.raises(ValueError, match="it scores 3 classes and names 4"):
        net_of(onnx_file(tmp_path / "b.onnx", classes=3))
    with pytest.raises(ValueError, match="it answers other"):
        net_of(_renamed(onnx_file(tmp_path / "c.onnx"), "other"))


def _renamed(path, name):
    import onnx

    model = onnx.load(path)
    model.graph.node[-1].output[0] = model.graph.output[0].name = name
    onnx.save(model, path)
    return path


@pytest.mark.parametrize(("format", "package"), [("onnx", "onnxruntime"), ("xml", "openvino")])
def test_a_missing_runtime_is_named(tmp_path, monkeypatch, format, package):
    path = onnx_file(tmp_path / "net.onnx").rename(tmp_path / f"net.{format}")
    path.with_suffix(".bin").touch()
    monkeypatch.setitem(sys.modules, package, None)
    extra = {"xml": "openvino"}.get(format, format)
    with pytest.raises(ImportError, match=rf'needs {package}.* pip install "fcn_keras\[{extra}\]"'):
        net_of(path)
