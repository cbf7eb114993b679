"""What an exported network takes and answers, alike in every format: names and types of its inputs and outputs."""

import numpy as np

# Weights in a kernel that a graph holds as a constant: conv5_3 has 2.4 million, fc7 16.8 million, fc6 102.8 million.
LARGEST_CONSTANT = 4_000_000


def output_name(head, content):
    """Name an output: `"sem"` and `"label"` give `"sem_label"`; an only head, `""`, gives `"label"`."""
    return f"{head}_{content}" if head else content


def head_of(output):
    """Return the head that an output belongs to: `"sem_label"` -> `"sem"`, `"label"` -> `""`."""
    return output.rpartition("_")[0]


def class_list_name(head):
    """Name the list of a head's class names: `"classes_sem"`, or `"classes"` of an only head."""
    return f"classes_{head}" if head else "classes"


def pixel_dtype(channels):
    """Return the dtype of images of whole numbers; depth, the fourth channel, is in millimetres.

    Args:
        channels: number of channels of every input.
    """
    return "uint16" if 4 in channels else "uint8"


def label_dtype(classes):
    """Return the dtype of a head's labels."""
    return "uint8" if classes <= 256 else "uint16"


def feeds(dtypes, image):
    """Make a batch of one image: `{name of an input: (1, H, W, C)}`.

    Args:
        dtypes: by name of an input.
        image: `(H, W, C)` array, or a dict of them.
    """
    images = image if isinstance(image, dict) else dict.fromkeys(dtypes, image)
    return {name: np.asarray(images[name])[None].astype(dtype) for name, dtype in dtypes.items()}
