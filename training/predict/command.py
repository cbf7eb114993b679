"""`fcn-predict`: label images and videos, and write the labels and pictures of them."""

import argparse
import json
import logging
import tempfile
import time
from pathlib import Path

from fcn_keras_console import Progress, add_reporting, run
from fcn_keras_console.next_step import say_next, stage_or_file
from fcn_keras_console.printing import say

from .. import reading
from ..scoring import calibration_options, scale_options, tta_options
from .demo import FOLDER as DEMO
from .demo import NOTE, DemoParser, settle, write_demo
from .nets import MEMORY, PRECISIONS, exported_net, keras_net

LOG = logging.getLogger("fcn-predict")
FORMATS = ("palette", "ids", "overlay", "confidence", "entropy", "coco", "labelme", "cvat", "label-studio")
DEFAULT = ("palette", "overlay")

DESCRIPTION = """Label images. DIR/labels gets a PNG of class ids (the classes' colours are its palette) for every
image, DIR/overlays a JPEG with the classes painted over it; sub-folders are kept. Both have the size of the image as
its EXIF rotation turns it. DIR/legend.png says which colour means which class: the colours that classes.txt gave in
training, VOC's for VOC's classes, else some that are told apart, also by the colour-blind; palette.txt beside the model
holds them, and may be changed. A model of several heads writes labels_HEAD and overlays_HEAD. Results of an earlier
call are replaced, other files never. DIR says in a hidden file which net and options made its labels; others are
refused, until --replace removes those. A model of fcn-train knows how large its photographs were: one that is far
larger is scored at their size, and its scores are brought back before the labels are taken; what was done is said. An
image whose maps take more than --memory is labelled stage by stage and band by band, with the result of one pass over
the whole.

An input is an image, a folder of images with its sub-folders, a quoted pattern such as 'photos/**/*.jpg', a video, or -
for one image from stdin. A video (MP4, MOV, AVI, WebM, MKV) becomes DIR/overlays/NAME.mp4, with the classes painted
over every frame, of the same size, aspect and timing, turned and mirrored as players show it, with its sound; it
has no other format. If the file does not say how its colours are coded, a large one is taken as BT.709. Where its
height or width is odd, some players show nothing: H.264 then needs 4:4:4. Videos in folders are left alone; name them,
or say 'folder/*'. What is left alone in a folder is counted at the end. HEIC takes one more package: pip install
"fcn_keras[heif]".

Formats of --format: palette, DIR/labels; overlay, DIR/overlays; ids, DIR/ids, grey PNGs of class ids;
confidence, how probable the net finds its label, in DIR/confidence as grey PNGs, 255 for 1, and in DIR/confidence-maps
as JPEGs in the colours of confidence_legend.png; entropy, how much it wavers between all classes, 255 where all are as
likely, in the same two ways; coco,
DIR/annotations.json, a run-length encoded annotation for each class of each image, whose category id is its class id;
labelme, DIR/labelme, a JSON an image that LabelMe opens over it, with polygons that give the labels when painted in
their order; cvat, DIR/cvat.zip, which CVAT imports as "Segmentation mask 1.1"; label-studio, DIR/label_studio.json,
tasks with predictions, of brushes called tag on images called image, which lie in its local storage as they lie in
the input. A LabelMe file that was edited since is not replaced."""
EXAMPLES = (
    ("fcn-predict --demo", "something to look at before you have trained anything"),
    "fcn-predict runs/quick_fcn8s new_photos --output labelled",
    "fcn-predict net.keras a.jpg b.png --output out",
    ("fcn-predict net.keras 'photos/**/*.jpg' --output out --format labelme", "labels to correct by hand"),
    ("fcn-predict models/fcn photos --output out", "the newest version that fcn-export wrote there"),
    ("fcn-predict net.keras drive.mp4 --output out", "out/overlays/drive.mp4"),
    ("cat a.jpg | fcn-predict net.keras - --output out --json", "from stdin; tells as JSON which classes cover it"),
    ("fcn-predict net.keras phone.jpg --output out --scale none", "every pixel as it is, however large the photograph"),
    ("fcn-predict net.keras photos --output out --tta", "several times as slow, usually a little better"),
)
CODES = {0: "images were labelled", 2: "an image cannot be read, or with --on-error skip none can"}


def main(argv=None):
    parser = build_parser()
    arguments = parser.parse_args(argv)
    if arguments.demo:
        settle(parser, arguments)
    return run("fcn-predict", _predict, arguments)


def build_parser():
    parser = DemoParser("fcn-predict", DESCRIPTION, examples=EXAMPLES, codes=CODES)
    parser.add_argument(
        "model",
        type=Path,
        help="a .keras file, a stage's folder, or a workdir: then its finest stage; or what fcn-export wrote: a served "
        "model's folder (its newest version), .onnx, .xml or .tflite",
    )
    parser.add_argument(
        "inputs",
        nargs="+",
        metavar="input",
        help="an image, a folder of them, a quoted pattern, a video, or - (stdin)",
    )
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder for what is written")
    parser.add_argument(
        "--demo",
        action="store_true",
        help="instead of a model and images: label four drawn scenes with a small net that knows nothing else; they, "
        f"the net and its labels go to DIR (default: {DEMO})",
    )
    parser.add_argument(
        "--format",
        type=_formats,
        action="extend",
        dest="formats",
        metavar="NAME[,NAME]",
        help=f"what to write, of {', '.join(FORMATS)}; may be repeated (default: {','.join(DEFAULT)})",
    )
    parser.add_argument(
        "--legend",
        action="store_true",
        help="show below every overlay but those of videos which colour means which class, of those that it holds",
    )
    parser.add_argument(
        "--replace",
        action="store_true",
        help="if another net labelled DIR, or other options did, remove those labels and pictures first, all that "
        "fcn-predict wrote there; else that is an error",
    )
    parser.add_argument(
        "--depth", type=Path, metavar="DIR", help="RGB-D models: 16-bit grey PNGs in mm, named like the images"
    )
    parser.add_argument("--hha", type=Path, metavar="DIR", help="RGB-HHA models: HHA images, named like the images")
    large = parser.add_mutually_exclusive_group()
    large.add_argument(
        "--memory",
        type=float,
        metavar="MIB",
        help="for the maps of an image, besides the model, the image and its labels; less takes a little more time "
        f"(default: {MEMORY})",
    )
    large.add_argument(
        "--tile",
        type=int,
        metavar="PIXELS",
        help="compute images of more than 1536x1536 pixels in tiles of the whole network instead, of this side, a "
        "multiple of 32: twice the work",
    )
    parser.add_argument(
        "--temperature",
        type=float,
        metavar="T",
        help="confidence, entropy: divide the scores by it first, as fcn-evaluate --calibration fits it; labels stay",
    )
    parser.add_argument(
        "--precision",
        choices=PRECISIONS,
        help="what a .keras file is computed in: bfloat16 is for processors with AMX and GPUs of compute capability 8 "
        "or more, and labels differ where two scores nearly tie (default: as the file says, which is float32 for what "
        "fcn-train keeps as best)",
    )
    parser.add_argument(
        "--max-pixels",
        type=int,
        metavar="N",
        help="of an image; one of more is refused before it is decoded, which takes 9 bytes a pixel "
        "(default: 178,956,970)",
    )
    scale_options.add_option(parser, "trained")
    tta_options.add_options(parser)
    reading.add_option(parser)
    add_reporting(
        parser,
        json="a line for each image: file, width, height, scaled, outputs, classes (their shares), legend (their "
        "colours), seconds",
    )
    return parser


def _formats(text):
    names = text.split(",")
    for name in names:
        if name not in FORMATS:
            raise argparse.ArgumentTypeError(f"expected {', '.join(FORMATS)}, or several with commas. Received: {text}")
    return names


def _predict(arguments):
    from fcn_keras.datasets.images import pixels_allowed

    if arguments.max_pixels is not None and arguments.max_pixels < 1:
        raise ValueError(f"--max-pixels is a positive whole number. Received: {arguments.max_pixels}.")
    with tempfile.TemporaryDirectory() as folder, pixels_allowed(arguments.max_pixels):
        return _predict_all(arguments, Path(folder))


def _predict_all(arguments, temporary_folder):
    from fcn_keras_console.exported.find import find_exported
    from fcn_keras_console.exported.integrity import require_as_exported
    from fcn_keras_console.files import require_folder
    from fcn_keras_console.labelled_by import LabelledBy
    from fcn_keras_console.locks import alone
    from fcn_keras_console.words import counted
    from fcn_keras_console.workdir import find_model

    from .inputs import find_images, image_finder, require_readable, without_unreadable

    if arguments.memory is not None and not arguments.memory > 0:
        raise ValueError(f"--memory is a positive number of MiB. Received: {arguments.memory:g}.")
    if arguments.tile is not None and (arguments.tile < 32 or arguments.tile % 32):
        raise ValueError(f"--tile is a positive multiple of 32. Received: {arguments.tile}.")
    _require_temperature(arguments)
    copies, _ = tta_options.scales_of(arguments), scale_options.scale_of(arguments)
    if arguments.demo:
        arguments.model, arguments.inputs = write_demo(arguments.output)
    exported = find_exported(arguments.model)
    path = find_model(arguments.model) if exported is None else exported.path
    if exported is not None:
        _refuse_for_exported(arguments, path)
    companions = {name: getattr(arguments, name) for name in ("depth", "hha") if getattr(arguments, name)}
    bad = reading.Unreadable("fcn-predict", arguments.on_error)
    finder, passed_over = image_finder(), []
    images = find_images(finder, arguments.inputs, companions, temporary_folder, passed_over)
    _require_formats(arguments.formats or DEFAULT, images)
    if arguments.on_error == "fail":
        require_readable(images)  # names more than the first
    else:
        images = without_unreadable(images, bad)
        bad.require_some(images)
    require_folder(arguments.output)
    if exported is not None:
        require_as_exported(exported)
    net = keras_net(path, arguments) if exported is None else exported_net(exported, arguments)
    from .results import Classes, Results

    _require_companions(net.modality, companions, images)
    classes = {head: Classes.named(names, net.counts[head], net.colors[head]) for head, names in net.names.items()}
    made_of = {"net": net.identity, "--scale": arguments.scale, "--tta-scales": copies and list(copies)}
    made_of |= {f"--{x}": given for x in ("precision", "temperature") if (given := getattr(arguments, x))}
    made_by = LabelledBy(arguments.output, path, made_of)
    results = Results(arguments.output, arguments.formats or DEFAULT, classes, made_by.write, legend=arguments.legend)
    stills, videos = ([image for image in images if image.video is kind] for kind in (False, True))
    results.require_free(images)
    with alone(arguments.output), results:
        made_by.require_same(results.present, replace=arguments.replace)
        labelled = _label_images(arguments, net.label, net.modality, stills, results, bad)
        painted = _label_videos(arguments, net.label, videos, results, bad)
        bad.require_some(labelled + painted)
        results.finish()
    if not arguments.json:
        done = [counted(number, kind) for number, kind in ((labelled, "image"), (painted, "video")) if number]
        others = f"; {told}" if (told := finder.left_alone(passed_over)) else ""
        say(f"{' and '.join(done)} labelled in {arguments.output}{bad.counted()}{others}")
        if arguments.demo:
            say(NOTE)
    if exported is None:
        served = arguments.output / "models" / "demo" if arguments.demo else "models/fcn"
        say_next(arguments, "fcn-export", stage_or_file(path), served)


def _require_temperature(arguments):
    calibration_options.require_temperature(arguments.temperature)
    if arguments.temperature is not None and not {"confidence", "entropy"} & set(arguments.formats or ()):
        raise ValueError("--temperature changes no label. Add confidence or entropy to --format, or leave it out.")


def _refuse_for_exported(arguments, path):
    """Refuse options of how this package computes, where another runtime does."""
    tta_options.refuse(arguments, path)
    for option in ("memory", "tile", "precision"):
        if getattr(arguments, option) is not None:
            raise ValueError(f"--{option} is for .keras files. {path} is run by its own runtime. Leave it out.")
    if arguments.temperature is not None:
        raise ValueError(f"--temperature is for .keras files. Give it to fcn-export, which writes it into {path}.")


def _require_formats(formats, images):
    videos = [image.name for image in images if image.video]
    if "overlay" not in formats and videos:
        raise ValueError(
            f"{videos[0]} is a video, which becomes an overlay and nothing else: add overlay to --format, or leave the "
            "video out."
        )
    if "labelme" in formats and any(image.name == "stdin" for image in images):
        raise ValueError("A LabelMe file refers to its image's file, and stdin is none. Name the file.")


def _require_companions(modality, given, images):
    """Refuse options and videos that the model does not need, and ask for what it does."""
    needed = {"rgbd": {"depth"}, "rgb_hha": {"hha"}}.get(modality, set())
    for image in images:
        if image.video and modality != "rgb":
            raise ValueError(
                f"This model ({modality}) takes more than colour, which {image.name} has not. Give images."
            )
    for name in sorted(needed - set(given)):
        raise ValueError(f"This model also takes {name}: say --{name} DIR, files named like the images.")
    for name in sorted(set(given) - needed):
        raise ValueError(f"This model ({modality}) takes no --{name}. Leave it out.")


def _label_images(arguments, label, modality, images, results, bad):
    """Label every image and write its files, reading the next ones meanwhile; return how many were labelled."""
    from fcn_keras.interface import pixels_of

    from .inputs import read_example

    done = 0
    examples = reading.read_ahead(reading.attempted(read_example), images, ahead=2)
    with Progress("Labelling", "images", quiet=arguments.quiet) as progress:
        for number, (image, example) in enumerate(zip(images, examples, strict=True), 1):
            progress(number - 1, len(images))
            if isinstance(example, ValueError):
                bad(example)
                continue
            start, rgb = time.perf_counter(), example["image"]
            if modality == "hha":
                example["hha"] = rgb
            LOG.debug("%s: read, %dx%d", image.name, rgb.shape[1], rgb.shape[0])
            written, certainty = {}, {}
            if results.needs_certainty:
                by_head, certainty, size = label.with_certainty(pixels_of(example, modality), image.name)
            else:
                by_head, size = label(pixels_of(example, modality), image.name)
            for head, labels in by_head.items():
                files = results.write(image, head, rgb, labels, certainty.get(head))
                LOG.debug("%s: wrote %s", image.name, ", ".join(map(str, files)))
                written[head] = files, results.classes[head].shares(results.classes[head].counts(labels))
            _report(arguments, results, image, rgb.shape[:2], size, written, time.perf_counter() - start)
            done += 1
            progress(number, len(images))
    return done


def _label_videos(arguments, label, videos, results, bad):
    """Label every frame of every video and write it with the classes painted over; return how many were written."""
    import numpy as np

    from fcn_keras.visualize import overlay

    from ..annotations.result_marks import MARK
    from .video import opened
    from .video_writing import write_video

    done = 0
    for file in videos:
        start = time.perf_counter()
        pixels = {head: np.zeros(len(known.names), np.int64) for head, known in results.classes.items()}
        sizes = []

        def labels_of(image, sizes=sizes, name=file.name):
            by_head, sizes[:] = label(image, name)
            return by_head

        def paint(image, by_head, pixels=pixels):
            painted = {}
            for head, labels in by_head.items():
                pixels[head] += results.classes[head].counts(labels)
                painted[head] = overlay(image, labels, **results.classes[head].look)
            return painted

        targets = {head: results.video_file(file, head) for head in results.classes}
        try:
            with opened(file.path) as video, Progress(file.name, "frames", quiet=arguments.quiet) as progress:
                LOG.debug("%s: %s frames, %.3f a second", file.name, video.count, video.rate)
                frames, size = write_video(
                    video, targets, labels_of, paint, progress, comment=MARK, ready=results.begin
                )
        except ValueError as error:
            bad(error)
            continue
        painted = {head: ([target], results.classes[head].shares(pixels[head])) for head, target in targets.items()}
        more = {"frames": frames, "sound": video.sound.how if video.sound else "none"}
        more |= {"colors": f"untagged, taken as {video.guessed_matrix}"} if video.guessed_matrix else {}
        _report(arguments, results, file, size, tuple(sizes), painted, time.perf_counter() - start, **more)
        done += 1
    return done


def _report(arguments, results, image, size, scored, by_head, seconds, **more):
    """Print what became of an image or video, as a line of text or of JSON.

    Args:
        size: `(H, W)`, its own.
        scored: `(H, W)` at which it was scored.
        by_head: the files that were written, and the shares of the classes.
    """
    files = {head: [str(path.relative_to(arguments.output)) for path in paths] for head, (paths, _) in by_head.items()}
    height, width = size
    if arguments.json:
        heads = {
            head: {"outputs": files[head], "classes": shares, "legend": results.classes[head].colors_of(shares)}
            for head, (_, shares) in by_head.items()
        }
        scaled = {} if scored == size else {"scaled": {"width": scored[1], "height": scored[0]}}
        report = {"file": image.name, "width": width, "height": height, **scaled, **more}
        report |= heads.get("", {"heads": heads})
        print(json.dumps({**report, "seconds": round(seconds, 3)}), flush=True)  # ASCII, which every pipe takes
        return
    parts = [f"{files[head][0]}  {_shares(shares)}" for head, (_, shares) in by_head.items()]
    parts += [] if scored == size else [scale_options.arrow(size, scored)]
    parts += {"as AAC": ["its sound written as AAC"], "left out": ["its sound, of an unknown kind, is left out"]}.get(
        more.get("sound"), []
    )
    parts += [f"its colours are {more['colors']}"] if "colors" in more else []
    frames = f", {more['frames']} frames" if more else ""
    say(f"{image.name} {width}x{height}{frames} -> {'; '.join(parts)}")


def _shares(shares, most=4):
    """Say which classes cover an image, the largest first: `road 41 %, car 12 %, 2 more`."""
    largest = [f"{name} {round(100 * share) or '<1'} %" for name, share in list(shares.items())[:most]]
    return ", ".join(largest + [f"{len(shares) - most} more"] * (len(shares) > most))
