"""XML of strangers: what is refused, in every encoding, and what is read."""

import pytest

from training.annotations.xml_values import root_of, walk_xml


def walked(path):
    seen = []
    walk_xml(
        path,
        lambda tags, attributes: seen.append(("/".join(tags), dict(attributes))),
        lambda tags, text: seen.append(("/".join(tags), text)),
    )
    return seen


def test_elements_and_text(tmp_path):
    (tmp_path / "a.xml").write_text('<a x="1">\n  <b> two\n words </b><c/></a>')
    assert walked(tmp_path / "a.xml") == [
        ("a", {"x": "1"}),
        ("a/b", {}),
        ("a/b", "two words"),
        ("a/c", {}),
        ("a/c", ""),
        ("a", ""),
    ]
    assert root_of(tmp_path / "a.xml") == ("a", {"x": "1"})


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-be"])
@pytest.mark.parametrize(
    "start",
    [
        '<!DOCTYPE a [<!ENTITY b "bbb"><!ENTITY c "&b;&b;&b;&b;">]>',
        '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE a SYSTEM "http://localhost/a.dtd">',
    ],
)
def test_document_types_are_refused(tmp_path, encoding, start):
    text = f'<?xml version="1.0" encoding="{encoding[:6].rstrip("-")}"?>{start}<a>&b;</a>'
    (tmp_path / "a.xml").write_bytes((b"\xfe\xff" if encoding == "utf-16-be" else b"") + text.encode(encoding))
    with pytest.raises(ValueError, match=r"a\.xml cannot be read as XML: it has a document type"):
        walked(tmp_path / "a.xml")
    assert root_of(tmp_path / "a.xml") is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no element found"),
        (b"<a>", "no element found"),
        (b"<a></b>", "mismatched tag"),
        (b"{}", "not well-formed"),
        (b"<a>&b;</a>", "undefined entity"),
        (b"<a>" * 99, "nested too deeply"),
        (b"\xff\xd8\xff", "not well-formed"),
    ],
)
def test_what_is_no_xml(tmp_path, content, message):
    (tmp_path / "a.xml").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        walked(tmp_path / "a.xml")


def test_what_is_no_file(tmp_path):
    with pytest.raises(ValueError, match="it is no file"):
        walked(tmp_path)
    assert root_of(tmp_path) is None
