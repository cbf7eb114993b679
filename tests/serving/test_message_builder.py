"""Messages built from a table, held against bytes worked out by hand and against protobuf's own."""

import pytest
from google.protobuf import text_format, wrappers_pb2

from serving.message_builder import messages

FIELDS = {
    "Point": {"x": (1, "int32"), "name": (3, "string")},
    "Line": {"point": (1, "*Point"), "length": (2, "double"), "number": (15, "*uint32")},
    "Int64Value": {"value": (1, "int64")},
}


def test_fields_are_written_under_their_numbers():
    made = messages("a.b", FIELDS)
    assert list(made) == list(FIELDS)
    # A tag is number * 8 + wire type: 1 * 8 + 0 (varint), 3 * 8 + 2 (length), 15 * 8 + 2 (packed).
    assert made["Point"](x=5, name="ab").SerializeToString() == b"\x08\x05\x1a\x02ab"
    line = made["Line"](point=[{"x": 1}, {}], number=[1, 300])
    assert line.SerializeToString() == b"\x0a\x02\x08\x01\x0a\x00\x7a\x03\x01\xac\x02"
    assert made["Line"].FromString(line.SerializeToString()) == line
    assert made["Int64Value"](value=-7).SerializeToString() == wrappers_pb2.Int64Value(value=-7).SerializeToString()


def test_two_tables_of_one_package_do_not_meet():
    first, second = (messages("tensorflow.serving", {"ModelSpec": {name: (1, "bool")}}) for name in ("a", "b"))
    assert text_format.Parse("a: true", first["ModelSpec"]()).a
    with pytest.raises(text_format.ParseError, match=r'"tensorflow.serving.ModelSpec" has no field named "a"'):
        text_format.Parse("a: true", second["ModelSpec"]())


def test_a_message_that_is_in_another_may_be_absent():
    line = messages("a", {"Line": {"at": (1, "Point")}, "Point": {"x": (1, "int32")}})["Line"]
    assert not line().HasField("at")
    assert text_format.Parse("at { }", line()).HasField("at")


def test_maps_enums_and_oneofs_and_messages_within_messages():
    made = messages(
        "a",
        {
            "Box.Color": {"RED": 0, "BLUE": 7},
            "Box": {"sizes": (1, "string->Box.Size"), "color": (2, "Box.Color"), "its_id": (3, "google.protobuf.Any")},
            "Box.Size": {"whole": (1, "int32", "kind"), "part": (2, "float", "kind")},
        },
    )
    assert list(made) == ["Box", "Box.Size"]
    box = made["Box"](color="BLUE")
    box.sizes["ab"].whole = 5
    # The map is a list of entries: the key is field 1, the value field 2.
    assert box.SerializeToString() == b"\x0a\x08\x0a\x02ab\x12\x02\x08\x05\x10\x07"
    assert box.sizes["ab"].WhichOneof("kind") == "whole"
    box.sizes["ab"].part = 0
    assert box.sizes["ab"].WhichOneof("kind") == "part"
    assert box.sizes["ab"].whole == 0
    box.its_id.Pack(made["Box.Size"](whole=1))
    assert (box.its_id.type_url, box.its_id.value) == ("type.googleapis.com/a.Box.Size", b"\x08\x01")


def test_an_unknown_kind_is_an_error():
    with pytest.raises(AttributeError, match="TYPE_POINTS"):
        messages("a", {"Line": {"point": (1, "Points")}})
