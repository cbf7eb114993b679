"""The text files of a served version's `assets/`: class names and palette."""

from collections.abc import Mapping


def class_names(classes, counts):
    """Check class names against a model's heads.

    Args:
        classes: names of the classes, a mapping head -> names, or None.
        counts: number of classes by head; an only head is named `""`.

    Returns:
        dict of tuples by head, of those heads whose names are known.

    Raises:
        ValueError: on an unknown head, or another number of names than the head has classes.
    """
    if classes is None:
        return {}
    found = {}
    for head, names in (classes if isinstance(classes, Mapping) else {"": classes}).items():
        names = tuple(names)
        if head not in counts:
            raise ValueError(f"`classes` may name the heads {sorted(counts)} of this model. Received: {head!r}.")
        if len(names) != counts[head]:
            raise ValueError(f"`classes` holds one name a class, {counts[head]}. Received: {len(names)}.")
        if wrong := [name for name in names if not name.strip() or "\n" in name]:
            raise ValueError(f"The name of a class is one line of text. Received: {wrong[0]!r}.")
        found[head] = names
    return found


def files(names):
    """Make the files: `{name: text}`.

    Args:
        names: as `class_names` returns them.
    """
    from fcn_keras.visualize import palette

    texts = {"palette.txt": "".join(f"{red} {green} {blue}\n" for red, green, blue in palette())}
    for head, listed in names.items():
        texts[f"classes_{head}.txt" if head else "classes.txt"] = "".join(f"{name}\n" for name in listed)
    return texts
