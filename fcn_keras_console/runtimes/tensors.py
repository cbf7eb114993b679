"""What an exported network's inputs, outputs and class names are called, alike in every format."""

import numpy as np


def head_of(output):
    """Return the head that an output belongs to: `"sem_label"` -> `"sem"`, `"label"` -> `""`."""
    return output.rpartition("_")[0]


def class_list_name(head):
    """Name the list of a head's class names: `"classes_sem"`, or `"classes"` of an only head."""
    return f"classes_{head}" if head else "classes"


def palette_name(head):
    """Name the list of a head's colours: `"palette_sem"`, or `"palette"` of an only head."""
    return f"palette_{head}" if head else "palette"


def names_by_head(lists):
    """Return class names by head, of lists by the names that `class_list_name` gives; others are left out."""
    return {
        name.removeprefix("classes").removeprefix("_"): tuple(listed)
        for name, listed in lists.items()
        if name == "classes" or name.startswith("classes_")
    }


def shape_of(sizes):
    """Return a shape as Python's ints; None for what is free, which runtimes call by a name or by -1."""
    return tuple(int(size) if isinstance(size, int | np.integer) and size >= 0 else None for size in sizes)


def feeds(dtypes, image):
    """Make a batch of one image: `{name of an input: (1, H, W, C)}`.

    Args:
        dtypes: by name of an input.
        image: `(H, W, C)` array, or a dict of them.
    """
    images = image if isinstance(image, dict) else dict.fromkeys(dtypes, image)
    return {name: np.asarray(images[name])[None].astype(dtype) for name, dtype in dtypes.items()}
