"""Write a corrected copy of a data set beside it: `fcn-doctor --fix`."""

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image

from fcn_keras.datasets.images import FORMATS, read_mask, read_size, turned_upright
from fcn_keras_console.files import new_folder
from fcn_keras_console.words import some

from ..annotations.masks import VOID, describe_mask, voc_ids, without_mixed
from ..hold_out import divide, usable_groups
from .checks import FIXABLE

_ASPECT = 0.01  # relative difference of two aspect ratios up to which a mask is resized
_KNOWN_SHARE = 0.5  # of a mask's pixels whose colour must be known for the others to follow
_LEFT_OUT = {
    "image-without-mask": "image without mask",
    "mask-without-image": "mask without image",
    "listed-but-missing": "neither image nor mask",
    "image-unreadable": "image unreadable",
    "mask-unreadable": "mask unreadable",
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
        warning: why near-duplicates were not kept in one part, or None.
    """

    directory: str
    classes: int | str | None
    ignore_label: int
    written: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, list[str]] = field(default_factory=dict)
    warning: str | None = None

    def leave_out(self, reason, pair):
        self.left_out.setdefault(reason, []).append(pair.key)

    def text(self, after):
        """Say what was done, and what the doctor says of the copy."""
        from .report import verdict

        lines = [f"Wrote {self.directory}:"]
        lines += [f"  {what}: {number}" for what, number in self.written.items()]
        lines += [f"  left out, {reason}: {len(keys)} ({some(keys)})" for reason, keys in self.left_out.items()]
        lines.append("  everything else: copied as it is")
        lines += [f"  Mind: {self.warning}"] if self.warning else []
        lines.append(f"The copy has {verdict(after)}" + (":" if after.errors else "."))
        lines += [f"  {finding.code}: {finding.message}" for finding in after.errors]
        return "\n".join(lines)


def fix(examination, out, *, share=None, seed=0):
    """Write a corrected copy of a data set. The original is only read.

    The copy is written beside `out` and renamed. Masks are corrected from the outside in: colours and grey values to
    ids, in-between ids to the nearest true id, 255 to 1 in binary ones, 1 off, ids out of range to void, the size.
    What cannot be corrected is left out, and so are training images that are also in another split.

    Args:
        examination: an `Examination`.
        out: folder that does not exist, or is empty.
        share: of the pairs to list in val.txt, the others in train.txt, where the data set is not divided; None or 0
            leaves it so. Near-duplicates stay together. `fcn-train` holds out the same images of an undivided folder,
            for the share and seed 0.2, 0.
        seed: of that division.

    Returns:
        `Fixed`.

    Raises:
        ValueError: if `out` cannot be written, or nothing would be left.
    """
    source, layout = Path(examination.report.directory), examination.layout
    if share and (list(layout.splits) != ["all"] or layout.lists):
        raise ValueError(f"--val divides, and {source} is divided already: {', '.join(layout.splits)}. Leave it out.")
    with new_folder(out, "--fix", source) as folder:
        result = _write(examination, source, folder, str(out))
        if share:
            _divide(examination, result, folder, share, seed)
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
        _write_list(folder / f"{split}.txt", members)
        result.written[f"in {split}.txt"] = len(members)


def _write(examination, source, folder, name):
    layout, findings = examination.layout, examination.findings
    shifted = bool(findings.pairs_with("ids-off-by-one"))
    result = Fixed(name, _classes(examination), VOID if shifted else examination.reading.ignore_label)
    twins, dropped, handled = set(findings.pairs_with(*_TWINS)), set(), set(layout.doubled)
    for index, codes in sorted(findings.codes.items()):
        pair = layout.pairs[index]
        stays = any(index in members for split, members in layout.splits.items() if split != "train")
        reason = _LEFT_OUT.get(next(iter(codes & _LEFT_OUT.keys()), None))
        if reason is None and index in twins and (not stays or index in layout.splits.get("train", ())):
            result.leave_out("also in another split (from train)", pair)
            if not stays:
                dropped.add(index)
                continue
        reason = reason or _write_pair(examination, index, codes, source, folder, result, handled)
        if reason:
            result.leave_out(reason, pair)
            dropped.add(index)
    kept = {
        split: [i for i in members if i not in dropped and not (split == "train" and i in twins)]
        for split, members in layout.splits.items()
    }
    if not any(kept.values()):
        raise ValueError(f"--fix: no pair of {source} can be corrected. Nothing was written.")
    for index in dropped:
        handled |= {layout.pairs[index].image, layout.pairs[index].label}
    _copy(source, folder, handled | set(layout.lists.values()))
    _write_lists(layout, kept, source, folder)
    return result


def _classes(examination):
    """Tell how the copy's classes are given, where its own classes.txt does not."""
    return None if examination.reading.origin == "classes.txt" else examination.reading.num_classes


def _write_pair(examination, index, codes, source, folder, result, handled):
    """Write what changes of a pair, and return None; or return why it is left out."""
    pair = examination.layout.pairs[index]
    if codes & FIXABLE:
        ids, reason = fixed_mask(examination, index, codes)
        if ids is None:
            return reason
        target = (folder / pair.label.relative_to(source)).with_suffix(".png")
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(ids).save(target)
        handled.add(pair.label)
    if codes & _TURNED:
        _write_image(pair.image, folder / pair.image.relative_to(source), upright="exif-rotated" in codes)
        handled.add(pair.image)
    for code in sorted(codes & (FIXABLE | _TURNED)):
        result.written[code] = result.written.get(code, 0) + 1
    return None


def fixed_mask(examination, index, codes):
    """Correct one mask.

    Returns:
        `(H, W)` uint8 ids and None, or None and the reason why it cannot be corrected.
    """
    reading, pair = examination.reading, examination.layout.pairs[index]
    pixels = read_mask(pair.label, colored=reading.colored)
    ids = _ids(pixels, index, reading, examination.table) if pixels.ndim == 3 else pixels
    if ids is None:
        return None, "in colours that stand for no class"
    ids = ids.astype(np.int64)
    if codes & {"mask-is-jpeg", "mask-resized-smoothly"}:
        ids = without_mixed(ids)
        if describe_mask(ids, ignore_label=reading.ignore_label).smooth:
            return None, "mixed ids everywhere"
    if "mask-is-luma" in codes:
        table = np.arange(256)
        table[list(reading.luma)] = list(reading.luma.values())
        ids = table[ids]
    if "mask-is-0-255" in codes:
        ids[ids == VOID] = 1
    void = (ids == VOID) | (ids == reading.ignore_label)
    if "ids-off-by-one" in codes:
        ids = np.where(void, VOID, ids - 1)
    if "ids-out-of-range" in codes:
        ids[~void & ((ids < 0) | (ids >= reading.num_classes))] = VOID
    return _fitted(ids.astype(np.uint8), pair, codes)


def _ids(pixels, index, reading, table):
    """Translate colours, or return None."""
    if reading.colored:
        ids, known = table.lookup(pixels)
        return without_mixed(ids, known) if known.mean() >= _KNOWN_SHARE else None
    if index in reading.voc:
        return voc_ids(pixels)
    return pixels[..., 0] if (pixels == pixels[..., :1]).all() else None


def _fitted(ids, pair, codes):
    """Resize a mask to its image's size if their aspect ratios agree."""
    if "size-mismatch" not in codes:
        return ids, None
    (height, width), (mine, across) = read_size(pair.image), ids.shape
    if abs(height * across / (width * mine) - 1) > _ASPECT:
        return None, "image and mask of different shape"
    return np.asarray(Image.fromarray(ids).resize((width, height), Image.Resampling.NEAREST)), None


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


def _write_lists(layout, kept, source, folder):
    """Write the lists without what was left out; a list that would be empty is not written."""
    for split, path in layout.lists.items():
        before = [layout.pairs[index].key for index in layout.splits[split]]
        after = [layout.pairs[index].key for index in kept[split]]
        codes = {finding.code for finding in layout.findings.all}
        if before == after and not codes & {"listed-twice", "listed-with-extension"}:
            shutil.copyfile(path, folder / path.relative_to(source))
        elif after:
            _write_list(folder / path.relative_to(source), after)


def _write_list(path, keys):
    path.write_text("".join(f"{key}\n" for key in keys), encoding="utf-8")
