"""Look at what lies on this machine before Apache Beam and TensorFlow start, which takes seconds.

Paths of other file systems, such as `gs://`, are Beam's affair, and are looked at when it runs.
"""

import glob
import os
import re
from pathlib import Path

from fcn_keras_console.files import require_folder
from fcn_keras_console.given import require_directory, require_file


def check_paths(inputs, list_path, model, output):
    """Make sure that what the command line names is there, and can be written.

    Args:
        inputs: paths and patterns of images, as Beam reads them: `*` within a folder, `**` across folders.
        list_path: of a list of images, or None.
        model: folder of an exported model.
        output: folder for the labels.

    Raises:
        ValueError: naming the first that is wrong.
    """
    for pattern in filter(_is_local, inputs):
        if os.path.isdir(pattern):
            raise ValueError(
                f'{pattern} is a folder. Say "{pattern}/*.jpg", or "{pattern}/**" for every file below it.'
            )
        if not _matches(pattern):
            raise ValueError(f"No file matches {pattern}.")
    if list_path and _is_local(list_path):
        require_file(list_path, "--list", "Name a file of paths, one a line.")
    if _is_local(model):
        require_directory(model, "--model", "Name a folder that fcn-export wrote.")
        if not any(any(Path(model).glob(f"{inner}saved_model.pb")) for inner in ("", "*/")):
            raise ValueError(f"{model} holds no SavedModel. --model is a folder that fcn-export wrote.")
    if _is_local(output):
        require_folder(output)


def _is_local(path):
    return "://" not in path


def _matches(pattern):
    """Tell whether a file matches, or Beam has to find that out."""
    if os.path.exists(pattern) or "[" in pattern:
        return True
    fixed, wild = pattern, []
    while glob.has_magic(fixed):
        fixed, part = os.path.split(fixed)
        wild.insert(0, part)
    if not wild:
        return False
    expression = {"**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*|\*|\?)", "/".join(wild))
    matching = re.compile("".join(expression.get(part, re.escape(part)) for part in parts))
    root = fixed or "."
    found = (os.path.relpath(os.path.join(folder, name), root) for folder, _, names in os.walk(root) for name in names)
    return any(map(matching.fullmatch, found))
