"""`fcn-predict`: label images, and write the labels and a picture of them over each image."""

import argparse
import sys
from functools import partial
from pathlib import Path

from . import command, unreadable

TILE = 1024  # pixels; with its margins an FCN-8s works on 1536x1536 at once
LARGEST_WHOLE = 1536 * 1536  # pixels: a larger image takes less memory in tiles

DESCRIPTION = """Label images. DIR/labels gets a PNG of class ids (with the VOC palette) for every image, DIR/overlays a
JPEG with the classes painted over it; sub-folders are kept. Both have the size of the image as its EXIF rotation turns
it. A model of several heads writes labels_HEAD and overlays_HEAD. Results of an earlier call are replaced, other files
never. Images of more than 1536x1536 pixels are labelled in tiles, with the result of the whole image. Exit
code 0: images were labelled; 2: an image cannot be read, or with --on-error skip none can."""


def main(argv=None):
    return command.run("fcn-predict", _predict, _parser().parse_args(argv))


def _parser():
    parser = argparse.ArgumentParser(prog="fcn-predict", description=DESCRIPTION)
    parser.add_argument("model", type=Path, help="a .keras file, or a stage's folder: then its best.keras")
    parser.add_argument("inputs", type=Path, nargs="+", metavar="input", help="an image, or a folder of them")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR")
    parser.add_argument(
        "--depth", type=Path, metavar="DIR", help="RGB-D models: 16-bit grey PNGs in mm, named like the images"
    )
    parser.add_argument("--hha", type=Path, metavar="DIR", help="RGB-HHA models: HHA images, named like the images")
    parser.add_argument(
        "--tile",
        type=int,
        default=TILE,
        metavar="PIXELS",
        help="side of the tiles of large images, a multiple of 32; smaller ones take less memory and more time "
        "(default: %(default)s)",
    )
    unreadable.add_option(parser)
    return parser


def _predict(arguments):
    from .inputs import modality_of
    from .outputs import require_folder
    from .pictures import find_scenes, require_readable, without_unreadable
    from .saved import class_counts, find_model, load_model

    if arguments.tile < 32 or arguments.tile % 32:
        raise ValueError(f"--tile is a positive multiple of 32. Received: {arguments.tile}.")
    path = find_model(arguments.model)
    partners = {name: getattr(arguments, name) for name in ("depth", "hha") if getattr(arguments, name)}
    bad = unreadable.Unreadable("fcn-predict", arguments.on_error)
    scenes = find_scenes(arguments.inputs, partners)
    if arguments.on_error == "fail":
        require_readable(scenes)  # names more than the first
    else:
        scenes = without_unreadable(scenes, bad)
        bad.require_some(scenes)
    model = load_model(path)
    _require_partners(modality_of(model), partners)
    counts = class_counts(model)
    if max(counts.values()) > 256:
        raise ValueError(f"A palette PNG holds 256 classes. {path} has {max(counts.values())}.")
    _require_free(arguments.output, scenes, counts)
    require_folder(arguments.output)
    done = _label(model, scenes, _names(path, counts), arguments.output, arguments.tile, bad)
    bad.require_some(done)
    print(f"{done} {'image' if done == 1 else 'images'} labelled in {arguments.output}{bad.told()}")


def _require_partners(modality, given):
    """Refuse options that the model does not need, and ask for those that it does."""
    needed = {"rgbd": {"depth"}, "rgb_hha": {"hha"}}.get(modality, set())
    for name in sorted(needed - set(given)):
        raise ValueError(f"This model also eats {name}: say --{name} DIR, files named like the images.")
    for name in sorted(set(given) - needed):
        raise ValueError(f"This model ({modality}) takes no --{name}. Leave it out.")


def _require_free(output, scenes, counts):
    """Refuse to replace files that this command did not write, such as a data set's own labels."""
    from .pictures import is_result

    for head in counts:
        for scene in scenes:
            for target in _targets(output, scene.key, head):
                if target.exists() and not is_result(target):
                    raise ValueError(f"{target} exists, and fcn-predict did not write it. Choose another --output.")


def _targets(output, key, head):
    """Return the paths of one head's labels and overlay."""
    suffix = f"_{head}" if head else ""
    return output / f"labels{suffix}" / f"{key}.png", output / f"overlays{suffix}" / f"{key}.jpg"


def _names(path, counts):
    """Return the class names by head; None where nothing beside the model says them.

    A `classes.txt` alone beside a model of several heads names the classes of one: the only one of so many.
    """
    from .saved import class_names_beside

    names = class_names_beside(path) or ()
    fitting = [head for head, count in counts.items() if count == len(names)]
    found = {head: class_names_beside(path, head) for head in counts}
    return {head: found[head] or (names if fitting == [head] else None) for head in counts}


def _label(model, scenes, names, output, tile, bad):
    """Label every scene and write its files, reading the next ones meanwhile; return how many were labelled."""
    import fcn_keras as fcn

    from .ahead import read_ahead
    from .inputs import heads_of, modality_of, pixels_of
    from .pictures import read_scene

    modality, done = modality_of(model), 0
    for scene, example in zip(scenes, read_ahead(unreadable.attempted(read_scene), scenes), strict=True):
        if isinstance(example, ValueError):
            bad(example)
            continue
        image = example["image"]
        if modality == "hha":
            example["hha"] = image
        told = []
        whole = image.shape[0] * image.shape[1] <= LARGEST_WHOLE
        predict = partial(fcn.predict, model) if whole else partial(fcn.predict_tiled, model, tile=tile)
        for head, labels in heads_of(predict(pixels_of(example, modality))).items():
            target = _write(output, scene.key, head, image, labels, names[head])
            shares = _shares(labels, names[head])
            told.append(f"{target.relative_to(output)}  {shares}")
        height, width = image.shape[:2]
        print(f"{scene.image} {width}x{height} -> {'; '.join(told)}", flush=True)
        done += 1
    return done


def _write(output, key, head, image, labels, names):
    """Write one head's overlay and labels; return the labels' path."""
    from PIL import Image, PngImagePlugin

    from fcn_keras.visualize import overlay, palette

    from .outputs import written
    from .pictures import MARK

    labels_file, overlay_file = _targets(output, key, head)
    # VOC's class 0 is what is left over; a class 0 with a name of its own is painted.
    background = 0 if names is None or names[0] == "background" else None
    with written(overlay_file) as temporary:
        painted = overlay(image, labels, background=background)
        # Colour is not subsampled: it would bleed over the borders of classes.
        Image.fromarray(painted).save(temporary, format="JPEG", quality=90, subsampling=0, comment=MARK)
    mark = PngImagePlugin.PngInfo()
    mark.add_text("Software", MARK)
    with written(labels_file) as temporary:
        picture = Image.fromarray(labels)
        picture.putpalette(palette().tobytes())
        picture.save(temporary, format="PNG", pnginfo=mark)
    return labels_file


def _shares(labels, names, most=4):
    """Say which classes cover an image, the largest first: `road 41 %, car 12 %, 2 more`."""
    import numpy as np

    pixels = np.bincount(labels.ravel())
    present = [int(index) for index in np.argsort(-pixels, kind="stable") if pixels[index]]
    told = []
    for index in present[:most]:
        name = names[index] if names is not None else f"class {index}"
        percent = round(100 * pixels[index] / labels.size)
        told.append(f"{name} {percent or '<1'} %")
    if len(present) > most:
        told.append(f"{len(present) - most} more")
    return ", ".join(told)


if __name__ == "__main__":
    sys.exit(main())
