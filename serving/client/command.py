"""`fcn-query`: have a model server label images, and write the labels. Never imports TensorFlow."""

import json
import logging
import os
import sys
from pathlib import Path

from fcn_keras_console import Parser, Progress, add_reporting, run
from fcn_keras_console.printing import say
from fcn_keras_console.run import one_line
from fcn_keras_console.words import counted, some

from .client import Client, ServingError

DESCRIPTION = """Have a model server (TensorFlow Serving, fcn-serve) label images. DIR/labels gets a PNG of class ids
(in the classes' colours where the server tells them, as fcn-serve does over http, else in VOC's; 16-bit grey above 256
classes) for every image; sub-folders are kept. DIR/confidence gets a grey PNG of how probable the
model finds its labels, 255 for 1, if it was exported with --extra confidence_map. A model of several heads
writes labels_HEAD. Results of an earlier call are replaced, other files never. Images that fail are named, and the
others go on."""
EXAMPLES = (
    "fcn-query http://localhost:8501 photos --model fcn --output labelled",
    ("fcn-query grpc://localhost:8500 --model fcn --status", "which versions it serves"),
)
CODES = {
    0: "all images are labelled",
    1: "some failed",
    2: "nothing can be done: wrong arguments, no such model, or no server, also when it is lost on the way",
}
# What exported networks read; files that are named one by one may be others.
EXTENSIONS = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})
LOG = logging.getLogger("fcn-query")


def main(argv=None):
    """Run `fcn-query` and return its exit code: 0, 1 if images failed, or 2 with one line on stderr."""
    parser = build_parser()
    arguments = parser.parse_args(argv)
    if not arguments.status and not (arguments.images and arguments.output):
        parser.error("say which images, and --output DIR; or --status")
    return run("fcn-query", _answer, arguments)


def build_parser():
    parser = Parser("fcn-query", DESCRIPTION, examples=EXAMPLES, codes=CODES)
    parser.add_argument("url", help="the server: http://host:8501, https://..., grpc://host:8500 or grpcs://...")
    parser.add_argument("images", nargs="*", metavar="image", help="an image, a folder of them, or a quoted pattern")
    parser.add_argument("--output", type=Path, metavar="DIR", help="folder for what the server answers")
    parser.add_argument(
        "--depth", type=Path, metavar="DIR", help="RGB-D models: 16-bit PNGs in mm, named as the images"
    )
    parser.add_argument("--hha", type=Path, metavar="DIR", help="RGB-HHA models: HHA images, named as the images")
    parser.add_argument("--model", help="its name on the server (default: the only one that fcn-serve has)")
    parser.add_argument("--model-version", type=int, metavar="N", help="the version to ask (default: the newest)")
    parser.add_argument("--label", help="the version to ask, by its label, such as canary")
    parser.add_argument(
        "--scale",
        help="at which size photographs are scored, as of fcn-predict: none, a factor or the longer side (default: as "
        "the model was exported)",
    )
    parser.add_argument("--concurrency", type=int, default=4, help="requests at once (default: %(default)s)")
    parser.add_argument(
        "--timeout", type=float, default=60.0, metavar="S", help="seconds for one image (default: %(default)g)"
    )
    token = "the server's token, in a file (default: the environment variable FCN_TOKEN, if it is set)"
    parser.add_argument("--token-file", type=Path, metavar="FILE", help=token)
    authority = "PEM file of the authority, or the certificate itself, that https and grpcs are held against"
    parser.add_argument("--ca-file", type=Path, metavar="FILE", help=authority)
    replace = "if another model or version labelled DIR, remove those labels first; else that is an error"
    parser.add_argument("--replace", action="store_true", help=replace)
    parser.add_argument("--status", action="store_true", help="print the model's versions, and label nothing")
    add_reporting(parser, json="a line for every image")
    return parser


_UNKNOWN_MODEL = (
    "Servable not found",
    "Could not find any versions of model",
)  # of TensorFlow Serving, and of fcn-serve
_NAME_IT = ". Say --model NAME, as the server calls it: fcn-serve by the model's folder, without --model_name."


def _answer(arguments):
    try:
        return _status(arguments) if arguments.status else _query(arguments)
    except ServingError as error:
        unknown = error.code == "NOT_FOUND" and any(words in str(error) for words in _UNKNOWN_MODEL)
        raise ValueError(f"{error}{_NAME_IT if unknown else ''}") from error  # which `run` tells in one line


def _only_model(arguments):
    """Ask which model the server has.

    Raises:
        ValueError: if it has none or several, or does not say.
    """
    access = {name: getattr(arguments, name) for name in ("timeout", "ca_file")}
    try:
        with Client(arguments.url, **access, token=_token(arguments.token_file)) as client:
            names = client.served_models()
    except ServingError as error:
        if error.code != "UNIMPLEMENTED":
            raise
        hint = "fcn-serve tells it over http://, TensorFlow Serving does not"
        raise ValueError(f"{error} Say --model NAME: {hint}.") from None
    if len(names) != 1:
        raise ValueError(
            f"{arguments.url} has {len(names)} models. Say --model NAME{': ' if names else ''}{some(names)}."
        )
    return names[0]


def _client(arguments, version=None):
    """Make the client; of one version where given, whatever is the newest or has the label by then."""
    which = {name: getattr(arguments, name) for name in ("model", "timeout", "scale", "ca_file")}
    which |= {"label": arguments.label, "version": arguments.model_version} if version is None else {"version": version}
    return Client(arguments.url, **which, token=_token(arguments.token_file))


def _token(path):
    text = path.read_text(encoding="utf-8", errors="replace") if path else os.environ.get("FCN_TOKEN")
    return None if text is None else text.strip()


def _status(arguments):
    arguments.model = arguments.model or _only_model(arguments)
    with _client(arguments) as client:
        for version, state, code, message in sorted(client.status()):
            say(f"{arguments.model} version {version} {state}" + (f" {code} {message}" if message else ""))
    return 0


def _query(arguments):
    from fcn_keras_console.files import require_folder
    from fcn_keras_console.image_files import ImageFinder
    from fcn_keras_console.labelled_by import LabelledBy
    from fcn_keras_console.locks import alone

    from .label_files import CONFIDENCE, LABELS, is_result, require_free, results_in
    from .payload import CONFIDENCE as MAP
    from .payload import heads_of

    companion_folders = {name: getattr(arguments, name) for name in ("depth", "hha") if getattr(arguments, name)}
    finder, passed_over = ImageFinder(EXTENSIONS, is_result), []
    images = finder.find(arguments.images, companion_folders, passed_over=passed_over)
    require_folder(arguments.output)
    arguments.model = arguments.model or _only_model(arguments)
    with _client(arguments) as client:
        metadata = client.metadata()
        heads = heads_of(metadata.outputs)
        if not heads:
            raise ValueError(f"Model {arguments.model!r} gives no label PNGs. fcn-export writes models that do.")
        client.inputs({"image", *companion_folders})
        kinds = [LABELS, *([CONFIDENCE] if any(name.endswith(MAP) for name in metadata.outputs) else [])]
        require_free(arguments.output, images, heads, kinds)
        served = {"--model": arguments.model, "the version": metadata.version, "--scale": arguments.scale}
        made_by = LabelledBy(arguments.output, f"{arguments.url}, model {arguments.model}", served)
        with alone(arguments.output):
            made_by.require_same(lambda: results_in(arguments.output), replace=arguments.replace)
            made_by.write()
            with _client(arguments, metadata.version) as of_version:
                failed, scaled = _label(of_version, images, _colors(client, metadata.version), arguments)
    if not arguments.json:
        labelled = f"{counted(len(images) - failed, 'image')} labelled in {arguments.output}"
        others = f"; {told}" if (told := finder.left_alone(passed_over)) else ""
        say(labelled + (f", {failed} failed" if failed else "") + others)
        if scaled:
            print(f"{len(scaled)} of them scaled: {some(scaled)}")
    return 1 if failed else 0


def _colors(client, version):
    """Return the colours of the classes by head, of the heads whose colours the server tells."""
    try:
        return client.class_colors(version)
    except ServingError:  # such as TensorFlow Serving's; whoever is out of reach is so for the images, too
        return {}


def _label(client, images, colors, arguments):
    """Write the labels of every image, and return how many have failed, and how others were scaled."""
    from fcn_keras_console.files import ManyFiles

    from .label_files import write_confidence, write_labels
    from .payload import scaling_of

    failed, scaled = 0, []
    with ManyFiles() as files, Progress("Labelling", "images", quiet=arguments.quiet) as progress:
        answers = client.predict_many(
            ({"image": image.path, **image.companions} for image in images),
            concurrency=arguments.concurrency,
            progress=lambda done: progress(done, len(images)),
        )
        for image, answer in zip(images, answers, strict=True):
            if answer.error is None:
                place = files, arguments.output, image.key
                paths, sure = write_labels(*place, answer.labels, colors), write_confidence(*place, answer.confidence)
                report = {"labels": {head: str(path) for head, path in paths.items()}}
                report |= {"confidence": {head: str(path) for head, path in sure.items()}} if sure else {}
                if sizes := scaling_of(answer.labels, answer.outputs):
                    (height, width), (scored_height, scored_width) = sizes
                    report["scaled"] = {"width": scored_width, "height": scored_height}
                    scaled.append(f"{image.name} {width}x{height} -> {scored_width}x{scored_height}")
                LOG.debug("%s labelled%s", image.name, f", scaled {scaled[-1]}" if sizes else "")
            elif getattr(answer.error, "code", None) == "UNAVAILABLE":  # after all tries
                raise answer.error
            else:
                failed += 1
                reason = _reason(image.name, answer.error)
                print(f"fcn-query: {reason}", file=sys.stderr)
                report = {"error": reason}
            if arguments.json:
                print(json.dumps({"image": image.name, **report}), flush=True)
    return failed, scaled


def _reason(name, error):
    """Say in one line why an image has no labels."""
    reason = one_line(error)
    return reason if name in reason else f"{name}: {reason}"
