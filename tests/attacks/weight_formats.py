"""Small valid weight files, what is put around fuzzed bytes, and one try of a reader on a file."""

import functools
import gzip
import io
import struct
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from tests import weight_files

WANTED = {"conv1_1": (3, 3, 3, 2), "fc6": (1, 1, 2, 2), "fc7": (1, 1, 2, 2)}  # kernels
KINDS = ("caffemodel", "npz", "h5")  # what atheris fuzzes; "keras" is for the slower storm
SUFFIX = {"caffemodel": ".caffemodel", "npz": ".npz", "h5": ".h5", "keras": ".keras"}
CORPUS = Path(__file__).parent / "corpus"  # what fuzzing found, by kind
# What a dtype of a .npy header is a crooked form of, and shapes beside it.
DESCRIPTIONS = ("<f4", "<f2", ">f8", "|O", "<i4", "<f4, <f4", "<M8[s]", "|V100000", "f" * 400)


def arrays():
    """Return `{released name: (kernel, bias)}` that fit `WANTED`, fc6 and fc7 dense."""
    draw = np.random.default_rng(0).standard_normal
    shapes = {"conv1_1": (3, 3, 3, 2), "fc6": (2, 2), "fc7": (2, 2)}
    return {k: (draw(s).astype(np.float32), draw(s[-1]).astype(np.float32)) for k, s in shapes.items()}


def seeds(kind, folder):
    """Return the bytes of valid files of a kind."""
    path = Path(folder) / f"seed{SUFFIX[kind]}"
    if kind == "npz":
        written = (weight_files.npz(path, arrays(), dtype) for dtype in (np.float32, np.float16))
        return [file.read_bytes() for file in written]
    if kind == "h5":
        names = (("{}_W_1:0", "{}_b_1:0"), ("{0}/kernel:0", "{0}/bias:0"))
        written = (weight_files.published_h5(path, arrays(), *pair) for pair in names)
        return [file.read_bytes() for file in written] + [_chunked_h5(path)]
    if kind == "keras":
        return _keras(path)
    layers = {name: [np.moveaxis(w, -1, 0), b] for name, (w, b) in arrays().items()}
    found = [weight_files.caffemodel(path, layers, v1=v1).read_bytes() for v1 in (False, True)]
    return [*found, gzip.compress(found[0], mtime=0)]


def _chunked_h5(path):
    import h5py

    with h5py.File(path, "w", libver="latest") as file:
        for name, (kernel, bias) in arrays().items():
            group = file.create_group(weight_files.keras_name(name))
            group.create_dataset("kernel", data=kernel, chunks=kernel.shape, compression="gzip", shuffle=True)
            group.create_dataset("bias", data=bias, maxshape=(None,), fletcher32=True)
    return path.read_bytes()


def _keras(path):
    from fcn_keras.models import FCN32s

    FCN32s(2, channels=(((2, 1),) * 5, 2)).save(path)
    return [path.read_bytes()]


def wrapped(kind, data):
    """Make a file of fuzzed bytes: themselves, or, told by the first of them, a valid file around them.

    A fuzzer that only changes whole files rarely gets past a checksum or a length.
    """
    way, data = data[:1], data[1:]
    if kind == "caffemodel" and way == b"\x01":
        return weight_files.field(100, 2, weight_files.field(1, 2, b"x") + data)
    if kind == "caffemodel" and way == b"\x02":
        return weight_files.layer("x", data)
    if kind == "caffemodel" and way == b"\x03":
        return gzip.compress(data, 1, mtime=0)
    if kind == "npz" and way == b"\x01":
        return _archive({"conv1_1_W.npy": data})
    if kind == "npz" and way == b"\x02":
        return _archive({"conv1_1_W.npy": b"\x93NUMPY\1\0" + struct.pack("<H", len(data) % 65536) + data})
    if kind == "keras" and way in (b"\x01", b"\x02"):
        return _model_file({"config.json" if way == b"\x01" else "model.weights.h5": data})
    return data


def _model_file(changed):
    members = _whole_model()
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in {**members, **changed}.items():
            archive.writestr(name, content)
    return file.getvalue()


@functools.cache
def _whole_model():
    with tempfile.TemporaryDirectory() as folder:
        data = _keras(Path(folder) / "whole.keras")[0]
    return members_of(data)


def members_of(data):
    """Return the members of a zip archive."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _archive(changed):
    members = {f"{name}_{what}.npy": _npy(a) for name, pair in arrays().items() for what, a in zip("Wb", pair)}  # noqa: B905
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**members, **changed}.items():
            archive.writestr(name, content)
    return file.getvalue()


def _npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def attempt(kind, path):
    """Read a file; return what was wrong with it, or "" where it was read.

    Anything but success and a ValueError goes through.
    """
    from fcn_keras import caffemodel, keras_files, vgg16_files

    try:
        if kind == "caffemodel":
            caffemodel.origin(path)
            caffemodel.read(path)
        elif kind == "keras":
            keras_files.load_model(path)
        else:
            vgg16_files.read(path, WANTED)
    except ValueError as error:
        return str(error)
    return ""
