"""Read XML that strangers wrote: element by element, without a document type, so that no entity can be defined."""

import contextlib
from pathlib import Path
from xml.parsers import expat

_MOST = 1 << 30  # bytes
_DEEPEST = 40  # elements within each other


def walk_xml(path, start, end):
    """Read an XML file, and keep nothing of it.

    Args:
        start: called with `(tags, attributes)` of each element that begins: tags from the root to it, and a dict.
        end: called with `(tags, text)` of each element that ends, its white space tidied.

    Raises:
        ValueError: naming the file, if it is no XML, too large, or has a document type.
    """
    path = Path(path)
    try:
        if not path.is_file():
            raise ValueError("it is no file")
        if path.stat().st_size > _MOST:
            raise ValueError(f"it has more than {_MOST >> 30} GiB. Divide it")
        with path.open("rb") as file:
            _parser(start, end).ParseFile(file)
    except (OSError, ValueError, expat.ExpatError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ValueError(f"{path} cannot be read as XML: {reason:.200}.") from None


def walk_xml_text(text, name, start, end):
    """Read XML that is no file; arguments as of `walk_xml`.

    Args:
        text: the XML.
        name: what it is, for the error.

    Raises:
        ValueError: if it is no XML, or has a document type.
    """
    try:
        _parser(start, end).Parse(text, True)
    except (ValueError, expat.ExpatError) as error:
        raise ValueError(f"{name} cannot be read as XML: {error!s:.200}.") from None


def _parser(start, end):
    """Make a parser that calls `start` and `end`, and refuses a document type."""
    tags, texts = [], []

    def begin(tag, attributes):
        if len(tags) == _DEEPEST:
            raise ValueError("it is nested too deeply")
        tags.append(tag)
        texts.append([])
        start(tags, attributes)

    def finish(_):
        end(tags, " ".join("".join(texts.pop()).split()))
        tags.pop()

    def refuse(*_):
        raise ValueError("it has a document type, which annotations have no use for")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = begin, finish
    parser.CharacterDataHandler = lambda text: texts[-1].append(text)
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    return parser


def root_of(path):
    """Return the tag of an XML file's first element and its attributes, or None if there is none."""
    found = []

    def stop(tags, attributes):
        found.append((tags[0], attributes))
        raise StopIteration

    with contextlib.suppress(ValueError, StopIteration):
        walk_xml(path, stop, lambda tags, text: None)
    return found[0] if found else None
