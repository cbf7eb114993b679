"""A file that answers as its model does takes its place; another leaves nothing. The files here are of no format."""

import numpy as np
import pytest

from fcn_keras import inference
from fcn_keras.models import FCN32s
from fcn_keras_console.exported.find import ONNX
from serving import probe
from serving.export.checked_file import write_checked
from tests.serving.nets import TINY, randomize


@pytest.fixture(scope="module")
def small():
    return randomize(FCN32s(3, channels=TINY))


@pytest.fixture
def write(small):
    """Return a function that writes a file which answers what the model does, by a share more."""

    def write(path, *, more=0.0, labels=False, precision="fp32", calibration=None, least_agreement=None, suffix=".net"):
        def load(temporary):
            assert temporary.read_text() == "whole"
            assert temporary.parent.parent.parent == path.parent

            def answer(image):
                if labels:
                    return {"": inference.predict(small, image)}
                return {"": (1 + more) * inference.predict(small, image, output="scores")}

            return answer

        def put(temporary):
            temporary.write_text("whole")
            temporary.with_suffix(".more").write_text("beside")

        options = {"precision": precision, "calibration": calibration, "least_agreement": least_agreement}
        return write_checked(small, path, put, load, format=ONNX, suffix=suffix, **options)

    return write


def test_what_answers_alike_takes_its_place_with_what_lies_beside(write, tmp_path):
    figures = write(tmp_path / "new" / "a.net", more=1e-5)
    assert figures.agreement == 1
    assert figures.largest_error == pytest.approx(1e-5, rel=0.01)
    found = {path.name: path.read_text() for path in (tmp_path / "new").iterdir()}
    assert probe.read(tmp_path / "new" / "a.net.probe.json").facts["precision"] == "fp32"
    del found["a.net.probe.json"]
    assert found == {"a.net": "whole", "a.more": "beside"}
    assert write(tmp_path / "new" / "a.net", labels=True, suffix=None).largest_error is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"more": 1e-3}, r"a.net gives scores that are off by 1.0e-03 of the largest; 0.0001 is allowed. Nothing was"),
        ({"more": np.nan}, "scores that are NaN or infinite"),
        ({"labels": True, "least_agreement": 1.1}, r"labels of which 100.00 % agree \(drawn\); 110 % have to. Nothing"),
        ({"suffix": ".onnx"}, r"The file's name ends in .onnx. Received: .*a.net"),
        ({"precision": "int4"}, r"`precision` is one of \('fp32', 'fp16', 'bf16', 'int8'\). Received: 'int4'"),
        ({"precision": "int8"}, "int8 needs images to calibrate on"),
        ({"calibration": [0]}, "`calibration` goes with int8 alone. Received: precision='fp32'"),
    ],
)
def test_anything_else_is_refused_and_leaves_nothing(write, tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        write(tmp_path / "new" / "a.net", **options)
    assert not list(tmp_path.iterdir())
    (tmp_path / "a.net").write_text("older")
    with pytest.raises(ValueError, match=message):
        write(tmp_path / "a.net", **options)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.net", "older")]


def test_broken_weights_are_refused_before_anything_is_written(tmp_path):
    net = FCN32s(3, channels=TINY)
    net.get_layer("score_fr").bias.assign([0, np.inf, 0])
    options = {"suffix": None, "precision": "fp32", "calibration": None, "least_agreement": None}
    with pytest.raises(ValueError, match="NaN or infinity in layer score_fr of fcn32s"):
        write_checked(net, tmp_path / "a.net", None, None, format=ONNX, **options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("largest", [1.0, 1e31])
def test_a_file_of_weights_that_may_overflow_is_warned_of(write, small, tmp_path, caplog, largest):
    """Of one more channel of fc6 nothing is read: what the file answers is right, and nobody knows for how long."""
    before = [np.asarray(small.get_layer(name).kernel) for name in ("fc6", "fc7")]
    wide, unread = (kernel.copy() for kernel in before)
    wide[..., 0], unread[:, :, 0] = largest, 0
    for name, kernel in (("fc6", wide), ("fc7", unread)):
        small.get_layer(name).kernel.assign(kernel)
    try:
        assert write(tmp_path / "a.net").agreement == 1
    finally:
        for name, kernel in zip(("fc6", "fc7"), before, strict=True):
            small.get_layer(name).kernel.assign(kernel)
    said = [record.getMessage() for record in caplog.records if record.name == "fcn_keras_console"]  # which is printed
    assert len(said) == (largest > 1)
    assert all("its sums may leave float32. Nothing in a.net looks at them" in text for text in said)
