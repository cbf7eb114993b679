"""Write the lists of a corrected copy, without what was left out."""

import shutil

from fcn_keras.datasets.listing import key_of

from .layout_checks import IMAGES, LABELS

_WRONG = {"listed-twice", "listed-with-extension", "list-columns"}


def write_lists(layout, kept, folder, result):
    """Write the lists without what was left out; a list that would be empty is not written.

    Args:
        layout: of the original.
        kept: indices of pairs by split.
        folder: of the copy, whose masks and images are there.
        result: `fix.Fixed`, which notes what changed.
    """
    wrong = _WRONG & {finding.code for finding in layout.findings.all}
    for split, path in layout.lists.items():
        pairs, before = [layout.pairs[index] for index in kept[split]], len(layout.splits[split])
        target = folder / layout.name(path)
        if (
            len(pairs) == before
            and not wrong
            and all(_by_id(pair) or _is_there(layout, pair, folder) for pair in pairs)
        ):
            shutil.copyfile(path, target)
        elif pairs:
            write_list(target, [_line(layout, pair, folder) for pair in pairs])
            result.note(layout.name(path), f"written anew, {len(pairs)} of {before} ids")
        else:
            result.note(layout.name(path), "left out: nothing of it is left")


def write_list(path, lines):
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _line(layout, pair, folder):
    """Return the id, or the files where these are not called by it."""
    return pair.key if _by_id(pair) else " ".join(_name(layout, path, folder) for path in (pair.image, pair.label))


def _by_id(pair):
    """Tell whether a pair's files are found by its id."""
    places = [(path, pair.place.folder(kind)) for path, kind in ((pair.image, IMAGES), (pair.label, LABELS))]
    return all(path.is_relative_to(folder) and key_of(path, folder) == pair.key for path, folder in places)


def _is_there(layout, pair, folder):
    return all((folder / layout.name(path)).is_file() for path in (pair.image, pair.label))


def _name(layout, path, folder):
    """Return what a file is called in the copy: a mask that was written anew is a PNG."""
    name = layout.name(path)
    return name if (folder / name).is_file() else path.relative_to(layout.directory).with_suffix(".png").as_posix()
