"""The command line of `fcn-export`."""

import math
from pathlib import Path

from fcn_keras_console import Parser, add_reporting
from fcn_keras_console.files import require_folder
from fcn_keras_console.given import require_directory

MEMORY = 2048  # MiB of a request: 64 million pixels of a network of full width, as phones take
SIZES = ((375, 500), (500, 375))  # PASCAL VOC's photographs
EXTRAS = ("color", "counts", "confidence", "confidence_map")
PRECISIONS = ("fp32", "fp16", "bf16", "int8")
OF_SAVED_MODEL = ("fp32", "bf16")  # of these, what it computes in
SUFFIXES = {"onnx": ".onnx", "openvino": ".xml", "litert": ".tflite"}  # format -> how its file's name ends
WITHOUT_BFLOAT16 = {
    "onnx": "ONNX Runtime has no convolution of bfloat16 for processors",
    "litert": "LiteRT has no convolution of bfloat16",
}
DESCRIPTION = """Write a network as a SavedModel for TensorFlow Serving; or as a file for ONNX Runtime, OpenVINO or
LiteRT, in float32, float16, bfloat16 or int8, with a model card beside it."""
EXAMPLES = (
    "fcn-export runs/folder_fcn8s models/fcn",
    "fcn-export net.keras net.onnx --format onnx --precision int8 --calibrate photos/train/images",
)


def build_parser():
    """Make the parser."""
    parser = Parser("fcn-export", DESCRIPTION, examples=EXAMPLES)
    parser.add_argument(
        "model",
        help="a .keras file, or a folder that fcn-train wrote, of a stage or the whole workdir: then its finest stage",
    )
    parser.add_argument(
        "output",
        help="the served model's folder, which holds its versions and names the model; or the file, whose name ends in "
        ".onnx, .xml (OpenVINO) or .tflite (LiteRT)",
    )
    parser.add_argument(
        "--format", choices=("savedmodel", *SUFFIXES), default="savedmodel", help="default: %(default)s"
    )
    parser.add_argument(
        "--classes",
        action="append",
        metavar="FILE",
        help="class file, as for training, whose names are stored with the model (default: the classes.txt beside it); "
        "HEAD=FILE, repeated, where it has several heads",
    )
    parser.add_argument("--metrics", metavar="FILE", help="metrics.json of fcn-evaluate, for the model card")
    parser.add_argument(
        "--temperature",
        metavar="T",
        help="divide the scores by it, as fcn-evaluate --calibration fits it: labels stay, confidence can be believed",
    )
    parser.add_argument(
        "--precision",
        choices=PRECISIONS,
        default="fp32",
        help="of a SavedModel fp32 or bf16, of OpenVINO all, of ONNX and LiteRT fp32, fp16 or int8; bf16 is for "
        "processors with AMX and GPUs of compute capability 8 or more, others take longer by it (default: %(default)s)",
    )
    parser.add_argument(
        "--least-agreement",
        metavar="SHARE",
        help="write nothing if fewer of the pixels get the model's label (default: 0.999, fp16 0.995, bf16 and int8 "
        "0.98; a SavedModel of fp32 is only told about)",
    )
    _add_saved_model(parser.add_argument_group("SavedModel"))
    _add_files(parser.add_argument_group("ONNX, OpenVINO and LiteRT"))
    add_reporting(parser, json="the path that was written, and the figures of a file")
    return parser


def _add_saved_model(group):
    group.add_argument("--model-version", metavar="N", help="a positive whole number (default: the next)")
    group.add_argument(
        "--memory",
        metavar="MIB",
        help="what a request may take besides the loaded model; photographs that would take more are refused (default: "
        f"{MEMORY})",
    )
    group.add_argument(
        "--max-pixels",
        metavar="N",
        help="largest height times width to score (default: what the memory allows, and 64 million at most)",
    )
    group.add_argument(
        "--scale",
        help="at which size photographs are scored, as of fcn-predict: trained, none, a factor or the longer side "
        "(default: trained)",
    )
    group.add_argument(
        "--extra",
        action="append",
        choices=EXTRAS,
        default=[],
        dest="extras",
        help="answer this too, for every image: a PNG in the classes' colours, the pixels of every class, the mean "
        "confidence, or a grey PNG of the confidence of every pixel, 255 for 1; may be repeated",
    )
    group.add_argument(
        "--size",
        action="append",
        metavar="HxW",
        dest="sizes",
        help="a size, height first, to warm up with and to compare; may be repeated (default: the sizes that the model "
        "was trained in, or 375x500 and 500x375)",
    )


def _add_files(group):
    group.add_argument("--labels", action="store_true", help="images of bytes to labels (default: to scores)")
    group.add_argument(
        "--fewer-multiplications",
        action="store_true",
        help="ONNX in fp32 or fp16: wide convolutions as Winograd's, for processors that compute in float32, on which "
        "it takes less time; not for OpenVINO, TensorRT and the like in bfloat16, float16 or TF32, which lose accuracy",
    )
    group.add_argument(
        "--calibrate",
        metavar="DIR",
        help="int8: folder of at least 100 images like those of the training, without their masks",
    )
    group.add_argument(
        "--any-images", action="store_true", help="calibrate on images that look unlike those of the training"
    )
    group.add_argument(
        "--validate", metavar="DIR", help="folder of images and masks, to measure the mean IU of the model and the file"
    )
    group.add_argument("--split", help="of that folder (default: val; none where it is not divided)")
    group.add_argument("--ignore-label", metavar="ID", help="that folder's void id besides 255")


def check(arguments):
    """Refuse options that the format does not know, and a file's name that is not the format's."""
    is_file = arguments.format in SUFFIXES
    for_files = {"--labels": arguments.labels, "--calibrate": arguments.calibrate, "--any-images": arguments.any_images}
    for_files |= {"--validate": arguments.validate, "--fewer-multiplications": arguments.fewer_multiplications}
    if arguments.precision == "fp32":
        for_files |= {"--least-agreement": arguments.least_agreement}
    for_files |= {"--split": arguments.split, "--ignore-label": arguments.ignore_label}
    for_saved_model = {"--model-version": arguments.model_version, "--max-pixels": arguments.max_pixels}
    for_saved_model |= {
        "--memory": arguments.memory,
        "--extra": arguments.extras,
        "--size": arguments.sizes,
        "--scale": arguments.scale,
    }
    if not is_file and arguments.precision not in OF_SAVED_MODEL:
        raise ValueError(
            f"A SavedModel computes in float32 or bfloat16. Received: --precision {arguments.precision}. "
            f"Take --format {', '.join(SUFFIXES)}."
        )
    require_multiplied(arguments.precision, arguments.format)
    named = {suffix: kind for kind, suffix in SUFFIXES.items()}.get(Path(arguments.output).suffix)
    if not is_file and named and not Path(arguments.output).is_dir():
        raise ValueError(f"{arguments.output} is a file's name, and a SavedModel is a folder. Add --format {named}.")
    given = for_saved_model if is_file else for_files
    if wrong := [option for option, value in given.items() if value]:
        raise ValueError(f"{wrong[0]} does not go with --format {arguments.format}. Leave it out.")
    if is_file:
        _check_file(arguments)
    require_folder(Path(arguments.output).parent if is_file else arguments.output, "The folder")


def temperature_of(text):
    """Return the temperature that was given as text.

    Raises:
        ValueError: if it is no number from 0.001 to 1000.
    """
    try:
        temperature = float(text)
    except ValueError:
        temperature = math.nan
    if not 0.001 <= temperature <= 1000:  # NaN is neither
        raise ValueError(f"--temperature is a number from 0.001 to 1000. Received: {text}.")
    return temperature


def _check_file(arguments):
    suffix, output = SUFFIXES[arguments.format], Path(arguments.output)
    if output.suffix != suffix or output.is_dir():
        raise ValueError(f"The name of a file for --format {arguments.format} ends in {suffix}. Received: {output}.")
    if arguments.fewer_multiplications and (arguments.format != "onnx" or arguments.precision == "int8"):
        raise ValueError(
            "--fewer-multiplications goes with --format onnx and --precision fp32 or fp16. "
            f"Received: --format {arguments.format} --precision {arguments.precision}. Leave it out."
        )
    if arguments.precision == "int8" and not arguments.calibrate:
        raise ValueError("int8 needs images to calibrate on: --calibrate DIR, a folder of at least 100.")
    if arguments.precision != "int8" and (arguments.calibrate or arguments.any_images):
        option = "--calibrate" if arguments.calibrate else "--any-images"
        raise ValueError(f"{option} goes with --precision int8. Leave it out.")
    if not arguments.validate and (arguments.split or arguments.ignore_label):
        option = "--split" if arguments.split else "--ignore-label"
        raise ValueError(f"{option} says how to read the folder of --validate DIR. Add that, or leave it out.")

    if arguments.ignore_label is not None and not arguments.ignore_label.isdecimal():
        raise ValueError(f"--ignore-label is a class id. Received: {arguments.ignore_label}.")
    if arguments.calibrate:
        require_directory(arguments.calibrate, "--calibrate", "Name a folder of at least 100 images.")
    if arguments.validate:
        require_directory(arguments.validate, "--validate", "Name a folder of images and masks.")


def require_multiplied(precision, format):
    """Refuse bfloat16 for a format whose runtime does not multiply it on processors.

    Raises:
        ValueError: which says what does.
    """
    if precision == "bf16" and format in WITHOUT_BFLOAT16:
        raise ValueError(
            f"{WITHOUT_BFLOAT16[format]}. Take --format savedmodel or openvino with bf16, or fp32, fp16 or int8 with "
            f"{format}."
        )


def share(option, text):
    """Read a share from 0 to 1, or None."""
    try:
        value = None if text is None else float(text)
    except ValueError:
        value = -1.0
    if value is not None and not 0 <= value <= 1:
        raise ValueError(f"{option} is a share from 0 to 1. Received: {text}.")
    return value
