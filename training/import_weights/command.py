"""`fcn-import-weights`: a `.caffemodel` into a model of this package, and a model into a `.caffemodel`."""

import hashlib
from pathlib import Path

from fcn_keras_console import Parser, run, start_tensorflow
from fcn_keras_console.files import sha256_of
from fcn_keras_console.given import require_file
from fcn_keras_console.printing import say
from fcn_keras_console.workdir import find_model

DESCRIPTION = """Build the network that a Caffe file holds, or write a trained one for Caffe.

FILE.caffemodel[.gz] OUT.keras: build the network that a Caffe file holds, and load it: a released FCN
of PASCAL VOC, PASCAL-Context, NYUDv2 or SIFT Flow, FCN-AlexNet, or another of their layers' names, of any width.

MODEL.keras OUT.caffemodel: write a trained network, and OUT.prototxt beside it, for Caffe and for OpenCV's dnn module.
Existing files are not replaced."""
EXAMPLES = (
    "fcn-import-weights fcn8s-heavy-pascal.caffemodel fcn8s.keras",
    "fcn-import-weights runs/voc_fcn8s mine.caffemodel",
)


def main(argv=None):
    return run("fcn-import-weights", _convert, build_parser().parse_args(argv))


def build_parser():
    parser = Parser("fcn-import-weights", DESCRIPTION, examples=EXAMPLES)
    parser.add_argument(
        "source", type=Path, help="a .caffemodel or .caffemodel.gz; or a .keras file, stage's folder or workdir"
    )
    parser.add_argument("target", type=Path, help="a .keras file, or a .caffemodel")
    parser.add_argument(
        "--modality", choices=("rgb", "hha"), help="what a .caffemodel of three channels takes (default: as it says)"
    )
    parser.add_argument(
        "--mean",
        nargs=3,
        type=float,
        metavar=("B", "G", "R"),
        help="what to subtract from pixels, 0-255 (default: that of the data set that the .caffemodel tells)",
    )
    return parser


def _convert(arguments):
    source, target = arguments.source, arguments.target
    incoming = source.name.endswith((".caffemodel", ".caffemodel.gz"))
    if target.suffix != (".keras" if incoming else ".caffemodel"):
        raise ValueError(
            "Name FILE.caffemodel OUT.keras to import, or MODEL.keras OUT.caffemodel to export. "
            f"Received: {source} {target}."
        )
    for path in (target,) if incoming else (target, target.with_suffix(".prototxt")):
        if path.exists():
            raise ValueError(f"{path} exists. Choose another name, or remove it first.")
    if not target.parent.is_dir():
        raise ValueError(f"{target.parent} is not a folder. Create it, or choose another name.")
    if incoming:
        require_file(source, "", "Name a .caffemodel or .caffemodel.gz.")
        start_tensorflow()
        return _import(source, target, arguments.modality, arguments.mean)
    if arguments.modality or arguments.mean:
        raise ValueError(
            "--modality and --mean are for reading a .caffemodel: a .keras model knows both. Leave them out."
        )
    path = find_model(source)
    start_tensorflow()
    return _export(path, target)


def _import(source, target, modality, mean):
    from fcn_keras import caffemodel, load_caffemodel

    from ..workdir.checkpoint import save_model
    from .caffe_network import identify_network

    network = identify_network(source, caffemodel.read(source), caffemodel.origin(source), modality, mean)
    say(f"{source}: {network}")
    model = network.build()
    loaded = load_caffemodel(model, source)
    lacking = [name for name in loaded.missing if not name.startswith("upscore")]  # bilinear unless the file says more
    for names, what in (
        (lacking, "lacks the layers"),
        (loaded.unused, f"also has layers that {network.builder} has not"),
    ):
        if names:
            raise ValueError(f"{source} {what}: {', '.join(names[:8])}. It holds another network than those released.")
    save_model(model, target)
    print(loaded)
    _print_checksums(source, model)
    say(f"{target} written")


def _export(source, target):
    from fcn_keras.caffe_export import save_caffemodel
    from fcn_keras_console.files import written_together

    from ..workdir.trained_model import load_model

    model = load_model(source)
    with written_together(target.parent, target.name) as place:
        prototxt = target.with_name(save_caffemodel(model, place / target.name).name)
    _print_checksums(target, model)
    say(f"{target} and {prototxt} written")


def _print_checksums(caffemodel, model):
    say(f"sha256 of {caffemodel.name}: {sha256_of(caffemodel)}")
    say(f"sha256 of the weights: {checksum(model)}")


def checksum(model):
    """Hash the weights of a model, equal for equal weights however they are stored.

    Returns:
        SHA-256 in hexadecimal of every layer's name and its weights as little-endian float32, by name.
    """
    import numpy as np
    from keras import ops

    digest = hashlib.sha256()
    for layer in sorted(model.layers, key=lambda layer: layer.name):
        for variable in layer.weights:
            digest.update(f"{layer.name} {tuple(variable.shape)}\n".encode())
            digest.update(np.ascontiguousarray(ops.convert_to_numpy(variable), "<f4"))
    return digest.hexdigest()
