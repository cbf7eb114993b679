"""The files that `fcn-query` writes: PNGs of class ids, which it knows again."""

import numpy as np
from PIL import Image

from fcn_keras.colors import file_palette
from fcn_keras.visualize import palette
from fcn_keras_console.image_files import files_below, is_written_by, png_mark
from fcn_keras_console.labelled_by import is_record

COMMAND = "fcn-query"


def is_result(path):
    """Tell whether `fcn-query` wrote a file."""
    return is_record(path) or is_written_by(COMMAND, path)


def results_in(output):
    """Yield the label files in a folder that `fcn-query` wrote, of every head."""
    for folder in sorted(path for path in output.glob("*/") if path.name.partition("_")[0] == "labels"):
        yield from filter(is_result, files_below(folder))


def require_free(output, images, heads):
    """Refuse to replace files that `fcn-query` did not write, such as a data set's own labels, or the images.

    Raises:
        ValueError: naming the first.
    """
    for head in heads:
        for image in images:
            path = _label_file(output, image.key, head)
            if path.exists() and not is_result(path):
                raise ValueError(f"{path} exists, and fcn-query did not write it. Choose another --output.")


def write_labels(files, output, key, labels, colors=None):
    """Write one image's labels, in the classes' colours where they are of 8 bits; return the paths by head.

    Args:
        files: a `ManyFiles`.
        colors: of the classes, `(K, 3)` uint8 by head; VOC's where a head has none.
    """
    paths, colors = {}, colors or {}
    for head, ids in (labels if isinstance(labels, dict) else {"": labels}).items():
        paths[head] = _label_file(output, key, head)
        picture = Image.fromarray(ids)
        if ids.dtype == np.uint8:
            picture.putpalette(file_palette(colors[head]) if len(colors.get(head, ())) else palette().tobytes())
        with files.written(paths[head]) as temporary:
            picture.save(temporary, "PNG", pnginfo=png_mark(COMMAND))
    return paths


def _label_file(output, key, head):
    return output / (f"labels_{head}" if head else "labels") / f"{key}.png"
