"""What an exported network's inputs, outputs, class names and colours are called, alike in every format."""

import re

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


def lists_of(names, colors):
    """Return what a file says about its classes: lists of lines, by what `class_list_name` and `palette_name` give.

    Args:
        names: class names by head.
        colors: `(K, 3)` of the classes by head.
    """
    lists = {class_list_name(head): list(listed) for head, listed in (names or {}).items()}
    for head, listed in (colors or {}).items():
        lists[palette_name(head)] = ["{} {} {}".format(*map(int, color)) for color in listed]
    return lists


def colors_by_head(lists):
    """Return the classes' colours by head, `(K, 3)` uint8, of lists by the names that `palette_name` gives.

    Raises:
        ValueError: if a line is no colour.
    """
    found = {}
    for name, listed in lists.items():
        if name != "palette" and not name.startswith("palette_"):
            continue
        for line in listed:
            if not re.fullmatch(r"\d{1,3} \d{1,3} \d{1,3}", line) or max(map(int, line.split())) > 255:
                raise ValueError(f"{name} holds a line that is no colour: {line!r:.60}. Expected `R G B`, 0..255.")
        colors = [list(map(int, line.split())) for line in listed]
        found[name.removeprefix("palette").removeprefix("_")] = np.array(colors, np.uint8).reshape(-1, 3)
    return found


def shape_of(sizes):
    """Return a shape as Python's ints; None for what is free, which runtimes call by a name or by -1."""
    return tuple(int(size) if isinstance(size, int | np.integer) and size >= 0 else None for size in sizes)


def feeds(dtypes, image):
    """Make a batch of one image: `{name of an input: (1, H, W, C)}`.

    Args:
        dtypes: by name of an input.
        image: `(H, W, C)` array, or a dict of them.

    Raises:
        ValueError: if the dict lacks one.
    """
    images = image if isinstance(image, dict) else dict.fromkeys(dtypes, image)
    require_inputs(dtypes, images)
    return {name: np.asarray(images[name])[None].astype(dtype) for name, dtype in dtypes.items()}


def require_inputs(names, images):
    """Make sure that there is an image for every input.

    Args:
        names: of the inputs.
        images: dict by name.

    Raises:
        ValueError: if one is missing.
    """
    missing = [name for name in names if name not in images]
    if missing:
        raise ValueError(f"no image is for input {', '.join(missing)}; the images are for {', '.join(images)}")
