"""How often fcn-doctor's notes on photographs and masks are right: data sets as they are, and with a twentieth harmed.

    python benchmarks/doctor_notes.py DIR[:VOID] ...

Each DIR is a data set as fcn-doctor reads it, VOID its void id besides 255. Prints for each what was done to the images
of a twentieth of the pairs (40 images at least, a twentieth at a time) or to all masks, how many of them were named,
and how many of those left alone.
"""

import io
import sys
from types import SimpleNamespace

import numpy as np
from fcn_keras_training.annotations.masks import describe_mask
from fcn_keras_training.doctor import photographs, slivers
from fcn_keras_training.doctor.findings import Files, Findings
from fcn_keras_training.doctor.folder_layout import find_layout
from PIL import Image, ImageFilter

from fcn_keras.datasets.images import read_image, read_mask


def scaled(factor):
    return lambda picture: picture.point(lambda value: min(255, int(value * factor)))


def blurred(radius):
    return lambda picture: picture.filter(ImageFilter.GaussianBlur(radius))


def moved(picture, pixels=15):
    """Average along rows, as motion does."""
    padded = np.pad(np.asarray(picture, np.float32), ((0, 0), (pixels // 2 + 1, pixels // 2), (0, 0)), mode="edge")
    sums = padded.cumsum(axis=1)
    return Image.fromarray(((sums[:, pixels:] - sums[:, :-pixels]) / pixels).clip(0, 255).astype(np.uint8))


def enlarged(picture):
    return picture.resize((picture.width // 3, picture.height // 3)).resize(picture.size, Image.Resampling.BICUBIC)


HARMS = {
    **{f"blurred, radius {radius}": ("image-blurred", blurred(radius)) for radius in (1, 1.5, 2, 4)},
    "moved by 15 pixels": ("image-blurred", moved),
    "enlarged three times": ("image-blurred", enlarged),
    **{f"darkened to {factor}": ("image-dark", scaled(factor)) for factor in (0.5, 0.25, 0.1)},
    **{f"brightened {factor} times": ("image-bright", scaled(factor)) for factor in (2, 4, 8)},
    "washed out": ("image-bright", lambda picture: picture.point(lambda value: int(255 - (255 - value) * 0.2))),
}


def as_jpeg(picture):
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=90)
    return Image.open(file).convert("RGB")


def named(facts, check):
    """Return the indices of the pairs that each finding names."""
    findings = Findings()
    check(facts, Files({"all": list(facts)}, [str(index) for index in facts], "files", findings))
    return {finding.code: set(pairs) for finding, pairs in zip(findings.all, findings.pairs, strict=True)}


def on_photographs(pairs):
    pictures = [Image.fromarray(read_image(pair.image)) for pair in pairs]
    facts = {
        index: SimpleNamespace(size=picture.size[::-1], look=photographs.look(picture))
        for index, picture in enumerate(pictures)
    }
    clean = named(facts, photographs.check_photographs)
    print(f"  as they are: {sum(map(len, clean.values()))} of {len(pairs)} named {clean or ''}")
    part = max(1, len(pairs) // 20)
    chosen = np.random.default_rng(0).permutation(len(pairs))[: max(40, part)]
    for what, (code, harm) in HARMS.items():
        found = others = 0
        for start in range(0, len(chosen), part):
            harmed = chosen[start : start + part].tolist()
            looks = {i: photographs.look(as_jpeg(harm(pictures[i]))) for i in harmed}
            mixed = {**facts, **{i: SimpleNamespace(size=facts[i].size, look=look) for i, look in looks.items()}}
            names = named(mixed, photographs.check_photographs)
            found += len(names.get(code, set()) & set(harmed))
            others += len(set().union(*names.values()) - set(harmed) - set().union(*clean.values()))
        print(f"  {what}: {code} names {found} of {len(chosen)}; {others} others")


def on_masks(pairs, ignore_label):
    ids = [read_mask(pair.label) for pair in pairs]
    generator = np.random.default_rng(0)
    classes = sorted(set(np.unique(np.concatenate([np.unique(mask) for mask in ids])).tolist()) - {ignore_label, 255})
    for share in (0, 0.0005, 0.001, 0.01):
        facts = {}
        for index, mask in enumerate(ids):
            salt = generator.choice(classes, mask.shape).astype(mask.dtype)
            salted = np.where(generator.random(mask.shape) < share, salt, mask)
            facts[index] = describe_mask(salted, ignore_label=ignore_label)
        many = named(facts, lambda facts, files: slivers.check_slivers(facts, [str(i) for i in range(256)], files))
        print(
            f"  {100 * share:g} % of the pixels another class: {len(many.get('mask-frayed', ()))} of {len(ids)} masks"
        )


def main(folders):
    for folder in folders:
        folder, _, ignore_label = folder.partition(":")
        pairs = [pair for pair in find_layout(folder).pairs if pair.image]
        print(f"{folder}: {len(pairs)} images")
        on_photographs(pairs)
        on_masks([pair for pair in pairs if pair.label], int(ignore_label or 255))


if __name__ == "__main__":
    main(sys.argv[1:])
