"""Write a network as a SavedModel for TF Serving: `fcn-export MODEL DIRECTORY`."""

import argparse
import errno
import os
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

MAX_PIXELS = 4096 * 4096  # VGG16's first maps of such an image take 4 GB each


def export(model, directory, *, version=None, classes=None, max_pixels=MAX_PIXELS):
    """Write one version of a served model: `directory/<version>/`.

    The SavedModel needs TensorFlow alone, computes in float32 and answers three signatures:

    - `serving_default`: `image_bytes` [N], JPEG, PNG, BMP or WebP files of any mix of sizes -> `label_png_bytes` [N],
      grey PNG of class ids at each image's own size, `height` and `width` [N]. Pixels are Pillow's, bit by bit; EXIF
      rotation is not applied. An `"rgbd"` net takes `depth_png_bytes` [N] as well (16-bit PNG, millimetres);
      a `LateFusion` takes `rgb_bytes` and `hha_bytes`.
    - `predict_tensors`: `image` [N,H,W,C] uint8 (uint16 with depth) -> `label` [N,H,W] uint8.
    - `predict_scores`: `image` [N,H,W,C] float32, 0-255 -> `scores` [N,H,W,K] float32.

    Several heads answer `<head>_png_bytes`, `<head>_label`, `<head>_scores`. Labels are uint8, and uint16 above 256
    classes. `assets/` holds `palette.txt` and, where given, the class names.

    The folder appears under its name when it is complete; a server that polls `directory` never sees a part of it.

    Args:
        model: a network of this package, under any dtype policy.
        directory: the served model's folder, which holds its versions; made if missing.
        version: positive int; default one more than the highest there, from 1 on.
        classes: names of the classes, or a mapping head -> names.
        max_pixels: `serving_default` refuses images with a larger height times width.

    Returns:
        `pathlib.Path` of the version's folder.

    Raises:
        ValueError: on a model that is not a network, or an argument outside the values above.
        FileExistsError: if the version is there; versions are never overwritten.
        OSError: if the folder cannot be written.
    """
    _check_model(model)
    _check_positive("max_pixels", max_pixels)
    if version is not None:
        _check_positive("version", version)
    assets = _assets(model, classes)
    directory = Path(directory)
    made = [path for path in (directory, *directory.parents) if not path.exists()]
    directory.mkdir(parents=True, exist_ok=True)
    try:
        return _write(model, directory, version, assets, max_pixels)
    except BaseException:
        for path in made:
            with suppress(OSError):  # another process may have put something there
                path.rmdir()
        raise


def _write(model, directory, version, assets, max_pixels):
    import tensorflow as tf

    from .network import freeze
    from .signatures import build

    _check_absent(directory, version)
    # Not a number, so no server takes it for a version; beside the version, so that renaming is atomic.
    temporary = Path(tempfile.mkdtemp(prefix=".exporting-", dir=directory))
    try:
        module = tf.Module()
        network, module.weights = freeze(model)
        folder = temporary / "model"  # with the permissions that the user's umask gives, unlike mkdtemp's own
        tf.saved_model.save(module, str(folder), signatures=build(network, max_pixels=max_pixels))
        for name, text in assets.items():
            (folder / "assets" / name).write_text(text, encoding="utf-8")
        return _publish(folder, directory, version)
    finally:
        shutil.rmtree(temporary)


def _publish(folder, directory, version):
    """Rename a finished folder to its version."""
    while True:
        target = directory / str(version or max(_versions(directory), default=0) + 1)
        _check_absent(directory, version)
        try:
            os.rename(folder, target)
            return target
        except OSError as error:
            if version or error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise
            # Another export took the number in this moment: take the next.


def _versions(directory):
    return [int(path.name) for path in directory.iterdir() if path.name.isdecimal()]


def _check_absent(directory, version):
    if version in _versions(directory):
        raise FileExistsError(
            f"Version {version} is in {directory} already, and is never overwritten. Choose another, or leave it out "
            "to take the next."
        )


def _check_positive(name, value):
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**63:
        raise ValueError(f"`{name}` is a positive whole number. Received: {value!r}.")


def _check_model(model):
    import keras

    if keras.backend.backend() != "tensorflow":
        raise ValueError(
            f"A SavedModel is written by TensorFlow. Received the Keras backend {keras.backend.backend()!r}. "
            "Save the model as .keras, and export it in a process with KERAS_BACKEND=tensorflow."
        )
    expected = "`model` is a network of fcn_keras: (N, H, W, 3 or 4) of any size to scores of the same size."
    try:
        inputs, outputs = ([tuple(x.shape) for x in tensors] for tensors in (model.inputs, model.outputs))
        named = model.input if isinstance(model.input, dict) else {"image": model.input}
    except (AttributeError, TypeError, ValueError):
        raise ValueError(f"{expected} Received: {type(model).__name__}.") from None
    known = [{"image": 3}, {"image": 4}, {"rgb": 3, "hha": 3}]
    dense = all(len(shape) == 4 and shape[:3] == (None,) * 3 for shape in inputs + outputs)
    if not dense or {name: x.shape[-1] for name, x in named.items()} not in known:
        raise ValueError(f"{expected} Received: {inputs} to {outputs}.")


def _assets(model, classes):
    """Make the text files of `assets/`: `{name: text}`."""
    from fcn_keras.visualize import palette

    files = {"palette.txt": "".join(f"{red} {green} {blue}\n" for red, green, blue in palette())}
    if classes is None:
        return files
    counts = {"": model.output.shape[-1]} if not isinstance(model.output, dict) else {}
    counts = counts or {head: scores.shape[-1] for head, scores in model.output.items()}
    classes = classes if isinstance(classes, Mapping) else {"": classes}
    for head, names in classes.items():
        names = list(names)
        if head not in counts:
            raise ValueError(f"`classes` may name the heads {sorted(counts)} of this model. Received: {head!r}.")
        if len(names) != counts[head]:
            raise ValueError(f"`classes` holds one name a class, {counts[head]}. Received: {len(names)}.")
        files[f"classes_{head}.txt" if head else "classes.txt"] = "".join(f"{name}\n" for name in names)
    return files


def main(argv=None):
    """Run `fcn-export` and return its exit code: 0, or 2 with one line on stderr."""
    parser = argparse.ArgumentParser(prog="fcn-export", description=__doc__)
    parser.add_argument("model", help="the trained network, a .keras file")
    parser.add_argument("directory", help="the served model's folder, which holds its versions")
    parser.add_argument("--version", help="a positive whole number (default: the next)")
    parser.add_argument(
        "--classes",
        action="append",
        metavar="FILE",
        help="class names, one a line, to store with the model; HEAD=FILE, repeated, where it has several heads",
    )
    parser.add_argument(
        "--max-pixels", default=str(MAX_PIXELS), help="largest height times width to answer (default: %(default)s)"
    )
    arguments = parser.parse_args(argv)
    try:
        print(_command(arguments))
    except (ValueError, OSError, ImportError) as error:
        return _fail(error)
    except KeyboardInterrupt:
        return _fail("interrupted", 130)
    except Exception as error:
        if not type(error).__module__.startswith("tensorflow."):  # such as: no space left on the device
            raise
        return _fail(error)
    return 0


def _command(arguments):
    # What is wrong on the command line shows at once, before TensorFlow takes its seconds to start.
    version = _whole("--version", arguments.version)
    max_pixels = _whole("--max-pixels", arguments.max_pixels)
    path = Path(arguments.model)
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist.")
    if path.suffix != ".keras" or not zipfile.is_zipfile(path):
        raise ValueError(f"MODEL is a .keras file, as model.save(...) writes it. Received: {path}.")
    classes = _read_classes(arguments.classes)
    if version and Path(arguments.directory).is_dir():
        _check_absent(Path(arguments.directory), version)
    model = _load(path)
    return export(model, arguments.directory, version=version, classes=classes, max_pixels=max_pixels)


def _whole(option, text):
    if text is not None and (not text.isdecimal() or int(text) == 0):
        raise ValueError(f"{option} is a positive whole number. Received: {text}.")
    return None if text is None else int(text)


def _read_classes(options):
    """Read `FILE` into names, or `HEAD=FILE`s into a dict of names."""
    if not options:
        return None
    heads = {}
    for option in options:
        head, _, path = option.rpartition("=")
        heads[head] = Path(path).read_text(encoding="utf-8").split("\n")
        heads[head] = [name.strip() for name in heads[head] if name.strip()]
    return heads


def _load(path):
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _quiet():
        import keras
        import tensorflow as tf

        import fcn_keras.models  # noqa: F401  the layers that a .keras file may name

        tf.get_logger().setLevel("ERROR")
        tf.config.list_logical_devices()
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # a damaged file makes Keras raise nearly anything
        raise ValueError(
            f"{path} is not a whole model that this version can read: {error}. Save or copy it again."
        ) from error


@contextmanager
def _quiet():
    """Hide what TensorFlow's C++ prints while it starts, which no setting silences."""
    stderr, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nowhere)


def _fail(error, code=2):
    named = isinstance(error, OSError) and error.strerror and error.filename
    message = f"{error.filename}: {error.strerror}" if named else error
    print(f"fcn-export: {' '.join(str(message).split())}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
