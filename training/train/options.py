"""The command line of `fcn-train`."""

import argparse
import importlib.util
import json
import os
from pathlib import Path

from fcn_keras_console import Parser, add_reporting
from fcn_keras_console.files import require_folder
from fcn_keras_console.given import require_classes, require_directory, require_file, require_range
from fcn_keras_console.options import classes_of

from ..recipes.names import POLICIES, require_losses, require_name, require_reading

DESCRIPTION = """Train a network: on your own folder of images and masks, or by a recipe.

With --data and without a recipe, the folder is looked over first, as fcn-doctor does. Then the machine is measured, and
a plan is made that ends in --minutes. On a GPU, or with --steps, --width or another option that --minutes decides, the
run is planned by steps instead: 32s, then 16s, then 8s. The plan is printed before training starts, and the options
below overrule it. A folder without a validation split has about a fifth of its images held out.

The nets that a net starts from are trained first, when their results are not in the workdir. Running the same command
again continues where the last run stopped."""
EXAMPLES = (
    ("fcn-train --data photos --minutes 10", "your own images, in the time that you have"),
    ("fcn-train --data photos --steps 2000", "by steps: 32s, then 16s, then 8s"),
    ("fcn-train folder_fcn8s --data photos --workdir runs", "nothing is chosen: one image a batch, fixed steps"),
    ("fcn-train voc_fcn8s --data DIR --workdir runs", "the paper's experiment"),
)
CODES = {
    129: "stopped as its terminal went (SIGHUP), after saving",
    130: "stopped by Ctrl-C, after saving",
    143: "stopped by SIGTERM, after saving",
}
BACKENDS = ("tensorflow", "jax", "torch")  # of Keras, those that compute gradients
# Options that change recipes, by the name that `Overrides` has for it too.
OVERRIDES = (
    "classes",
    "ignore_label",
    "most_pixels",
    "steps",
    "steps_per_epoch",
    "batch_size",
    "accumulate",
    "buckets",
    "learning_rate",
    "seed",
    "dtype_policy",
    "class_weights",
    "splits",
    "width",
    "stand_in",
    "optimizer",
    "weight_decay",
    "warm_up",
    "clip",
    "ema",
    "raw_scores",
    "patience",
    "loss",
    "label_smoothing",
    "hardest",
    "augment",
)
OPTIMIZERS = ("adamw", "adam", "sgd")  # of `named.py`, which imports Keras; so are the augmentations
LOGS = ("mlflow",)
LONGEST = 10_000  # minutes, a week
MLFLOW = 'pip install "mlflow>=3.17.2,<4"'
AUGMENTATIONS = ("color", "scale", "rotate", "jitter", "mirror", "cutmix", "none")
_BOUNDS = {
    "--steps": {"least": 1},
    "--steps-per-epoch": {"least": 1},
    "--batch-size": {"least": 1},
    "--accumulate": {"least": 1},
    "--patience": {"least": 1},
    "--warm-up": {"least": 0},
    "--weight-decay": {"least": 0},
    "--learning-rate": {"above": 0},
    "--clip": {"above": 0},
    "--width": {"above": 0, "most": 1},
}


def build_parser():
    made = Parser("fcn-train", DESCRIPTION, examples=EXAMPLES, codes=CODES)
    made.bare = "--data"
    made.add_argument("recipe", nargs="?", help="its name, such as voc_fcn8s (default: chosen for your own folder)")
    made.add_argument("--data", type=Path, help="folder of the data set")
    made.add_argument("--model", choices=("fcn32s", "fcn16s", "fcn8s"), help="without a recipe (default: fcn8s)")
    made.add_argument(
        "--workdir", type=Path, default=Path("runs"), help="folder for everything that is written (default: runs)"
    )
    made.add_argument("--classes", help="your own folder's class file, or number of classes (default: classes.txt)")
    made.add_argument("--ignore-label", type=int, help="your own folder's void id besides 255")
    made.add_argument(
        "--weights",
        type=Path,
        help="what to start from: VGG16's weights (.h5, .npz, PyTorch's .safetensors, Caffe's .caffemodel; with "
        "--weights-preprocessing torch for an .npz or .h5 that PyTorch trained), or a .keras of fcn-train, also for "
        "other classes (default: VGG16's, downloaded from Keras)",
    )
    made.add_argument(
        "--weights-preprocessing",
        choices=("caffe", "torch"),
        help="pixels the weights expect: BGR minus mean, or RGB/255 minus mean over std (default: torch for "
        ".safetensors, else caffe)",
    )
    made.add_argument(
        "--minutes",
        type=_minutes,
        metavar="M",
        help="your own folder: how long the run may take (default: 30 on a processor, unless steps are given)",
    )
    made.add_argument(
        "--most-pixels",
        type=_pixels,
        metavar="N",
        help="your own folder: reduce images of more pixels to so many; 0 keeps their size (default: chosen)",
    )
    made.add_argument("--steps", type=int, help="updates of every stage")
    made.add_argument("--steps-per-epoch", type=int, help="updates between two checkpoints")
    made.add_argument("--batch-size", type=int, help="examples in a batch, of all devices and hosts together")
    made.add_argument("--accumulate", type=int, metavar="N", help="average the gradients of N batches for one update")
    made.add_argument(
        "--buckets", nargs="+", metavar="HxW", help="sizes to pad batches to, such as 512x512; fcn-doctor names some"
    )
    made.add_argument("--learning-rate", type=float, help="of every stage at first (default: chosen, or the recipe's)")
    _add_descent(made)
    made.add_argument("--seed", type=int, help="of weights, order and augmentation (default: the recipe's)")
    made.add_argument(
        "--dtype-policy",
        help="Keras's, such as mixed_bfloat16 (default: the recipe's, float32; without a recipe mixed_bfloat16 where "
        "it is measured to be faster, or by steps where the processor has AMX or the GPU compute capability 8 or more)",
    )
    made.add_argument("--class-weights", type=Path, metavar="FILE", help="doctor.json of fcn-doctor, or a JSON list")
    made.add_argument("--splits", nargs=2, metavar=("TRAIN", "VAL"), help="splits to train and to validate on")
    made.add_argument("--width", type=float, help="factor on all channels of the net, such as 0.125; from scratch")
    made.add_argument("--devices", metavar="N", help="number of this machine's devices to train on, or all")
    made.add_argument("--coordinator", metavar="HOST:PORT", help="several hosts: where process 0 is reached")
    made.add_argument("--processes", type=int, metavar="N", help="several hosts: how many processes train together")
    made.add_argument("--process", type=int, metavar="I", help="several hosts: which of them this is, from 0 on")
    made.add_argument(
        "--checkpoint-minutes",
        type=_minutes,
        default=15,
        metavar="M",
        help="how often to save within an epoch (default: 15)",
    )
    made.add_argument(
        "--if-changed",
        choices=("refuse", "go-on", "anew"),
        default="refuse",
        help="where data or options are not those of the run in the workdir, or files there are not its own: say so "
        "and end, go on with the data as it is, or start anew and keep the old stages in WORKDIR/before_1 "
        "(default: refuse)",
    )
    made.add_argument(
        "--extend",
        action="store_true",
        help="train the run in the workdir for longer: to more --steps of its last stage, by a larger --patience, or "
        "another --minutes from its best net",
    )
    made.add_argument("--log", choices=LOGS, help="besides log.csv and TensorBoard: MLflow, in WORKDIR/mlflow.db")
    made.add_argument("--no-watchdog", action="store_true", help="do not say what looks wrong with the training")
    made.add_argument(
        "--stand-in", action="store_true", default=None, help="drawn scenes of the same kind instead of the data set"
    )
    add_reporting(made, json="a line for the plan, every epoch and every stage")
    return made


def _add_descent(made):
    """Add the options of how the weights are moved, and towards what."""
    made.add_argument("--optimizer", choices=OPTIMIZERS, help="how to descend (default: chosen, or the recipe's)")
    made.add_argument(
        "--weight-decay", type=float, metavar="D", help="of kernels, with --optimizer (default: adamw 0.01, others 0)"
    )
    made.add_argument("--warm-up", type=int, metavar="N", help="steps over which the learning rate rises from 0")
    made.add_argument("--clip", type=float, metavar="NORM", help="largest norm of all gradients together")
    made.add_argument(
        "--ema",
        type=float,
        metavar="M",
        help="momentum, such as 0.99, of averaged weights; they are scored",
    )
    made.add_argument(
        "--raw-scores",
        action="store_true",
        default=None,
        help="with --ema: score the other weights too",
    )
    made.add_argument(
        "--patience", type=int, metavar="EPOCHS", help="end a stage after so many epochs without a better mean IU"
    )
    made.add_argument(
        "--loss", help="crossentropy, focal, dice, tversky, lovasz, or a sum such as crossentropy+0.5*dice"
    )
    made.add_argument("--label-smoothing", type=float, metavar="S", help="share of the target for all classes alike")
    made.add_argument("--hardest", type=float, metavar="SHARE", help="share of the pixels that count: the hardest ones")
    made.add_argument(
        "--augment",
        nargs="+",
        metavar="NAME",
        choices=AUGMENTATIONS,
        help=f"in the place of the recipe's own: {', '.join(AUGMENTATIONS)}",
    )


# Which pixels a file of weights expects is told by its kind alone, and an .npz or .h5 may be of either.
WEIGHTS_HINT = (
    "Name VGG16's weights (with --weights-preprocessing torch if PyTorch trained those of an .npz or .h5, which else "
    "are taken for caffe's), or a .keras of fcn-train."
)


def check_options(arguments):
    """Refuse what can be told from the command line alone, before TensorFlow starts.

    Raises:
        ValueError: if options do not go together, the data is no folder, or Keras is set to a backend that cannot
            train.
        ImportError: if a package that an option needs is missing.
    """
    require_training(os.environ.get("KERAS_BACKEND") or "tensorflow")
    if arguments.recipe is not None:
        require_name(arguments.recipe)
    if arguments.recipe is not None and arguments.model is not None:
        raise ValueError(f"--model goes without a recipe. Leave it or {arguments.recipe} out.")
    if arguments.recipe is not None and arguments.minutes is not None:
        raise ValueError(f"--minutes goes without a recipe. Leave it or {arguments.recipe} out.")
    if arguments.minutes is not None and not 0 < arguments.minutes <= LONGEST:
        raise ValueError(f"--minutes is above 0, at most {LONGEST}. Received: {arguments.minutes:g}.")
    if arguments.extend and not (arguments.minutes or arguments.steps or arguments.patience):
        raise ValueError("--extend goes with how long: more --steps, a larger --patience, or --minutes.")
    if arguments.recipe is None and arguments.data is None:
        raise ValueError("Name your own folder with --data DIR, or a recipe: fcn-train --help shows both.")
    if arguments.weights is None and arguments.weights_preprocessing == "torch":
        raise ValueError("--weights-preprocessing torch goes with --weights FILE: Keras's published weights are caffe.")
    if arguments.dtype_policy not in (None, *POLICIES):
        raise ValueError(f"--dtype-policy is one of {', '.join(POLICIES)}. Received: {arguments.dtype_policy!r}.")
    if arguments.loss is not None:
        require_losses(arguments.loss)
    _check_paths(arguments)
    for option, bounds in _BOUNDS.items():
        require_range(option, getattr(arguments, option[2:].replace("-", "_")), **bounds)
    if arguments.log is not None and importlib.util.find_spec("mlflow") is None:
        raise ImportError(f"MLflow, which --log mlflow writes to, is missing: {MLFLOW}")


def _check_paths(arguments):
    if arguments.data is not None:
        require_directory(arguments.data, "--data", "Name the folder of images and masks.")
    own = {"--classes": arguments.classes, "--ignore-label": arguments.ignore_label}
    own["--most-pixels"] = arguments.most_pixels
    if not arguments.stand_in:
        require_reading(arguments.recipe, arguments.data, own)
    require_classes(arguments.classes)
    if arguments.weights is not None:
        require_file(arguments.weights, "--weights", WEIGHTS_HINT)
    require_folder(arguments.workdir, "--workdir")


def require_training(backend):
    """Raise a `ValueError` if this backend of Keras cannot train."""
    if backend not in BACKENDS:
        raise ValueError(
            f"Keras's backend {backend} cannot train. Set KERAS_BACKEND, or `backend` in Keras's keras.json, to one of "
            f"{', '.join(BACKENDS)}."
        )


def overrides_of(arguments):
    """Collect what the options change in the recipes, for `Overrides`.

    Raises:
        ValueError: if a size or a file that an option names cannot be used.
    """
    values = {name: getattr(arguments, name) for name in OVERRIDES if getattr(arguments, name) is not None}
    convert = {"classes": classes_of, "buckets": buckets_of, "class_weights": weights_of}
    return {name: convert[name](value) if name in convert else value for name, value in values.items()}


def buckets_of(given):
    """Turn what `--buckets` gives, such as `512x512`, into `(H, W)` pairs.

    Raises:
        ValueError: if one is no height and width.
    """
    sizes = [size.split("x") for size in given]
    if not all(len(size) == 2 and all(n.isdecimal() and int(n) for n in size) for size in sizes):
        raise ValueError(f"--buckets are HEIGHTxWIDTH, such as 512x512 384x512. Received: {' '.join(given)}.")
    return tuple((int(height), int(width)) for height, width in sizes)


def weights_of(path):
    """Read class weights: the `class_weights` of fcn-doctor's doctor.json, or a JSON list of numbers.

    Raises:
        ValueError: if the file holds neither.
    """
    try:
        value = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(
            f"--class-weights {path} cannot be read: {error}. Name the doctor.json of fcn-doctor."
        ) from None
    value = value.get("class_weights") if isinstance(value, dict) else value
    if not isinstance(value, list) or not value or not all(isinstance(x, int | float) for x in value):
        raise ValueError(f"--class-weights {path} holds no list of numbers. Name the doctor.json of fcn-doctor.")
    return value


def _pixels(text):
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"a number of pixels from 0 on is expected. Received: {text}")
    return int(text)


def _minutes(text):
    try:
        minutes = float(text)
    except ValueError:
        minutes = -1
    if not minutes >= 0:
        raise argparse.ArgumentTypeError(f"a number of minutes from 0 on is expected. Received: {text}")
    return minutes
