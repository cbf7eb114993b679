"""`fcn-submit`: label PASCAL VOC's test images into the tree that its evaluation server takes, checked and packed."""

import json
import logging
import re
from pathlib import Path

from fcn_keras_console import Parser, Progress, add_reporting, run, start_tensorflow
from fcn_keras_console.given import require_directory
from fcn_keras_console.words import some

DESCRIPTION = """Label PASCAL VOC's test images with a model, as VOC's evaluation server takes them: palette PNGs of
class ids, DIR/results/VOC2012/Segmentation/comp6_test_cls/ID.png, and DIR/comp6_test_cls.tar.gz to upload. Everything
is read again before it is packed: every id there once and nothing else, mode P, the size of its image, ids 0 to 20.
With --check, check such a tree and change nothing."""

EXAMPLES = (
    "fcn-submit runs/voc_fcn8s --data VOCdevkit --output submission",
    ("fcn-submit --check submission --data VOCdevkit", "only read it again"),
)
CLASSES = 21
LOG = logging.getLogger("fcn-submit")


def main(argv=None):
    return run("fcn-submit", _submit, build_parser().parse_args(argv))


def build_parser():
    parser = Parser("fcn-submit", DESCRIPTION, examples=EXAMPLES)
    parser.add_argument(
        "model", type=Path, nargs="?", help="a .keras file, a stage's folder, or a workdir: then its finest stage"
    )
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        help="VOCdevkit, or a folder with it, whose ImageSets/Segmentation lists the ids; or a folder of images",
    )
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--output", type=Path, metavar="DIR", help="folder for the labels and the archive")
    target.add_argument("--check", type=Path, metavar="DIR", help="check the tree in DIR/results instead")
    parser.add_argument("--year", type=int, default=2012, help="default: 2012")
    parser.add_argument(
        "--competition",
        choices=("comp5", "comp6"),
        default="comp6",
        help="comp5: trained on VOC's own data only; comp6: on any data (default)",
    )
    parser.add_argument("--split", default="test", help="default: test; the server takes nothing else")
    add_reporting(parser, json="how many images, the folder of their labels, and the archive")
    return parser


def _submit(arguments):
    from fcn_keras_console.files import require_folder
    from fcn_keras_console.locks import alone
    from fcn_keras_console.workdir import find_model

    images = find_images(arguments.data, arguments.year, arguments.split)
    name = f"{arguments.competition}_{arguments.split}_cls"
    root = arguments.check or arguments.output
    folder = root / "results" / f"VOC{arguments.year}" / "Segmentation" / name
    if arguments.check is not None:
        if arguments.model is not None:
            raise ValueError("--check takes no model: it reads what is there. Leave one of them out.")
        check(folder, images)
        sentence = f"{len(images)} files in {folder} are as the server takes them."
        _report(arguments, images, folder, None, sentence + _left_alone(arguments.data, images))
        return
    if arguments.model is None:
        raise ValueError("Name a model: a .keras file or the folder of a stage that fcn-train wrote.")
    path = find_model(arguments.model)
    require_folder(root)
    _require_no_others(folder, images)
    start_tensorflow()
    model = _load(path)
    archive = root / f"{name}.tar.gz"
    with alone(root), Progress("Labelling", "images", quiet=arguments.quiet) as progress:
        _label(model, images, folder, progress)
        check(folder, images)
        _pack(archive, folder, root)
    _report(
        arguments,
        images,
        folder,
        archive,
        f"{len(images)} images labelled in {folder}, checked and packed in {archive}"
        + _left_alone(arguments.data, images),
    )


def _report(arguments, images, folder, archive, sentence):
    """Print what was done: a sentence, or JSON."""
    if arguments.json:
        packed = None if archive is None else str(archive)
        sentence = json.dumps({"images": len(images), "labels": str(folder), "archive": packed})
    print(sentence)


def _left_alone(data, images):
    """Return the line that ends what is printed: what else lies in a folder of images."""
    from fcn_keras_console.left_alone import as_line, kinds_of

    found = set(images.values())
    if data not in {path.parent for path in found}:  # the tree of VOC has lists of what is meant
        return ""
    return as_line(kinds_of(path for path in data.iterdir() if path not in found and not path.is_dir()))


def find_images(data, year, split):
    """Map the ids of a split to their images.

    Args:
        data: `VOC<year>`, `VOCdevkit`, the folder that holds it, or a folder of images whose stems are the ids.

    Raises:
        ValueError: if there is no list or image, or an image of the list is missing.
    """
    from fcn_keras.datasets.images import extensions

    require_directory(data, "", "Name VOCdevkit or a folder of images.")
    roots = (data, data / f"VOC{year}", data / "VOCdevkit" / f"VOC{year}")
    root = next((root for root in roots if (root / "JPEGImages").is_dir()), None)
    if root is None:
        images = {}
        for path in sorted(path for path in data.iterdir() if path.suffix.lower() in extensions()):
            if path.stem in images:
                raise ValueError(f"{images[path.stem]} and {path} have one id, {path.stem}. Keep one of them.")
            images[path.stem] = path
        if not images:
            raise ValueError(f"{data} holds neither images nor VOC{year}/JPEGImages. Name VOCdevkit.")
        return images
    listed = root / "ImageSets" / "Segmentation" / f"{split}.txt"
    if not listed.is_file():
        raise ValueError(f"{listed} is missing. It comes with VOC{year}'s test data from the evaluation server.")
    keys = listed.read_text(encoding="utf-8").split()
    if strange := [key for key in keys if not re.fullmatch(r"\w[\w.-]*", key)]:
        raise ValueError(f"{listed} lists {strange[0][:60]!r}. Expected names of files without folder and extension.")
    images = {key: root / "JPEGImages" / f"{key}.jpg" for key in keys}
    missing = [path.name for path in images.values() if not path.is_file()]
    if missing or not images:
        raise ValueError(f"{root / 'JPEGImages'} lacks {len(missing)} of {listed}: {some(missing)}. Add them.")
    return images


def check(folder, images):
    """Read a submission as the server would.

    Args:
        folder: `.../comp6_test_cls`.
        images: files of the images by id.

    Raises:
        ValueError: if a file is missing, foreign, no palette PNG, of another size than its image, or holds an id
            above 20; void (255) too, which the server refuses.
    """
    from ..reading import read_ahead

    if not folder.is_dir():
        raise ValueError(f"{folder} is missing. Expected the tree that fcn-submit writes.")
    _require_no_others(folder, images)
    missing = [f"{key}.png" for key in images if not (folder / f"{key}.png").is_file()]
    if missing:
        raise ValueError(f"{folder} lacks {len(missing)} of {len(images)} files: {some(missing)}.")
    faults = read_ahead(lambda key: _fault(folder / f"{key}.png", images[key]), images)
    bad = [fault for fault in faults if fault]
    if bad:
        raise ValueError(f"{len(bad)} of {len(images)} files are bad: {some(bad, between='; ')}.")


def _fault(path, image):
    """Say what is wrong with one file, or return None."""
    import numpy as np
    from PIL import Image

    from fcn_keras.datasets.images import FORMATS, read_size

    try:
        with Image.open(path, formats=FORMATS) as picture:
            kind, mode, ids = picture.format, picture.mode, np.array(picture)
    except Exception as error:  # a damaged file makes Pillow raise nearly anything
        return f"{path.name} cannot be read ({error})"
    if (kind, mode) != ("PNG", "P"):
        return f"{path.name} is {kind} of mode {mode}, not PNG of mode P"
    if ids.shape != read_size(image):
        return f"{path.name} is {ids.shape} (height, width), its image {read_size(image)}"
    if ids.max() >= CLASSES:
        return f"{path.name} holds {np.unique(ids[ids >= CLASSES])[:5].tolist()}, not only 0..{CLASSES - 1}"
    return None


def _require_no_others(folder, images):
    """Refuse a tree with anything else in it: the server counts what it unpacks."""
    expected = {folder / f"{key}.png" for key in images}
    others = [path for path in sorted(folder.rglob("*")) if path.is_dir() or path not in expected]
    if others:
        names = [path.relative_to(folder).as_posix() for path in others]
        raise ValueError(f"{folder} holds {len(others)} other files or folders: {some(names)}. Take them out.")


def _load(path):
    from fcn_keras.interface import class_counts, modality_of

    from ..workdir.trained_model import load_model

    model = load_model(path)
    counts = class_counts(model)
    if counts != {"": CLASSES} or modality_of(model) != "rgb":
        classes = ", ".join(f"{count} {head}".strip() for head, count in counts.items())
        raise ValueError(
            f"VOC has {CLASSES} classes of RGB images. {path} has {classes}, and takes {modality_of(model)}."
        )
    return model


def _label(model, images, folder, progress):
    from PIL import Image

    import fcn_keras as fcn
    from fcn_keras.datasets.images import read_image
    from fcn_keras.scaled_inference import photographs_of
    from fcn_keras.visualize import palette
    from fcn_keras_console.files import ManyFiles

    from ..reading import read_ahead
    from ..scoring.scale_options import usual_scale

    scale = usual_scale(photographs_of(model))
    read = read_ahead(lambda key: read_image(images[key]), images)
    with ManyFiles() as files:
        for done, (key, image) in enumerate(zip(images, read, strict=True), 1):
            try:
                labels = fcn.predict_scaled(model, image, scale=scale)
            except ValueError as error:  # such as scores that are no numbers
                raise ValueError(f"{images[key]}: {error}") from error
            picture = Image.fromarray(labels)
            picture.putpalette(palette().tobytes())
            with files.written(folder / f"{key}.png") as temporary:
                picture.save(temporary, format="PNG")
            LOG.debug("%s labelled, %d of %d", images[key], done, len(images))
            progress(done, len(images))


def _pack(archive, folder, root):
    """Pack the tree; the same files give the same bytes."""
    import gzip
    import tarfile

    from fcn_keras_console.files import written

    def bare(member):
        member.mtime = member.uid = member.gid = 0
        member.uname = member.gname = ""
        return member

    with (
        written(archive) as temporary,
        temporary.open("wb") as file,
        gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as tar,
    ):
        for path in sorted(folder.iterdir()):
            tar.add(path, path.relative_to(root).as_posix(), filter=bare)
