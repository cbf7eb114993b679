"""Read images and masks of ids in any layout, which two patterns tell."""

import posixpath
import re
from functools import partial
from pathlib import Path

from fcn_keras.datasets.images import extensions
from fcn_keras_console.image_files import files_below

from .annotations import SPLITS, VOID, AnnotatedImage, Annotations, ImageAndLabel, unique_keys
from .class_ids import IdTable, read_ids

_TOKEN = re.compile(r"\*\*/|\*|\{(\w*)\}|[^*{]+|\{")


def read(source, *, classes=None, images=None, masks=None, ignore_label=VOID, unreadable, progress):
    """Find the images that a pattern matches, and of each the mask that the other pattern names.

    Args:
        source: folder that both patterns begin in.
        classes: class file that names the ids, or their number; default: `classes.txt` in `source`.
        images: pattern such as `photos/*.jpg`: `*` or `{name}` is a part of a name, `{split}` the name of a split,
            `{word}` anything without `/`, `**/` any folders, called `{folder}`. Without an extension, any will do.
        masks: path such as `masks/{name}_mask.png` with the words of the other pattern; `*` is `{name}`.
        ignore_label: void id besides 255.
        unreadable: not called: nothing is read yet.
        progress: not called.

    Returns:
        `Annotations`, divided if the pattern says how.

    Raises:
        ValueError: if the patterns match nothing, or the classes are not clear.
    """
    source = Path(source)
    if not source.is_dir():
        raise ValueError(f"{source} is not a folder. Expected the folder that holds images and masks.")
    if images is None or masks is None:
        raise ValueError(
            f"--import ids takes two patterns of files below {source}: where images are, such as --images "
            "'photos/*.jpg', and masks, such as --masks 'masks/{name}_mask.png'."
        )
    table = _table(source, classes)
    pairs, left_out = paired(source, Path(images).as_posix(), Path(masks).as_posix())
    return Annotations(
        table.names, annotated(pairs, lambda _: table, ignore_label), [f"classes: {table.origin}"], left_out
    )


def annotated(pairs, table_of, ignore_label=VOID):
    """Return the `AnnotatedImage`s by split of what `paired` returns.

    Args:
        table_of: `(split) -> IdTable`.
    """
    by_split = {}
    for split, of_split in pairs.items():
        keys = unique_keys([key for key, _, _ in of_split])
        table = table_of(split)
        by_split[split] = [
            AnnotatedImage(key, partial(_image_and_label, image, mask, table, ignore_label))
            for key, (_, image, mask) in zip(keys, of_split, strict=True)
        ]
    return by_split


def _image_and_label(image, mask, table, ignore_label):
    return ImageAndLabel(image, lambda _: table.label(mask, ignore_label))


def paired(source, images, masks):
    """Find images and their masks by two patterns, as `read` explains them.

    Returns:
        `(id, image, mask)` by split, and what is left out by reason: names below `source`.

    Raises:
        ValueError: if a pattern is none, or nothing is found.
    """
    matcher, words = _matcher(images)
    mask_of = _substitute(masks, words)
    files = {path.relative_to(source).as_posix(): path for path in files_below(source)}
    matches = {name: match for name in files if (match := matcher.fullmatch(name))}
    if not matches:
        raise ValueError(
            f"--images {images!r} matches no image below {source}. It begins in that folder, capitals count, and "
            "quotes keep the shell from changing it."
        )
    names = {name: mask_of(match) for name, match in matches.items()}
    found = {name: mask for name, mask in names.items() if mask in files and mask != name}
    used = set(found.values())
    if not found:
        name, mask = next(iter(names.items()))
        raise ValueError(f"No image has a mask: that of {name} would be {mask}, which is not below {source}.")
    pairs, no_split = {}, []
    for name, mask in found.items():
        groups = {word: part.strip("/") for word, part in matches[name].groupdict().items() if part}
        split = SPLITS.get(groups.pop("split").lower()) if "split" in groups else "all"
        key = "/".join(part for word, part in sorted(groups.items(), key=lambda item: item[0] == "name") if part)
        if split is None:
            no_split.append(name)
        else:
            pairs.setdefault(split, []).append((key, files[name], files[mask]))
    if not pairs:
        raise ValueError(f"{no_split[0]} lies in no split that is known. Expected {', '.join(sorted(SPLITS))}.")
    if len(pairs) == 1:
        pairs = {"all": next(iter(pairs.values()))}
    alone = sorted(matches.keys() - found.keys() - used)
    others = sorted(files.keys() - matches.keys() - used)
    return pairs, {"image without mask": alone, "image in no split": no_split, "file that no pattern matches": others}


def _matcher(pattern):
    """Return a regular expression of paths, and the words that it has."""
    if pattern.startswith(("/", "../")):
        raise ValueError(f"--images {pattern!r}: the pattern begins in the folder of the annotations. Leave that out.")
    known, text = [], ""
    start_of_name = pattern.rfind("/") + 1
    for token in _TOKEN.finditer(pattern):
        part, word = token[0], token[1]
        if part == "**/":
            word = "folder"
        elif part == "*" and token.start() >= start_of_name and "name" not in known:
            word = "name"
        if word is None:
            text += "[^/]*" if part == "*" else re.escape(part)
        elif not word or word[0].isdigit():
            raise ValueError(f"--images {pattern!r}: {part} should be a word in braces, such as {{name}}.")
        elif word in known:
            text += f"(?P={word})"
        else:
            known.append(word)
            text += f"(?P<{word}>{'(?:[^/]+/)*' if part == '**/' else '[^/]+?'})"
    if "name" not in known:
        raise ValueError(f"--images {pattern!r} should hold * or {{name}} in the name of the file.")
    kinds = "|".join(re.escape(ending[1:]) for ending in sorted(extensions()))
    text += "" if "." in re.sub(r"\{.*?\}", "", pattern[start_of_name:]) else rf"\.(?i:{kinds})"
    return re.compile(text), known


def _substitute(pattern, known):
    """Return a function that puts the words of a match into a pattern."""

    def part(token, match):
        word = "name" if token[0] == "*" else token[1]
        return token[0] if word is None else (match[word] or "").strip("/")

    for token in _TOKEN.finditer(pattern):
        word = "name" if token[0] == "*" else token[1]
        if token[0] == "**/" or (word is not None and word not in known):
            raise ValueError(
                f"--masks {pattern!r}: {token[0]} is not in the pattern of the images, which has "
                f"{', '.join(f'{{{name}}}' for name in known)}."
            )
    return lambda match: posixpath.normpath("".join(part(token, match) for token in _TOKEN.finditer(pattern)))


def _table(source, classes):
    if isinstance(classes, int):
        return IdTable.of([(number, str(number)) for number in range(classes)], f"--classes {classes}")
    if classes is None and not (source / "classes.txt").is_file():
        raise ValueError(f"{source} has no classes.txt that names the ids. Say --classes FILE, of `0 road` a line.")
    return read_ids(classes or source / "classes.txt")
