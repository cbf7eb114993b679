"""JSON text: what is read, what is refused, and how a message repeats it."""

import json
import math

import pytest

from serving.errors import ServingError
from serving.server.rest import json_text


def test_reads_every_kind_of_value():
    text = b'{"a": [[[[[1, -2.5e3], []]]], {"b": {}, "c": {"d": [true, false, null]}}], "e": "", "a\\u0062": [NaN]}'
    document = json_text.parse(text)
    assert math.isnan(document["ab"].pop())
    assert document == {"a": [[[[[1, -2500.0], []]]], {"b": {}, "c": {"d": [True, False, None]}}], "e": "", "ab": []}


def test_ignores_the_mark_and_the_blanks_around_the_document():
    assert json_text.parse(b'\xef\xbb\xbf \n{"a": 1} \r\n\t') == {"a": 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1, "b": 2, "a": 1}', 'The key "a" is there twice in one object.'),
        ('{"a": 1, "\\u0061": 2}', 'The key "a" is there twice in one object.'),
        ('{"": {"b": [{"c": 1, "c": 1}]}}', 'The key "c" is there twice in one object.'),
        ('{"a": {"b64": "aGk=", "b64": "aGk="}}', 'The key "b64" is there twice in one object.'),
        ('{"\\ud800": 1, "\\ud800": 1}', "The key "),
        (f'{{"{"k" * 5000}": 1, "{"k" * 5000}": 1}}', f'The key "{"k" * 1023}...TRUNCATED is there'),
        ('{"a": 1} {"b"', 'Nothing may follow the document. Received: "{\\"b\\"" at character 9.'),
        ('{"a": 1}\0', 'Nothing may follow the document. Received: "\\u0000" at character 8.'),
        ('{"a": 1}' + "}" * 5000, f'Nothing may follow the document. Received: "{"}" * 40}" at character 8.'),
        ('{"a": 1}\u00a0', "Nothing may follow the document."),
    ],
)
def test_refuses_what_would_be_answered_as_something_else(text, message):
    with pytest.raises(ServingError) as caught:
        json_text.parse(text.encode())
    assert caught.value.code == "INVALID_ARGUMENT"
    assert caught.value.message.startswith(f"JSON Parse error: {message}")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_reads_utf_8_alone(encoding):
    with pytest.raises(ServingError, match="JSON Parse error"):
        json_text.parse('{"a": 1}'.encode(encoding))


@pytest.mark.parametrize("number", ["1e999", "-1e999", "1" * 400 + ".0", "1" * 400])
def test_numbers_beyond_all_floats_are_no_infinities(number):
    [value] = json_text.parse(f'{{"a": [{number}]}}'.encode())["a"]
    assert all(value is not infinity for infinity in json_text.INFINITIES.values())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The document is empty"),
        (" \n ", "The document is empty"),
        ("instances = [1]", "Expecting value: line 1 column 1 (char 0)"),
        (' \n {"a": }', "Expecting value: line 2 column 8 (char 9)"),
        ('{"a": [1, ]}', ""),
        ("{a: 1}", "Expecting property name enclosed in double quotes: line 1 column 2"),
        ('{"a": 1,}', ""),
        ('{"a" 1}', "Expecting ':' delimiter: line 1 column 6"),
        ('{"a": [1 2]}', "Expecting ',' delimiter: line 1 column 10"),
        ('{"a": [1, 2}', "Expecting ',' delimiter: line 1 column 12"),
        ('{"é": 1', "Expecting ',' delimiter: line 1 column 8"),
        ('{"a": 1.}', ""),
        ('{"a": 01}', ""),
        ('{"a": "b}', "Unterminated string starting at: line 1 column 7"),
        ('{"a": "\\x"}', "Invalid \\escape: line 1 column 8"),
        ('{"a": "\n"}', "Invalid control character at: line 1 column 8"),
        ('{"a": "\\u12g4"}', "Invalid \\uXXXX escape: line 1 column "),
        ('{"a": nan}', "Expecting value: line 1 column 7"),
        (f'{{"a": {"1" * 5000}}}', "Number too big to be stored in double."),
        ("[" * 100_000, "Lists or objects are nested too deeply."),
        ('{"a":' * 100_000, "Lists or objects are nested too deeply."),
    ],
)
def test_refuses_malformed_text(text, message):
    with pytest.raises(ServingError) as caught:
        json_text.parse(text.encode())
    assert caught.value.code == "INVALID_ARGUMENT"
    assert caught.value.message.startswith(f"JSON Parse error: {message}")


def test_refuses_other_than_an_object():
    with pytest.raises(ServingError, match=r"^JSON Value: \[1, 2\] Is not object$"):
        json_text.parse(b"[1, 2]")


@pytest.mark.parametrize(
    ("part", "bytes_"),
    # Twice the text's length, or eight times outside ASCII; and what lists, objects, members and values take besides.
    [("[],", 2 * 3 + 64 + 64), ('{"":0},', 2 * 7 + 240 + 190 + 64), ("1,", 2 * 2 + 64), ('"é",', 8 * 5 + 64)],
)
def test_refuses_what_takes_more_memory_than_its_text(part, bytes_, monkeypatch):
    monkeypatch.setattr(json_text, "MOST_BYTES", 1_000_000)
    most = (1_000_000 - 600) // bytes_  # 600 are enough for what is around them
    assert len(json_text.parse(f'{{"a": [{part * most}1]}}'.encode())["a"]) == most + 1
    with pytest.raises(ServingError, match="Send fewer images at once, or files instead of pixels") as caught:
        json_text.parse(f'{{"a": [{part * (most + 5)}1]}}'.encode())
    assert caught.value.code == "RESOURCE_EXHAUSTED"


def test_quotes_a_value_as_json():
    value = {"a": [1, 0.1, math.nan, None, True, "é"], "b": {}}
    assert json_text.quote(value) == '{"a": [1, 0.1, NaN, null, true, "é"], "b": {}}'


def test_quotes_only_the_start_of_a_large_value():
    quoted = json_text.quote(list(range(10_000)))
    assert quoted.startswith("[0, 1, 2")
    assert quoted.endswith("...TRUNCATED")
    assert len(quoted) == 1024 + len("...TRUNCATED")
    assert len(json_text.quote("x" * 5000)) == len(quoted)
    deep = json.loads("[" * 900 + "]" * 900)
    assert json_text.quote(deep).endswith("...TRUNCATED")
