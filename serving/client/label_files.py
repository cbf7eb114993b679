"""The files that `fcn-query` writes: PNGs of class ids, which it knows again."""

import numpy as np
from PIL import Image

from fcn_keras.visualize import palette
from fcn_keras_console.files import written
from fcn_keras_console.image_files import is_written_by, png_mark

COMMAND = "fcn-query"


def is_result(path):
    """Tell whether `fcn-query` wrote a file."""
    return is_written_by(COMMAND, path)


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


def write_labels(output, key, labels):
    """Write one image's labels, in VOC's colours where they are of 8 bits; return the paths by head."""
    paths = {}
    for head, ids in (labels if isinstance(labels, dict) else {"": labels}).items():
        paths[head] = _label_file(output, key, head)
        picture = Image.fromarray(ids)
        if ids.dtype == np.uint8:
            picture.putpalette(palette().tobytes())
        with written(paths[head]) as temporary:
            picture.save(temporary, "PNG", pnginfo=png_mark(COMMAND))
    return paths


def _label_file(output, key, head):
    return output / (f"labels_{head}" if head else "labels") / f"{key}.png"
