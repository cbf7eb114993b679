"""The files that `fcn-query` writes: PNGs of class ids and of confidence, which it knows again."""

import numpy as np
from PIL import Image

from fcn_keras.colors import file_palette
from fcn_keras.visualize import palette
from fcn_keras_console.image_files import files_below, is_written_by, png_mark
from fcn_keras_console.labelled_by import is_record

COMMAND = "fcn-query"
LABELS, CONFIDENCE = "labels", "confidence"  # folders
SCALE = "Confidence: a grey value is the probability of the label, times 255."


def is_result(path):
    """Tell whether `fcn-query` wrote a file."""
    return is_record(path) or is_written_by(COMMAND, path)


def results_in(output):
    """Yield the files in a folder that `fcn-query` wrote, of every head."""
    for folder in sorted(path for path in output.glob("*/") if path.name.partition("_")[0] in (LABELS, CONFIDENCE)):
        yield from filter(is_result, files_below(folder))


def require_free(output, images, heads, kinds=(LABELS,)):
    """Refuse to replace files that `fcn-query` did not write, such as a data set's own labels, or the images.

    Args:
        kinds: `LABELS`, or with `CONFIDENCE`.

    Raises:
        ValueError: naming the first.
    """
    for kind in kinds:
        for path in (_file(output, kind, image.key, head) for head in heads for image in images):
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
        paths[head] = _file(output, LABELS, key, head)
        picture = Image.fromarray(ids)
        if ids.dtype == np.uint8:
            picture.putpalette(file_palette(colors[head]) if len(colors.get(head, ())) else palette().tobytes())
        with files.written(paths[head]) as temporary:
            picture.save(temporary, "PNG", pnginfo=png_mark(COMMAND))
    return paths


def write_confidence(files, output, key, confidence):
    """Write one image's confidence as grey values; return the paths by head.

    Args:
        files: a `ManyFiles`.
        confidence: of an `Answer`, or None for nothing to write.
    """
    by_head = {} if confidence is None else confidence if isinstance(confidence, dict) else {"": confidence}
    paths = {head: _file(output, CONFIDENCE, key, head) for head in by_head}
    for head, path in paths.items():
        mark = png_mark(COMMAND)
        mark.add_text("Description", SCALE)
        with files.written(path) as temporary:
            Image.fromarray(by_head[head]).save(temporary, "PNG", pnginfo=mark)
    return paths


def _file(output, kind, key, head):
    return output / (f"{kind}_{head}" if head else kind) / f"{key}.png"
