"""Mark the annotation files that `fcn-predict` writes, to know them again, and to know that they were edited since."""

import hashlib
import json

MARK = "fcn-predict"  # in the metadata of every file that the command writes
SEAL = "fcn_predict"  # key in LabelMe's files; the application keeps keys that it does not know


def seal(content):
    """Return the SHA-256 of what a person can edit in LabelMe's file, without what the application adds by itself."""
    shapes = [
        [shape["label"], shape["points"], shape.get("group_id"), shape.get("description") or "", _flagged(shape)]
        for shape in content["shapes"]
    ]
    return hashlib.sha256(json.dumps([_flagged(content), shapes]).encode()).hexdigest()


def _flagged(item):
    """Return the flags that are set: the application adds those of its configuration, which are not."""
    return sorted(name for name, value in (item.get("flags") or {}).items() if value)


def write_json(path, content):
    """Write JSON in UTF-8, where file names of other encodings become escapes."""
    text = json.dumps(content, ensure_ascii=False)
    path.write_text(text, encoding="utf-8", errors="backslashreplace")
