"""`fcn-query`: have a model server label images, and write the labels. Never imports TensorFlow."""

import json
import logging
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, PngImagePlugin

from fcn_keras_console import Parser, Progress, add_reporting, run

from .client import Client, ServingError
from .payload import heads_of

DESCRIPTION = """Have a model server (TensorFlow Serving, fcn-serve) label images. DIR/labels gets a PNG of class ids
(with the VOC palette; 16-bit grey above 256 classes) for every image; sub-folders are kept. A model of several heads
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
EXTENSIONS = {".jpg", ".jpeg", ".png", ".bmp", ".webp"}
LOG = logging.getLogger("fcn-query")
MARK = "fcn-query"  # in the metadata of every file written


def main(argv=None):
    """Run `fcn-query` and return its exit code: 0, 1 if images failed, or 2 with one line on stderr."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    if not arguments.status and not (arguments.images and arguments.output):
        parser.error("say which images, and --output DIR; or --status")
    return run("fcn-query", _answer, arguments)


def _parser():
    parser = Parser("fcn-query", DESCRIPTION, examples=EXAMPLES, codes=CODES)
    parser.add_argument("url", help="the server: http://host:8501, https://..., grpc://host:8500 or grpcs://...")
    parser.add_argument("images", nargs="*", type=Path, metavar="image", help="an image, or a folder of them")
    parser.add_argument("--output", type=Path, metavar="DIR", help="folder for what the server answers")
    parser.add_argument(
        "--depth", type=Path, metavar="DIR", help="RGB-D models: 16-bit PNGs in mm, named as the images"
    )
    parser.add_argument("--hha", type=Path, metavar="DIR", help="RGB-HHA models: HHA images, named as the images")
    parser.add_argument("--model", default="model", help="its name on the server (default: %(default)s)")
    parser.add_argument("--model-version", type=int, metavar="N", help="the version to ask (default: the newest)")
    parser.add_argument("--label", help="the version to ask, by its label, such as canary")
    parser.add_argument("--concurrency", type=int, default=4, help="requests at once (default: %(default)s)")
    parser.add_argument(
        "--timeout", type=float, default=60.0, metavar="S", help="seconds for one image (default: %(default)g)"
    )
    token = "the server's token, in a file (default: the environment variable FCN_TOKEN, if it is set)"
    parser.add_argument("--token-file", type=Path, metavar="FILE", help=token)
    authority = "PEM file of the authority, or the certificate itself, that https and grpcs are held against"
    parser.add_argument("--ca-file", type=Path, metavar="FILE", help=authority)
    parser.add_argument("--status", action="store_true", help="print the model's versions, and label nothing")
    add_reporting(parser, json="a line for every image")
    return parser


def _answer(arguments):
    try:
        return _status(arguments) if arguments.status else _query(arguments)
    except ServingError as error:
        raise ValueError(str(error)) from error  # which `run` tells in one line


def _client(arguments):
    which = {name: getattr(arguments, name) for name in ("model", "label", "timeout", "ca_file")}
    token = _token(arguments.token_file)
    return Client(arguments.url, **which, version=arguments.model_version, token=token)


def _token(path):
    text = path.read_text(encoding="utf-8", errors="replace") if path else os.environ.get("FCN_TOKEN")
    return None if text is None else text.strip()


def _status(arguments):
    with _client(arguments) as client:
        for version, state, code, message in sorted(client.status()):
            print(f"{arguments.model} version {version} {state}" + (f" {code} {message}" if message else ""))
    return 0


def _query(arguments):
    partners = {name: getattr(arguments, name) for name in ("depth", "hha") if getattr(arguments, name)}
    scenes = _find(arguments.images, partners)
    with _client(arguments) as client:
        heads = heads_of(client.metadata().outputs)
        if not heads:
            raise ValueError(f"Model {arguments.model!r} gives no label PNGs. fcn-export writes models that do.")
        client.inputs({"image", *partners})
        _require_free(arguments.output, scenes, heads)
        _require_folder(arguments.output)
        failed = _label(client, scenes, arguments)
    if arguments.json:
        return 1 if failed else 0
    done = len(scenes) - failed
    images = "image" if done == 1 else "images"
    print(f"{done} {images} labelled in {arguments.output}" + (f", {failed} failed" if failed else ""))
    return 1 if failed else 0


def _label(client, scenes, arguments):
    """Write the labels of every scene, and return how many have failed."""
    failed = 0
    with Progress("Labelling", "images", quiet=arguments.quiet) as progress:
        answers = client.predict_many(
            scenes.values(),
            concurrency=arguments.concurrency,
            progress=lambda done: progress(done, len(scenes)),
        )
        for key, answer in zip(scenes, answers, strict=True):
            name = str(answer.image["image"])
            if answer.error is None:
                labels = _write(arguments.output, key, answer.labels)
                LOG.debug("%s labelled", name)
                if arguments.json:
                    print(json.dumps({"image": name, "labels": labels}), flush=True)
                continue
            failed += 1
            if getattr(answer.error, "code", None) == "UNAVAILABLE":  # after all tries
                raise answer.error
            reason = _reason(name, answer.error)
            print(f"fcn-query: {reason}", file=sys.stderr)
            if arguments.json:
                print(json.dumps({"image": name, "error": reason}), flush=True)
    return failed


def _find(inputs, partners):
    """List the images in files and folders: `{key: {"image": path, ...}}`, the key being the result's name.

    Raises:
        ValueError: if a path is missing, a folder holds no image, two images would have one result, or an image
            lacks its depth or HHA.
    """
    found = {}
    for given in inputs:
        for key, path in _listed(given):
            if key in found and not found[key].samefile(path):
                raise ValueError(f"{found[key]} and {path} would both become {key}.png. Rename one, or call twice.")
            found[key] = path
    scenes = {key: {"image": path} for key, path in found.items()}
    for name, folder in partners.items():
        files = dict(_listed(folder))
        for key, scene in scenes.items():
            if key not in files:
                raise ValueError(f"{scene['image']} lacks a file of the same name in --{name} {folder}.")
            scene[name] = files[key]
    return scenes


def _listed(given):
    """List keys and image files: the one that is given, or those below the folder that is given."""
    if not given.exists():
        raise ValueError(f"{given} is missing. Name images, or folders of images.")
    if not given.is_dir():
        return [(given.stem, given)]
    found = []
    for parent, folders, names in os.walk(given):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        paths = [Path(parent, name) for name in sorted(names) if not name.startswith(".")]
        found += [path for path in paths if path.suffix.lower() in EXTENSIONS and not _is_result(path)]
    if not found:
        raise ValueError(f"{given} holds no image. Expected files such as 0001.jpg.")
    return [(path.relative_to(given).with_suffix("").as_posix(), path) for path in found]


def _target(output, key, head):
    return output / (f"labels_{head}" if head else "labels") / f"{key}.png"


def _require_free(output, scenes, heads):
    """Refuse to replace files that this command did not write, such as a data set's own labels, or the images."""
    for head in heads:
        for key in scenes:
            target = _target(output, key, head)
            if target.exists() and not _is_result(target):
                raise ValueError(f"{target} exists, and fcn-query did not write it. Choose another --output.")


def _is_result(path):
    """Tell whether this command wrote a file."""
    if path.suffix != ".png":
        return False
    try:
        with Image.open(path) as image:
            return image.info.get("Software") == MARK
    except Exception:  # a damaged file makes Pillow raise nearly anything; this command's are whole
        return False


def _require_folder(path):
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise ValueError(f"--output {path} cannot be written to: {error.strerror}. Choose another folder.") from error


def _write(output, key, labels):
    """Write one image's labels, beside and renamed; return the paths by head."""
    mark = PngImagePlugin.PngInfo()
    mark.add_text("Software", MARK)
    targets = {}
    for head, ids in (labels if isinstance(labels, dict) else {"": labels}).items():
        target = targets[head] = _target(output, key, head)
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.tmp")
        picture = Image.fromarray(ids)
        if ids.dtype == np.uint8:
            picture.putpalette(_palette())
        try:
            picture.save(temporary, "PNG", pnginfo=mark)
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)
    return {head: str(target) for head, target in targets.items()}


def _palette():
    """Compute VOC's colour map; `fcn_keras.visualize` would bring Keras in."""
    ids, colours = np.arange(256)[:, None], np.zeros((256, 3), int)
    for level in range(3):
        colours |= (ids >> (3 * level + np.arange(3)) & 1) << (7 - level)
    return colours.astype(np.uint8).tobytes()


def _reason(image, error):
    """Say in one line why an image has no labels."""
    if isinstance(error, OSError) and error.strerror and error.filename:
        error = f"{error.filename}: {error.strerror}"
    reason = " ".join(str(error).split())
    return reason if image in reason else f"{image}: {reason}"
