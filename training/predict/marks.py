"""Tell the files that `fcn-predict` wrote from those of others, which it never replaces."""

import hashlib
import json

from fcn_keras_console.image_files import is_written_by

from .video import comment_of

MARK = "fcn-predict"  # in the metadata of every file that the command writes
SEAL = "fcn_predict"  # key in LabelMe's files; the application keeps keys that it does not know


def is_result(path):
    """Tell whether `fcn-predict` wrote a file; one of LabelMe's that was edited since is its editor's."""
    if path.suffix == ".json":
        return _is_json(path)
    if path.suffix == ".mp4":
        return comment_of(path) == MARK
    return is_written_by(MARK, path)


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


def _is_json(path):
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if SEAL in content:
            return content[SEAL] == seal(content)
        return content["info"]["contributor"] == MARK
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False
