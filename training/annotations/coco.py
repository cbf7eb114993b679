"""Read COCO's annotations: JSON files of instances, stuff, or panoptic segments.

Of regions that overlap, the smaller one is on top, and crowds lie below everything, as COCO's own `iscrowd` regions
cover what is annotated one by one as well. What several files, or several entries of one file, say about an image is
drawn into one label.
"""

import contextlib
from functools import partial
from pathlib import Path

from fcn_keras_console.image_files import files_below

from .annotations import (
    AnnotatedImage,
    Annotations,
    ImageAndLabel,
    choose_classes,
    given_names,
    notes_on_names,
    stated_size,
    unique_keys,
)
from .coco_drawing import Entry, draw, named_by, paint_regions, paint_segments
from .coco_files import (
    Listed,
    categories,
    covers_everything,
    is_id,
    is_of,
    is_panoptic,
    json_files,
    read_content,
    segments_file,
    split_of_file,
    splits_of,
)
from .coco_regions import coder_of_masks
from .image_lookup import ImageLookup
from .json_values import as_json
from .shape_tally import ShapeTally

_BOXES = {"rectangle": "what has only a box is drawn as a rectangle", "void": "what has only a box is void, below all"}


def read(source, *, classes=None, images=None, unlabelled=None, boxes="leave", unreadable, progress):
    """Find the JSON files below a folder (or take the one that is named), and the image of every entry.

    Args:
        source: the folder, or the file.
        classes: class file, or None for all categories in the order of their ids.
        images: folder of the images; default: `source` or the file's folder, and what is beside it if it is
            called `annotations`.
        unlabelled: what pixels are that no region covers; default void for panoptic ones and for
            files of `fcn-predict`, else background.
        boxes: what becomes of annotations that have only a box: `leave`, `rectangle`, or `void`.
        unreadable: called with the `ValueError` of a file or image that cannot be used.
        progress: called as `progress(done, total)` after each JSON file.

    Returns:
        `Annotations`, divided if the JSON files' names say how.

    Raises:
        ValueError: if there are none, or their classes are not clear.
    """
    source, given = Path(source), given_names(classes)
    files, aside = json_files(source)
    contents, foreign = _contents(files, unreadable, progress)
    if not contents:
        raise ValueError(f"{source} holds no JSON file of COCO's kind. {_instead(foreign)}")
    panoptic = _kind(contents)
    if not panoptic:
        coder_of_masks()  # better missing before the work than in it
    whole = panoptic or all(map(covers_everything, contents.values()))
    unlabelled = unlabelled or ("void" if whole else "background")
    known = {path: categories(content, path) for path, content in contents.items()}
    labels = {}
    for path, listed in known.items():
        for _, name in listed.items():
            labels.setdefault(name, path.name)
    names, ids, rest = choose_classes(labels, given, unlabelled, classes)
    root, tally = images or _root_of(source), ShapeTally()
    lookup = ImageLookup(root, without=_segments(root, contents, panoptic))
    entries = _entries(contents, {path: _ids(listed, ids) for path, listed in known.items()}, lookup, unreadable, tally)
    paint = paint_segments if panoptic else partial(paint_regions, boxes=boxes)
    by_split = {split: _annotated(of_split, paint, rest, tally) for split, of_split in entries.items()}
    decisions = [f"pixels of no region: {unlabelled}"]
    decisions += notes_on_names(labels)
    decisions += [] if panoptic else ["of regions that overlap, the smaller is on top"]
    decisions += [] if panoptic or boxes == "leave" else [_BOXES[boxes]]
    left_out = {
        "JSON of COCO's kind that is not read": aside,
        "JSON of another kind": [path.name for path in foreign],
    }
    return Annotations(names, by_split, decisions, left_out, tally)


def _contents(files, unreadable, progress):
    """Return the files' contents by path, and the files of another kind."""
    contents, foreign = {}, []
    for done, path in enumerate(files, 1):
        try:
            content = read_content(path)
        except ValueError as error:
            unreadable(error)
        else:
            if content is None:
                foreign.append(path)
            else:
                contents[path] = content
        progress(done, len(files))
    return contents, foreign


def _instead(foreign):
    named = f"{foreign[0].name} lists no images and annotations. " if foreign else ""
    return f"{named}Expected the lists `images`, `annotations` and `categories`. For LabelMe's, say --import labelme."


def _kind(contents):
    """Return whether the files hold panoptic segments."""
    panoptic = {path: is_panoptic(content) for path, content in contents.items()}
    if len(set(panoptic.values())) > 1:
        one, other = (next(path for path, kind in panoptic.items() if kind is wanted) for wanted in (True, False))
        raise ValueError(f"{one} holds panoptic segments, {other} does not. Name one file, or a folder of one kind.")
    return next(iter(panoptic.values()))


def _ids(listed, ids):
    """Return class ids by category."""
    by_category = Listed()
    for number, name in listed.items():
        by_category.add(number, ids[name])
    return by_category


def _root_of(source):
    """Return where images are looked for: below the folder, or beside it if it is called as COCO's is."""
    folder = (source if source.is_dir() else source.parent).absolute()
    return folder.parent if folder.name == "annotations" else folder


def _segments(root, contents, panoptic):
    """Return the PNG files of panoptic segments, which may be named like the images, and the folders that hold such."""
    beside = [path for path in files_below(Path(root)) if path.suffix.lower() == ".json" and path not in contents]
    found = {path.with_suffix("").absolute() for path in beside if path.name.startswith("panoptic")}
    for path, content in contents.items() if panoptic else ():
        for item in content["annotations"]:
            with contextlib.suppress(ValueError, AttributeError):  # an error that names its place when it is drawn
                found.add(segments_file(path, item.get("file_name"), path).absolute())
    return found


def _entries(contents, ids_of, lookup, unreadable, tally):
    """Return `{split: {image's file: (key, entries)}}`."""
    by_split = {}
    for split, (path, content) in zip(splits_of(list(contents)), contents.items(), strict=True):
        of_split, own = by_split.setdefault(split, {}), split_of_file(path)
        likely = partial(is_of, own) if own else None
        for item, items in _listed(content, path, unreadable, tally):
            where = f"{path}: the image {item.get('file_name')!r:.80}"
            try:
                image, key = lookup.find(item.get("file_name"), path, beside=path.parent, likely=likely)
                entry = Entry(
                    path, item["file_name"], stated_size(item, ("height", "width"), where), items, ids_of[path]
                )
            except ValueError as error:
                unreadable(error)
                continue
            of_split.setdefault(image, (key, []))[1].append(entry)
    return by_split


def _listed(content, path, unreadable, tally):
    """Return `(image's entry, [(index, annotation), ...])` of a file's images, each id once."""
    images, listed, unclear = Listed(), [], []
    for item in content["images"]:
        number, name = item.get("id"), item.get("file_name")
        try:
            if number not in images:
                images.add(number, (item, []))
                listed.append(images.find(number))
            elif images.find(number)[0].get("file_name") != name:
                unclear.append(images.find(number))
                raise ValueError(f"is that of {unclear[-1][0].get('file_name')!r:.80} too. Give each image its own")
        except ValueError as error:
            unreadable(ValueError(f"{path}: the image {name!r:.80}: its `id` {error}."))
    for index, item in enumerate(content["annotations"]):
        number = item.get("image_id") if isinstance(item, dict) else None
        known = images.find(number)
        if known is not None:
            known[1].append((index, item))
            continue
        reason = (
            "annotation of an image that is not listed" if is_id(number) else "annotation without the id of an image"
        )
        named = f"image {as_json(number, 40)}: " if is_id(number) else ""
        tally.leave_out(reason, f"{path.name}: {named}annotation {named_by(item, index)}")
    return [pair for pair in listed if not any(pair is other for other in unclear)]


def _annotated(of_split, paint, rest, tally):
    """Return the `AnnotatedImage`s of a split."""
    keys = unique_keys([key for key, _ in of_split.values()])
    return [
        AnnotatedImage(key, partial(ImageAndLabel, image, partial(draw, entries, paint, rest, tally)))
        for key, (image, (_, entries)) in zip(keys, of_split.items(), strict=True)
    ]
