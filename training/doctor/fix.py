"""Write a corrected copy of a data set beside it: `fcn-doctor --fix`."""

import csv
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from PIL import ExifTags, Image

from fcn_keras.datasets.exif import turned_upright
from fcn_keras.datasets.images import FORMATS
from fcn_keras.datasets.layouts import CHANGES, CLASSES
from fcn_keras_console.files import new_folder
from fcn_keras_console.printing import in_one_line
from fcn_keras_console.words import some

from ..annotations.masks import VOID
from ..hold_out import divide, usable_groups
from .checks import FIXABLE
from .fix_lists import write_list, write_lists
from .fix_masks import fixed_mask
from .numbering import chosen_readings

_LEFT_OUT = {
    "image-without-mask": "image without mask",
    "mask-without-image": "mask without image",
    "listed-but-missing": "neither image nor mask",
    "image-unreadable": "image unreadable",
    "mask-unreadable": "mask unreadable",
    "hha-missing": "no HHA image",
    "hha-unreadable": "HHA image unreadable",
    "hha-size-mismatch": "HHA image of another size",
}
_RIGHT = {  # reading -> the finding that is none then: the masks stay as they are
    "zero-background": "ids-out-of-range",
    "zero-absent": "ids-off-by-one",
    "void-255": "mask-is-0-255",
}
_TURNED = {"exif-rotated", "exif-mask-unturned"}
_TWINS = {"duplicate-across-splits", "near-duplicate-across-splits"}


@dataclass
class Fixed:
    """What `fix` did; `dataclasses.asdict` of it is JSON.

    Attributes:
        directory: of the copy.
        classes: how the copy's classes are to be given; None: by its classes.txt.
        ignore_label: its void id besides 255.
        written: number of files that differ from the original by what was done to them.
        left_out: ids by reason.
        changes: file, what was done, and which ids became which, a row each; changes.csv in the copy has the same.
        warning: why near-duplicates were not kept in one part, or None.
    """

    directory: str
    classes: int | str | None
    ignore_label: int
    written: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, list[str]] = field(default_factory=dict)
    changes: list[tuple[str, str, str]] = field(default_factory=list)
    warning: str | None = None

    def leave_out(self, reason, pair):
        self.left_out.setdefault(reason, []).append(pair.key)

    def note(self, name, what, ids=""):
        self.changes.append((name, what, ids))

    def text(self, after):
        """Say what was done, and what the doctor says of the copy."""
        from .report import verdict

        lines = [f"Wrote {self.directory}:"]
        lines += [f"  {what}: {number}" for what, number in self.written.items()]
        lines += [f"  left out, {reason}: {len(keys)} ({some(keys)})" for reason, keys in self.left_out.items()]
        lines.append(f"  everything else: copied as it is; what changed, file by file: {CHANGES}")
        lines += [f"  Mind: {self.warning}"] if self.warning else []
        lines.append(f"The copy has {verdict(after)}" + (":" if after.findings else "."))
        lines += [f"  {finding.severity} {finding.code}: {finding.message}" for finding in after.findings]
        return "\n".join(map(in_one_line, lines))


def fix(examination, out, *, share=None, seed=0, read_as=()):
    """Write a corrected copy of a data set. The original is only read.

    The copy is written beside `out` and renamed. Masks are corrected from the outside in: colours and grey values to
    ids, in-between ids to the nearest true id, 255 to 1 in binary ones, 1 off, ids out of range to void, the size.
    What cannot be corrected is left out, and so are training images that are also in another split. Where masks may
    mean several things, nothing is written until it is said which.

    Args:
        examination: an `Examination`.
        out: folder that does not exist, or is empty.
        share: of the pairs to list in val.txt, the others in train.txt, where the data set is not divided; None or 0
            leaves it so. Near-duplicates stay together. `fcn-train` holds out the same images of an undivided folder,
            for the share and seed 0.2, 0.
        seed: of that division.
        read_as: names of `numbering.READINGS`, one for each finding that has several.

    Returns:
        `Fixed`.

    Raises:
        ValueError: if `out` cannot be written, nothing would be left, something may mean several things, or files have
            changed since they were examined.
    """
    source, layout = Path(examination.report.directory), examination.layout
    if share and (list(layout.splits) != ["all"] or layout.lists):
        raise ValueError(f"--val divides, and {source} is divided already: {', '.join(layout.splits)}. Leave it out.")
    chosen = chosen_readings(examination.report, read_as)
    with new_folder(out, "--fix", source) as folder:
        result = _write(examination, source, folder, str(out), chosen)
        if share:
            _divide(examination, result, folder, share, seed)
        _write_changes(folder / CHANGES, result.changes)
        examination.stamps.require_same()
    return result


def _divide(examination, result, folder, share, seed):
    """Write the lists train.txt and val.txt into a copy that has none."""
    layout = examination.layout
    left_out = set().union(*result.left_out.values())
    keys = [pair.key for pair in layout.pairs if pair.key not in left_out]
    if len(keys) < 2:
        raise ValueError(f"--val divides, and {layout.directory} holds but one pair that can be used.")
    together, result.warning = usable_groups(examination.near_duplicates(keys), len(keys))
    chosen = divide(keys, share, seed, together)
    for split, members in (("train", [k for k in keys if k not in chosen]), ("val", [k for k in keys if k in chosen])):
        write_list(folder / f"{split}.txt", members)
        result.written[f"in {split}.txt"] = len(members)
        result.note(f"{split}.txt", "new list")


def _write(examination, source, folder, name, chosen):
    layout, findings = examination.layout, examination.findings
    result = Fixed(name, _classes(examination, chosen), _void_of(examination, chosen))
    twins, dropped, handled = set(findings.pairs_with(*_TWINS)), set(), set(layout.doubled)
    for path in layout.doubled:
        result.note(layout.name(path), "left out: second file of its id")
    for index, codes in sorted(_codes(examination, chosen).items()):
        pair = layout.pairs[index]
        stays = any(index in members for split, members in layout.splits.items() if split != "train")
        reason = _LEFT_OUT.get(next(iter(codes & _LEFT_OUT.keys()), None))
        if reason is None and index in twins and (not stays or index in layout.splits.get("train", ())):
            result.leave_out("also in another split (from train)", pair)
            result.note(layout.name(pair.image), "left out of train: also in another split")
            if not stays:
                dropped.add(index)
                continue
        reason = reason or _write_pair(examination, index, codes, folder, result, handled, chosen)
        if reason:
            result.leave_out(reason, pair)
            dropped.add(index)
            for path in filter(None, (pair.image, pair.label)):
                result.note(layout.name(path), f"left out: {reason}")
    kept = {
        split: [i for i in members if i not in dropped and not (split == "train" and i in twins)]
        for split, members in layout.splits.items()
    }
    if not any(kept.values()):
        raise ValueError(f"--fix: no pair of {source} can be corrected. Nothing was written.")
    for index in dropped:
        handled |= {layout.pairs[index].image, layout.pairs[index].label}
    _copy(source, folder, handled | set(layout.lists.values()))
    write_lists(layout, kept, folder, result)
    if _lacks_background(examination.reading, chosen) and examination.reading.origin == CLASSES:
        _put_background(folder / CLASSES, result)
    return result


def _codes(examination, chosen):
    """Return the codes of each pair without those that are no fault as they are read; 0 concerns every mask."""
    right = {_RIGHT[name] for name in chosen & _RIGHT.keys()}
    codes = {index: own - right for index, own in examination.findings.codes.items() if own - right}
    if "zero-void" in chosen:
        for index, pair in enumerate(examination.layout.pairs):
            if pair.label is not None:
                codes[index] = codes.get(index, set()) | {"ids-out-of-range"}
    return codes


def _void_of(examination, chosen):
    """Return the void id of the copy besides 255: none of its own where all ids were moved."""
    moved = bool(examination.findings.pairs_with("ids-off-by-one")) and not chosen & {"zero-absent", "last-void"}
    return VOID if moved or "zero-void" in chosen else examination.reading.ignore_label


def _classes(examination, chosen):
    """Tell how the copy's classes are given, where its own classes.txt does not."""
    reading = examination.reading
    more = "zero-absent" in chosen or _lacks_background(reading, chosen)
    return None if reading.origin == CLASSES else reading.num_classes + more


def _lacks_background(reading, chosen):
    return "zero-background" in chosen or ("foreground-255" in chosen and reading.num_classes == 1)


def _put_background(path, result):
    text = path.read_text(encoding="utf-8-sig")
    path.write_text(f"background\n{text}", encoding="utf-8")
    result.note(CLASSES, "background put first")


def _write_changes(path, changes):
    with path.open("w", encoding="utf-8", newline="", errors="backslashreplace") as file:
        writer = csv.writer(file)
        writer.writerow(("file", "what", "ids"))
        writer.writerows(changes)


def _write_pair(examination, index, codes, folder, result, handled, chosen):
    """Write what changes of a pair, and return None; or return why it is left out."""
    layout = examination.layout
    pair = layout.pairs[index]
    if codes & FIXABLE:
        mask = fixed_mask(examination, index, codes, chosen)
        if mask.ids is None:
            return mask.reason
        target = (folder / layout.name(pair.label)).with_suffix(".png")
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(mask.ids).save(target)
        handled.add(pair.label)
        result.note(layout.name(pair.label), " ".join(sorted(codes & FIXABLE)), mask.changed)
    if codes & _TURNED:
        _write_image(pair.image, folder / layout.name(pair.image), upright="exif-rotated" in codes)
        handled.add(pair.image)
        result.note(layout.name(pair.image), " ".join(sorted(codes & _TURNED)))
    for code in sorted(codes & (FIXABLE | _TURNED)):
        result.written[code] = result.written.get(code, 0) + 1
    return None


def _write_image(path, target, *, upright):
    """Save an image without EXIF orientation: its pixels turned by it, or as they lie in the file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(path, formats=FORMATS) as image:
        kind = "JPEG" if image.format in ("JPEG", "MPO") else image.format
        exif = _exif_of(image)
        exif.pop(ExifTags.Base.Orientation, None)
        turned = turned_upright(image) if upright else image
        options = {"quality": 95, "subsampling": 0} if upright else {"quality": "keep"}
        turned.save(target, kind, exif=exif, **(options if kind == "JPEG" else {}))


def _exif_of(image):
    try:
        return image.getexif()
    except Exception:  # damaged EXIF makes Pillow raise nearly anything, and is no loss
        return Image.Exif()


def _copy(source, folder, handled):
    """Copy every file of the data set that was not handled, byte for byte."""
    for parent, folders, names in os.walk(source, followlinks=True):
        here = Path(parent).resolve()
        folders[:] = [name for name in folders if not here.is_relative_to(Path(parent, name).resolve())]  # no loops
        for path in (Path(parent, name) for name in names):
            if path not in handled and path.is_file():
                target = folder / path.relative_to(source)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
