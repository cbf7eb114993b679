"""Tensors as JSON: the shapes of TF Serving's replies, and numbers that read back as they were."""

import json
import math

import numpy as np
import pytest

from serving.errors import ServingError
from serving.server.rest import json_replies


def strings(*values):
    return np.array(values, object)


def rows(**outputs):
    return json.loads(json_replies.predictions(outputs))["predictions"]


def columns(**outputs):
    return json.loads(json_replies.outputs_object(outputs))["outputs"]


def test_reply_in_row_form():
    # As published for TF Serving's half_plus_two
    assert json_replies.predictions({"y": np.array([2.5, 3, 4.5], np.float32)}) == b'{"predictions":[2.5,3.0,4.5]}'
    assert rows(y=np.array([[[1, 2]], [[3, 4]]], np.int64)) == [[[1, 2]], [[3, 4]]]
    assert rows(png_bytes=strings(b"a", b"b")) == [{"b64": "YQ=="}, {"b64": "Yg=="}]


def test_reply_in_row_form_of_several_outputs():
    outputs = {
        "label_png_bytes": strings(b"image bytes", b""),
        "status": strings(b"", 'caf\u00e9 "\n'.encode()),
        "height": np.array([1, 2], np.int32),
        "scores": np.array([[0.5, 1], [2, 3]]),
    }
    assert rows(**outputs) == [
        {"label_png_bytes": {"b64": "aW1hZ2UgYnl0ZXM="}, "status": "", "height": 1, "scores": [0.5, 1.0]},
        {"label_png_bytes": {"b64": ""}, "status": 'caf\u00e9 "\n', "height": 2, "scores": [2.0, 3.0]},
    ]


def test_reply_in_column_form():
    label, empty = np.array([[1, 2]], np.uint8), np.empty((1, 0), np.uint8)
    assert columns(label=label, ok=np.array(True)) == {"label": [[1, 2]], "ok": True}
    assert columns(label=empty, ok=np.array(True)) == {"label": [[]], "ok": True}
    assert columns(y=np.array([3.5], np.float32)) == [3.5]
    assert columns(y=np.array(7)) == 7
    assert columns(y=strings(b"a").reshape(())) == "a"
    assert columns(y_bytes=strings(b"a", b"b").reshape(2, 1)) == [[{"b64": "YQ=="}], [{"b64": "Yg=="}]]


def test_strings_that_are_no_utf_8_leave_the_reply_readable():
    assert columns(y=strings(b"a\xff")) == ["a\ufffd"]


def test_reply_without_rows():
    empty = np.empty((0, 3), np.float32)
    assert rows(y=empty) == rows(y=empty, z=empty) == columns(y=empty) == []


@pytest.mark.parametrize(
    ("dtype", "number", "text"),
    [
        (np.float32, 0.1, "0.1"),
        (np.float32, 1 / 3, "0.33333334"),
        (np.float32, 0, "0.0"),
        (np.float32, -0.0, "-0.0"),
        (np.float32, 255, "255.0"),
        (np.float64, 1 / 3, "0.3333333333333333"),
        (np.float16, 0.1, "0.099975586"),
        (np.float32, math.nan, "NaN"),
        (np.float32, math.inf, "Infinity"),
        (np.float64, -math.inf, "-Infinity"),
    ],
)
def test_floats_have_a_point_and_the_digits_of_their_type(dtype, number, text):
    for array in (np.array(number, dtype), np.array([[number]], dtype)):
        reply = json_replies.outputs_object({"y": array}).decode()
        assert reply.removeprefix('{"outputs":').removesuffix("}").strip("[]") == text


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (4, 3, 21), (2, 200)])
def test_not_a_number_and_infinities_are_written_among_numbers(shape, monkeypatch):
    monkeypatch.setattr(json_replies, "PIECE", 100)
    numbers = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    flat = numbers.reshape(-1)
    flat[0], flat[-1], flat[len(flat) // 2] = math.inf, -math.inf, math.nan
    np.testing.assert_array_equal(np.array(columns(y=numbers), np.float32), numbers)
    if shape:
        np.testing.assert_array_equal(np.array(rows(y=numbers), np.float32), numbers)
        named = rows(y=numbers, z=np.zeros(len(numbers)))
        np.testing.assert_array_equal(np.array([row["y"] for row in named], np.float32), numbers)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_read_back_equal(dtype):
    random = np.random.default_rng(0)
    bits = random.integers(0, 2 ** (8 * dtype().itemsize), 7_000, np.uint64).astype(f"u{dtype().itemsize}")
    numbers = np.concatenate([bits.view(dtype), np.round(random.normal(size=2000), 3).astype(dtype)])
    for reply in (json_replies.predictions, json_replies.outputs_object):
        [read_back] = json.loads(reply({"y": numbers.reshape(-1, 3)})).values()
        np.testing.assert_array_equal(np.array(read_back, dtype), numbers.reshape(-1, 3))


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "int64", "uint8", "uint32", "uint64", "bool"])
@pytest.mark.parametrize("shape", [(3, 30, 40), (2, 2_000), (4_000,), (1, 1, 1, 1), (2, 3, 0)])
def test_large_replies_read_back_equal(dtype, shape):
    numbers = np.random.default_rng(0).integers(0, 2 if dtype == "bool" else 100, shape).astype(dtype)
    for reply in (json_replies.predictions, json_replies.outputs_object):
        [read_back] = json.loads(reply({"y": numbers})).values()
        np.testing.assert_array_equal(np.array(read_back).reshape(shape), numbers)


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ({}, "Cannot convert empty tensor map to JSON"),
        ({"y": np.array(1)}, "Tensor name: y has no shape information "),
        ({"y": np.ones(2), "z": np.ones(3)}, "Tensor name: z has inconsistent batch size: 3 expecting: 2"),
        ({"y": np.ones(2, np.uint16)}, "Failed to write JSON value for tensor type: uint16"),
    ],
)
def test_refuses_outputs(outputs, message):
    with pytest.raises(ServingError) as caught:
        json_replies.predictions(outputs)
    assert (caught.value.code, caught.value.message) == ("INVALID_ARGUMENT", message)


def test_column_form_refuses_no_outputs():
    with pytest.raises(ServingError, match="Cannot convert empty tensor map to JSON"):
        json_replies.outputs_object({})


def test_error_body():
    assert json.loads(json_replies.error('no "x"\n')) == {"error": 'no "x"\n'}
    assert json.loads(json_replies.error("\udcff")) == {"error": "?"}
