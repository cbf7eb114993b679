"""JSON <-> tensors: the examples of TF Serving's documentation, messages, and text worked out by hand."""

import json
import math

import numpy as np
import pytest
from google.protobuf import text_format
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

from serving.errors import ServingError
from serving.server.rest import json_requests, json_text


def signature(**inputs):
    text = "".join(f'inputs {{ key: "{name}" value {{ dtype: DT_{dtype} }} }}' for name, dtype in inputs.items())
    return text_format.Parse(text, SignatureDef())


def read(text, **inputs):
    document = json_text.parse(text if isinstance(text, bytes) else text.encode())
    return json_requests.tensors(document, signature(**inputs))


def refuse(text, **inputs):
    """Return the message of what must be refused as an invalid argument."""
    with pytest.raises(ServingError) as caught:
        read(text, **inputs)
    assert caught.value.code == "INVALID_ARGUMENT"
    return caught.value.message


def assert_tensors(actual, **expected):
    assert actual.keys() == expected.keys()
    for name, array in expected.items():
        assert (actual[name].shape, actual[name].dtype) == (array.shape, array.dtype)
        np.testing.assert_array_equal(actual[name], array)


def strings(*values):
    return np.array(values, object)


# Requests of TF Serving's api_rest.md: a list of scalars, of [1, 2] tensors, and three named inputs in both forms


def test_rows_of_the_documentation():
    inputs, is_row = read('{"instances": ["foo", "bar", "baz"]}', tag="STRING")
    assert is_row
    assert_tensors(inputs, tag=strings(b"foo", b"bar", b"baz"))
    inputs, _ = read('{"instances": [[[1, 2]], [[3, 4]]]}', x="FLOAT")
    assert_tensors(inputs, x=np.array([[[1, 2]], [[3, 4]]], np.float32))


NAMED = {
    "tag": strings(b"foo", b"bar"),
    "signal": np.array([[1, 2, 3, 4, 5], [3, 4, 1, 2, 5]], np.int64),
    "sensor": np.array([[[1, 2], [3, 4]], [[4, 5], [6, 8]]], np.float64),
}


def test_named_inputs_of_the_documentation_in_row_form():
    inputs, is_row = read(
        """{"instances": [
            {"tag": "foo", "signal": [1, 2, 3, 4, 5], "sensor": [[1, 2], [3, 4]]},
            {"sensor": [[4, 5], [6, 8]], "tag": "bar", "signal": [3, 4, 1, 2, 5]}]}""",
        tag="STRING",
        signal="INT64",
        sensor="DOUBLE",
    )
    assert is_row
    assert_tensors(inputs, **NAMED)


def test_named_inputs_of_the_documentation_in_column_form():
    inputs, is_row = read(
        """{"inputs": {"tag": ["foo", "bar"], "signal": [[1, 2, 3, 4, 5], [3, 4, 1, 2, 5]],
                       "sensor": [[[1, 2], [3, 4]], [[4, 5], [6, 8]]], "more": "is ignored"}}""",
        tag="STRING",
        signal="INT64",
        sensor="DOUBLE",
    )
    assert not is_row
    assert_tensors(inputs, **NAMED)


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ('{"instances": [{"b64": "aW1hZ2UgYnl0ZXM="}]}', strings(b"image bytes")),
        ('{"instances": [{"image": {"b64": "aW1hZ2UgYnl0ZXM="}}]}', strings(b"image bytes")),
        (
            '{"instances": [[{"b64": "YXdlc29tZSBpbWFnZSBieXRlcw=="}, "sea"]]}',
            strings([b"awesome image bytes", b"sea"]),
        ),
        ('{"inputs": {"b64": "aW1hZ2UgYnl0ZXM="}}', strings(b"image bytes").reshape(())),
        ('{"inputs": {"image": [{"b64": "aW1hZ2UgYnl0ZXM"}]}}', strings(b"image bytes")),
        ('{"inputs": [{"b64": " aW1hZ2Ug\\nYnl0ZXM= "}, {"b64": ""}]}', strings(b"image bytes", b"")),
        ('{"inputs": ["caf\\u00e9", "a\\u0000b", "\\ud83d\\ude00"]}', strings("café".encode(), b"a\0b", "😀".encode())),
        (b'{"inputs": ["not UTF-8: \xff\xfe"]}', strings(b"not UTF-8: \xff\xfe")),
        ('{"inputs": []}', np.empty(0, object)),
    ],
)
def test_strings(request_, expected):
    assert_tensors(read(request_, image="STRING")[0], image=expected)


@pytest.mark.parametrize(
    ("dtype", "values", "expected"),
    [
        ("UINT8", "[0, 255]", np.array([0, 255], np.uint8)),
        ("INT8", "[-128, 127]", np.array([-128, 127], np.int8)),
        ("INT16", "[-32768, 32767]", np.array([-32768, 32767], np.int16)),
        ("INT32", "[-2147483648, 2147483647]", np.array([-(2**31), 2**31 - 1], np.int32)),
        ("UINT32", "[4294967295]", np.array([2**32 - 1], np.uint32)),
        ("INT64", "[-9223372036854775808]", np.array([-(2**63)], np.int64)),
        ("UINT64", "[18446744073709551615]", np.array([2**64 - 1], np.uint64)),
        ("BOOL", "[[true], [false]]", np.array([[True], [False]])),
        ("FLOAT", "[1, 2.5, -0.007, 1e3]", np.array([1, 2.5, -0.007, 1000], np.float32)),
        ("FLOAT", "[NaN, Infinity, -Infinity]", np.array([math.nan, math.inf, -math.inf], np.float32)),
        ("FLOAT", "[NaN, 16777217.5, -3e38]", np.array([math.nan, 16777218, -3e38], np.float32)),
        ("FLOAT", "[16777215, 16777216.0, 1e30]", np.array([16777215, 16777216, 1e30], np.float32)),
        ("DOUBLE", "[9007199254740991, 1e300]", np.array([2**53 - 1, 1e300])),
        ("DOUBLE", "[100000000000000000000]", np.array([1e20])),
        ("INT32", "[[], []]", np.empty((2, 0), np.int32)),
        ("FLOAT", "7", np.array(7, np.float32)),
    ],
)
def test_numbers(dtype, values, expected):
    assert_tensors(read(f'{{"inputs": {values}}}', x=dtype)[0], x=expected)


@pytest.mark.parametrize("dtype", ["UINT8", "FLOAT"])
def test_images(dtype):
    numbers = np.random.default_rng(0).integers(0, 256, (2, 5, 4, 3)).astype({"FLOAT": "f4"}.get(dtype, "u1"))
    for key in ("instances", "inputs"):
        assert_tensors(read(json.dumps({key: numbers.tolist()}), x=dtype)[0], x=numbers)
    nested = numbers.tolist()
    nested[1][4][3].append(1)
    uneven = refuse(json.dumps({"inputs": nested}), x=dtype)
    assert uneven == "Encountered list at unexpected size: 4 at level: 3 expected size: 3"
    nested[1][4][3][2:] = [True]
    assert "Type: True is not of expected type" in refuse(json.dumps({"inputs": nested}), x=dtype)


ELEMENT = "Failed to process element: {} of 'instances' list. Error: INVALID_ARGUMENT: {}"


@pytest.mark.parametrize(
    ("dtype", "values", "message"),
    [
        ("UINT8", "[300]", "JSON Value: 300 Type: Number is not of expected type: uint8"),
        ("INT32", "[1.5]", "JSON Value: 1.5 Type: Number is not of expected type: int32"),
        ("INT32", "[1.0]", "JSON Value: 1.0 Type: Number is not of expected type: int32"),
        ("UINT32", "[-1]", "JSON Value: -1 Type: Number is not of expected type: uint32"),
        (
            "INT64",
            "[9223372036854775808]",
            "JSON Value: 9223372036854775808 Type: Number is not of expected type: int64",
        ),
        ("INT32", "[true]", "JSON Value: true Type: True is not of expected type: int32"),
        ("FLOAT", '["1"]', 'JSON Value: "1" Type: String is not of expected type: float'),
        ("FLOAT", "[false]", "JSON Value: false Type: False is not of expected type: float"),
        ("FLOAT", '[{"b64": "AA=="}]', '{"b64": "AA=="} Type: Object is not of expected type: float'),
        ("BOOL", "[1]", "JSON Value: 1 Type: Number is not of expected type: bool"),
        ("STRING", "[null]", "JSON Value: null Type: Null is not of expected type: string"),
        ("STRING", "[NaN]", "JSON Value: NaN Type: Number is not of expected type: string"),
        ("STRING", '[{"b64": 1}]', 'JSON Value: {"b64": 1} not formatted correctly for base64 data'),
        ("STRING", '[{"b64": "AA==", "c": 1}]', "not formatted correctly for base64 data"),
        ("STRING", '[{"b64": "A"}]', "Unable to base64 decode"),
        ("STRING", '[{"b64": "AA="}]', "Unable to base64 decode"),
        ("STRING", '[{"b64": "-_-_"}]', "Unable to base64 decode"),
        ("STRING", '["\\ud83d"]', "JSON Parse error: The surrogate pair in string is invalid."),
        ("FLOAT", "[16777216]", "Cannot convert JSON value: 16777216 to float without loss of precision."),
        ("FLOAT", "[1e39]", "Cannot convert JSON value: 1e+39 to float without loss of precision."),
        ("DOUBLE", "[9007199254740992]", "JSON value: 9007199254740992 to double without loss of precision."),
        ("DOUBLE", f"[1{400 * '0'}]", "to double without loss of precision."),
        ("UINT64", "[-1]", "JSON Value: -1 Type: Number is not of expected type: uint64"),
        ("FLOAT", "[1e999]", "JSON Parse error: Number too big to be stored in double."),
        ("INT32", "[[1, 2], [3]]", "Encountered list at unexpected size: 1 at level: 1 expected size: 2"),
        ("INT32", "[1, [2]]", "Encountered list at unexpected level: 1 expected < 1"),
        ("INT32", "[[1], 2]", "JSON Value: 2 found at incorrect level: 2 in the JSON DOM. Expected at level: 2"),
        ("INT32", "[" * 40 + "]" * 40, "Tensors of more than 31 dimensions are not supported. Received: 40."),
        (
            "INT32",
            "[" * 300 + "1," * 70_000 + "1" + "]" * 300,
            "Tensors of more than 31 dimensions are not supported. Received: 300.",
        ),
    ],
)
def test_refuses_values(dtype, values, message):
    assert message in refuse(f'{{"inputs": {values}}}', x=dtype)


@pytest.mark.parametrize("dtype", ["HALF", "UINT16", "COMPLEX64"])
def test_tensor_types_that_tf_serving_does_not_read(dtype):
    for value in (1, []):
        with pytest.raises(ServingError, match=f"Conversion of JSON Value: .* to type: {dtype.lower()}") as caught:
            read(json.dumps({"inputs": value}), x=dtype)
        assert caught.value.code == "UNIMPLEMENTED"
    assert refuse('{"instances": [1]}', x=dtype).startswith(
        "Failed to process element: 0 of 'instances' list. Error: UNIMPLEMENTED: Conversion"
    )


@pytest.mark.parametrize(
    ("instances", "message"),
    [
        ("[[1, 2], [3, 4], [5, 6, 7]]", ELEMENT.format(2, "Expecting tensor size: 2 but got: 3")),
        ("[[1, 2], [3, 4], [[5, 6]]]", ELEMENT.format(2, "Expecting shape [2] but got: [1,2]")),
        ("[1, [1]]", ELEMENT.format(1, "Expecting shape [] but got: [1]")),
        ('[1, {"x": 1}]', "Expecting value/list but got object at item 1 of input list"),
        ('[{"x": 1}, 1]', "Expecting object but got list at item 1 of input list"),
        ('[{"x": 1}, {"x": [1]}]', ELEMENT.format("1 key: x", "Expecting shape [] but got: [1]")),
        ('[{"y": 1}]', ELEMENT.format("0 key: y", "JSON object: does not have named input: y")),
        ("[{}]", "Failed to process element: 0 of 'instances' list. JSON object: {} keys must be equal to: x"),
        ("[]", "JSON Value: {\"instances\": []} No values in 'instances' array"),
        ("5", "JSON Value: {\"instances\": 5} Excepting 'instances' to be an list/array"),
    ],
)
def test_refuses_rows(instances, message):
    assert refuse(f'{{"instances": {instances}}}', x="INT32") == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"instances": [1]}', "instances is a plain list, but expecting list of objects as multiple input tensors"),
        ('{"inputs": [1]}', "inputs is a plain value/list, but expecting an object as multiple input tensors"),
        ('{"inputs": {"a": [1]}}', "Missing named input: b in 'inputs' object."),
        ('{"instances": [{"a": 1}]}', "keys must be equal to: a,b"),
        (
            '{"instances": [1], "inputs": [1]}',
            "Not formatted correctly expecting only one of 'inputs' or 'instances' keys",
        ),
        ("{}", "Missing 'inputs' or 'instances' key"),
    ],
)
def test_refuses_requests_for_two_inputs(text, message):
    assert message in refuse(text, b="INT32", a="INT32")


def test_a_signature_without_inputs():
    assert refuse('{"inputs": 1}') == "Failed to get input map for signature: DEFAULT"
    assert refuse('{"inputs": 1, "signature_name": "s"}') == "Failed to get input map for signature: s"


def test_signature_name():
    assert json_requests.signature_name({}) == json_requests.signature_name({"signature_name": ""}) == "serving_default"
    assert json_requests.signature_name({"signature_name": "s"}) == "s"
    with pytest.raises(ServingError, match="'signature_name' key must be a string value"):
        json_requests.signature_name({"signature_name": 5})
