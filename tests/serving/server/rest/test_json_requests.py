"""JSON <-> tensors: the examples of TF Serving's documentation, messages, and text worked out by hand."""

import json
import math

import numpy as np
import pytest
from google.protobuf import text_format
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

from serving.errors import ServingError
from serving.server.rest import json_replies as json_format
from serving.server.rest import json_requests as json_tensors
from serving.server.rest import json_text


def signature(**inputs):
    text = "".join(f'inputs {{ key: "{name}" value {{ dtype: DT_{dtype} }} }}' for name, dtype in inputs.items())
    return text_format.Parse(text, SignatureDef())


def read(text, **inputs):
    document = json_text.parse(text if isinstance(text, bytes) else text.encode())
    return json_tensors.tensors(document, signature(**inputs))


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
def test_numbers_read_in_pieces(dtype, monkeypatch):
    numbers = np.random.default_rng(0).integers(0, 256, (2, 5, 4, 3)).astype({"FLOAT": "f4"}.get(dtype, "u1"))
    texts = [json.dumps({"instances": numbers.tolist()}), json.dumps({"inputs": numbers.tolist()})]
    monkeypatch.setattr(json_tensors, "PIECE", 20)
    for text in texts:
        assert_tensors(read(text, x=dtype)[0], x=numbers)
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
        ("FLOAT", '[{"b64": "AA=="}]', '"b64": "AA=="\n} Type: Object is not of expected type: float'),
        ("BOOL", "[1]", "JSON Value: 1 Type: Number is not of expected type: bool"),
        ("STRING", "[null]", "JSON Value: null Type: Null is not of expected type: string"),
        ("STRING", "[NaN]", "JSON Value: NaN Type: Number is not of expected type: string"),
        ("STRING", '[{"b64": 1}]', 'JSON Value: {\n    "b64": 1\n} not formatted correctly for base64 data'),
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
        ("[]", "JSON Value: {\n    \"instances\": []\n} No values in 'instances' array"),
        ("5", "JSON Value: {\n    \"instances\": 5\n} Excepting 'instances' to be an list/array"),
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
    assert json_tensors.signature_name({}) == json_tensors.signature_name({"signature_name": ""}) == "serving_default"
    assert json_tensors.signature_name({"signature_name": "s"}) == "s"
    with pytest.raises(ServingError, match="'signature_name' key must be a string value"):
        json_tensors.signature_name({"signature_name": 5})


# JSON text


@pytest.fixture(params=["at one go", "in pieces"])
def reading(request, monkeypatch):
    """Read small texts as large ones are read, too."""
    if request.param == "in pieces":
        monkeypatch.setattr(json_text, "LARGE", 0)


@pytest.mark.usefixtures("reading")
def test_reads_every_kind_of_value():
    text = b'{"a": [[[[[1, -2.5e3], []]]], {"b": {}, "c": {"d": [true, false, null]}}], "e": "", "a\\u0062": [NaN]}'
    document = json_text.parse(text)
    assert math.isnan(document["ab"].pop())
    assert document == {"a": [[[[[1, -2500.0], []]]], {"b": {}, "c": {"d": [True, False, None]}}], "e": "", "ab": []}


@pytest.mark.usefixtures("reading")
def test_ignores_what_surrounds_the_document():
    assert json_text.parse(b'\xef\xbb\xbf \n{"a": 1} {"b"') == {"a": 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The document is empty"),
        (" \n ", "The document is empty. at offset: 3"),
        ("instances = [1]", "Invalid value. at offset: 0"),
        ('{"a": }', "Invalid value. at offset: 6"),
        ('{"a": [1, ]}', "Invalid value. at offset: 10"),
        ("{a: 1}", "Missing a name for object member. at offset: 1"),
        ('{"a": 1,}', "Missing a name for object member. at offset: 8"),
        ('{"a" 1}', "Missing a colon after a name of object member. at offset: 5"),
        ('{"a": [1 2]}', "Missing a comma or ] after an array element. at offset: 9"),
        ('{"a": [1, 2}', "Missing a comma or ] after an array element. at offset: 11"),
        ('{"a": [1], "[": {"b": 2} "c"}', "Missing a comma or } after an object member. at offset: 25"),
        ('{"é": 1', "Missing a comma or } after an object member. at offset: 8"),
        ('{"a": 1.}', "Miss fraction part in number. at offset: 8"),
        ('{"a": 1e}', "Miss exponent in number. at offset: 8"),
        ('{"a": "b}', "Missing a closing quotation mark in string. at offset: 9"),
        ('{"a": "\\x"}', "Invalid escape character in string. at offset: "),
        ('{"a": "\n"}', "Invalid escape character in string. at offset: 7"),
        ('{"a": "\\u12g4"}', "Incorrect hex digit after \\u escape in string. at offset: "),
        (f'{{"a": {"1" * 5000}}}', "Number too big to be stored in double."),
        ("[" * 100_000, "Lists or objects are nested too deeply."),
    ],
)
@pytest.mark.usefixtures("reading")
def test_refuses_malformed_text(text, message):
    with pytest.raises(ServingError) as caught:
        json_text.parse(text.encode())
    assert caught.value.code == "INVALID_ARGUMENT"
    assert caught.value.message.startswith(f"JSON Parse error: {message}")


def test_refuses_other_than_an_object():
    with pytest.raises(ServingError, match=r"^JSON Value: \[\n    1,\n    2\n\] Is not object$"):
        json_text.parse(b"[1, 2]")


def test_quotes_only_the_start_of_a_large_value():
    quoted = json_text.quote(list(range(10_000)))
    assert quoted.startswith("[\n    0,\n    1,\n")
    assert quoted.endswith("...TRUNCATED")
    assert len(quoted) == 1024 + len("...TRUNCATED")
    assert len(json_text.quote("x" * 5000)) == len(quoted)
    deep = json.loads("[" * 900 + "]" * 900)
    assert json_text.quote(deep).endswith("...TRUNCATED")


# Replies


def test_reply_in_row_form():
    # As published for TF Serving's half_plus_two; the bracket on a line of its own is what it writes.
    outputs = {"y": np.array([2.5, 3, 4.5], np.float32)}
    assert json_format.predictions(outputs) == b'{\n    "predictions": [2.5, 3.0, 4.5\n    ]\n}'
    outputs = {"y": np.array([[[1, 2]], [[3, 4]]], np.int64)}
    assert json_format.predictions(outputs) == b'{\n    "predictions": [[[1, 2]], [[3, 4]]\n    ]\n}'


def test_reply_in_row_form_of_several_outputs():
    outputs = {
        "label_png_bytes": strings(b"image bytes", b""),
        "status": strings(b"", 'caf\u00e9 "\n'.encode()),
        "height": np.array([1, 2], np.int32),
        "scores": np.array([[0.5, 1], [2, math.nan]]),
    }
    expected = """{
    "predictions": [
        {
            "label_png_bytes": {
                "b64": "aW1hZ2UgYnl0ZXM="
            },
            "status": "",
            "height": 1,
            "scores": [0.5, 1.0]
        },
        {
            "label_png_bytes": {
                "b64": ""
            },
            "status": "café \\"\\n",
            "height": 2,
            "scores": [2.0, NaN]
        }
    ]
}"""
    assert json_format.predictions(outputs).decode() == expected


def test_reply_in_row_form_of_bytes_alone():
    expected = """{
    "predictions": [{
            "b64": "YQ=="
        }, {
            "b64": "Yg=="
        }
    ]
}"""
    assert json_format.predictions({"png_bytes": strings(b"a", b"b")}).decode() == expected


def test_reply_in_column_form():
    expected = """{
    "outputs": {
        "label": [
            [
                1,
                2
            ],
            []
        ],
        "ok": true
    }
}"""
    label, empty = np.array([[1, 2]], np.uint8), np.empty((1, 0), np.uint8)
    texts = [json_format.outputs_object({"label": array, "ok": np.array(True)}).decode() for array in (label, empty)]
    assert texts[0] == expected.replace(",\n            []", "")
    assert json.loads(texts[1]) == {"outputs": {"label": [[]], "ok": True}}
    assert (
        json_format.outputs_object({"y": np.array([3.5], np.float32)}) == b'{\n    "outputs": [\n        3.5\n    ]\n}'
    )
    assert json_format.outputs_object({"y": np.array(7)}) == b'{\n    "outputs": 7\n}'
    assert json_format.outputs_object({"y": strings(b"\xff")}) == b'{\n    "outputs": [\n        "\xff"\n    ]\n}'


def test_reply_without_rows():
    empty = np.empty((0, 3), np.float32)
    assert json_format.predictions({"y": empty}) == b'{\n    "predictions": []\n}'
    assert json_format.predictions({"y": empty, "z": empty}) == b'{\n    "predictions": []\n}'
    assert json_format.outputs_object({"y": empty}) == b'{\n    "outputs": []\n}'


@pytest.mark.parametrize(
    ("dtype", "number", "text"),
    [
        # C's "%g", if reading it gives the number back, else "%.9g" or "%.17g"
        (np.float32, 0.1, "0.1"),
        (np.float32, 1 / 3, "0.333333343"),
        (np.float32, 0, "0.0"),
        (np.float32, -0.0, "-0.0"),
        (np.float32, 255, "255.0"),
        (np.float32, 999999, "999999.0"),
        (np.float32, 1e6, "1e+06"),
        (np.float32, 1234567, "1234567.0"),
        (np.float32, 123456789, "123456792.0"),
        (np.float32, 1234567890, "1.23456794e+09"),
        (np.float32, 3e-5, "3e-05"),
        (np.float32, 3.4028235e38, "3.40282347e+38"),
        (np.float32, 1e-45, "1.4013e-45"),
        (np.float32, math.nan, "NaN"),
        (np.float32, math.inf, "Infinity"),
        (np.float32, -math.inf, "-Infinity"),
        (np.float64, 0.1, "0.1"),
        (np.float64, 1 / 3, "0.33333333333333331"),
        (np.float64, 123456000, "1.23456e+08"),
        (np.float64, 123456789, "123456789.0"),
        (np.float64, 2.0**60, "1.152921504606847e+18"),
        (np.float64, 1e-300, "1e-300"),
        (np.float16, 0.1, "0.0999755859"),
    ],
)
def test_floats(dtype, number, text):
    assert json_format.decimal(dtype(number)) == text


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floats_read_back_equal(dtype):
    random = np.random.default_rng(0)
    bits = random.integers(0, 2 ** (8 * dtype().itemsize), 40_000, np.uint64).astype(f"u{dtype().itemsize}")
    numbers = np.concatenate([bits.view(dtype), np.round(random.normal(size=2000), 3).astype(dtype)])
    for reply in (json_format.predictions, json_format.outputs_object):
        [read_back] = json.loads(reply({"y": numbers.reshape(-1, 3)})).values()
        np.testing.assert_array_equal(np.array(read_back, dtype), numbers.reshape(-1, 3))


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "int64", "uint8", "uint32", "uint64", "bool"])
@pytest.mark.parametrize("shape", [(3, 70, 90), (2, 20_000), (40_000,), (1, 1, 1, 1), (2, 3, 0)])
def test_large_replies_read_back_equal(dtype, shape):
    numbers = np.random.default_rng(0).integers(0, 2 if dtype == "bool" else 100, shape).astype(dtype)
    for reply in (json_format.predictions, json_format.outputs_object):
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
        json_format.predictions(outputs)
    assert (caught.value.code, caught.value.message) == ("INVALID_ARGUMENT", message)


def test_column_form_refuses_no_outputs():
    with pytest.raises(ServingError, match="Cannot convert empty tensor map to JSON"):
        json_format.outputs_object({})


def test_error_body():
    assert json_format.error('no "x"\n') == b'{\n    "error": "no \\"x\\"\\n"\n}'
    assert json_format.error("\udcff") == b'{\n    "error": "?"\n}'
