"""Tell the files that `fcn-predict` wrote from those of others, which it never replaces."""

import json

from fcn_keras_console.image_files import is_written_by
from fcn_keras_console.labelled_by import is_record

from ..annotations.result_marks import MARK, SEAL, seal
from .video import comment_of


def is_result(path):
    """Tell whether `fcn-predict` wrote a file; one of LabelMe's that was edited since is its editor's."""
    if path.suffix == ".json":
        return is_record(path) or _is_json(path)
    if path.suffix == ".zip":
        return _ends_with_mark(path)
    if path.suffix == ".mp4":
        return comment_of(path) == MARK
    return is_written_by(MARK, path)


def _is_json(path):
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(content, list):
            return {made["model_version"] for task in content for made in task["predictions"]} == {MARK}
        if SEAL in content:
            return content[SEAL] == seal(content)
        return content["info"]["contributor"] == MARK
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _ends_with_mark(path):
    """Tell whether an archive's comment, its last bytes, is the mark."""
    end = len(MARK).to_bytes(2, "little") + MARK.encode()
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - len(end)))
            return file.read() == end
    except OSError:
        return False
