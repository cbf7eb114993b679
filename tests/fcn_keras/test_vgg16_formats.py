"""VGG16 in Keras's HDF5 files and NumPy archives: their layouts, and what is refused."""

import re
import struct
import zipfile

import h5py
import keras
import numpy as np
import pytest

from fcn_keras.imagenet import load_imagenet
from tests.fcn_keras.small_nets import CONVOLUTIONS, kernel_of, net
from tests.weight_files import CHANNELS, keras_name, npz, published_h5, vgg16_arrays


def keras_vgg16(arrays):
    """Build Keras's VGG16 by its names at the narrow width, with these weights."""
    x = image = keras.Input((224, 224, 3))
    for block, (filters, count) in enumerate(CHANNELS[0], 1):
        for i in range(1, count + 1):
            x = keras.layers.Conv2D(filters, 3, padding="same", name=f"block{block}_conv{i}")(x)
        x = keras.layers.MaxPooling2D(name=f"block{block}_pool")(x)
    if "fc6" in arrays:
        x = keras.layers.Flatten(name="flatten")(x)
        for name, width in (("fc1", 32), ("fc2", 32), ("predictions", 10)):
            x = keras.layers.Dense(width, name=name)(x)
    model = keras.Model(image, x, name="vgg16")
    for name, pair in arrays.items():
        model.get_layer(keras_name(name)).set_weights(pair)
    return model


WRITERS = {
    "published.h5": published_h5,
    "keras2.h5": lambda path, arrays: published_h5(path, arrays, "{0}/kernel:0", "{0}/bias:0"),
    "saved.h5": lambda path, arrays: keras_vgg16(arrays).save(path),
    "saved.weights.h5": lambda path, arrays: keras_vgg16(arrays).save_weights(path),
    "arrays.npz": npz,
}


@pytest.mark.parametrize("classifier", [True, False], ids=["top", "notop"])
@pytest.mark.parametrize("name", WRITERS)
def test_imagenet_layouts(tmp_path, name, classifier):
    arrays, model = vgg16_arrays(classifier=classifier), net()
    WRITERS[name](tmp_path / name, arrays)
    loaded = load_imagenet(model, tmp_path / name)
    dense = ("fc6", "fc7") if classifier else ()
    assert loaded.copied == (*CONVOLUTIONS, *dense)
    assert loaded.missing == (*(() if classifier else ("fc6", "fc7")), "score_fr", "upscore")
    assert loaded.unused == (("fc8",) if classifier else ())
    for layer_name in CONVOLUTIONS:
        np.testing.assert_array_equal(kernel_of(model, layer_name), arrays[layer_name][0])
        np.testing.assert_array_equal(model.get_layer(layer_name).bias, arrays[layer_name][1])


def test_half_precision_fortran_and_big_endian_arrays(tmp_path):
    arrays, model = vgg16_arrays(classifier=False), net()
    load_imagenet(model, npz(tmp_path / "half.npz", arrays, np.float16))
    np.testing.assert_array_equal(kernel_of(model, "conv2_1"), arrays["conv2_1"][0].astype(np.float16))
    other = {k: (np.asfortranarray(w.astype(">f8")), b) for k, (w, b) in arrays.items()}
    load_imagenet(model, npz(tmp_path / "other.npz", other, ">f8"))
    np.testing.assert_array_equal(kernel_of(model, "conv2_1"), arrays["conv2_1"][0])
    load_imagenet(model, published_h5(tmp_path / "other.h5", other))
    np.testing.assert_array_equal(kernel_of(model, "conv2_2"), arrays["conv2_2"][0])


# --- what is refused ----------------------------------------------------------------------------------------


def edit(change):
    """Write the published layout, then change the open file."""

    def write(path):
        published_h5(path, vgg16_arrays())
        with h5py.File(path, "a") as file:
            change(file)

    return write


def replace(file, name, value=None, **options):
    del file[name]
    if value is None:
        file.create_dataset(name, **options)
    else:
        file[name] = value


W = "block3_conv1/block3_conv1_W_1:0"
SHAPE = (3, 3, 12, 16)
EXTERNAL = [("absent/elsewhere.bin", 0, 4 * 1728)]


def virtual(file):
    layout = h5py.VirtualLayout(SHAPE, "f4")
    layout[:] = h5py.VirtualSource("absent/elsewhere.h5", "x", SHAPE)
    del file[W]
    file.create_virtual_dataset(W, layout)


def cycle(file):
    del file["block3_conv1"]
    file.create_group("block3_conv1")
    file["block3_conv1/again"] = file["block3_conv1"]


def crowd(file):
    for i in range(40):
        file.create_group(f"block3_conv1/{i}")


def infinite(file):
    file[W][0, 0, 0, 0] = np.inf


BAD_H5 = {
    "missing group": (lambda f: f.pop("block3_conv1"), "layer conv3_1 is missing .it has conv1_1, conv1_2"),
    "missing kernel": (lambda f: f.pop(W), "layer conv3_1: 0 kernels and 1 biases instead of one each"),
    "two biases": (lambda f: replace(f, W, np.ones(3)), "layer conv3_1: 0 kernels and 2 biases"),
    "dataset for a group": (lambda f: replace(f, "block3_conv1", np.ones(3)), "layer conv3_1 is missing"),
    "shape": (lambda f: replace(f, W, np.ones((3, 3, 12, 9))), r"conv3_1: its kernel has shape \(3, 3, 12, 9\), the m"),
    "bias shape": (
        lambda f: replace(f, "block3_conv1/block3_conv1_b_1:0", np.ones(9)),
        r"conv3_1: its bias has shape \(9,\), the model's \(16,\)",
    ),
    "absurd shape": (lambda f: replace(f, W, shape=(2**20,) * 4, chunks=(1, 1, 1, 1)), r"shape \(1048576, 1048576"),
    "absurd classifier": (lambda f: replace(f, "fc1/fc1_b_1:0", np.ones(3)), r"fc6: its bias has shape \(3,\)"),
    "integers": (lambda f: replace(f, W, np.ones(SHAPE, int)), "numbers of type int64 instead of float16"),
    "strings": (lambda f: replace(f, W, shape=SHAPE, dtype=h5py.string_dtype()), "numbers of type object"),
    "complex": (lambda f: replace(f, W, np.ones(SHAPE, complex)), "numbers of type complex128"),
    "chunks": (lambda f: replace(f, W, shape=SHAPE, chunks=(2**9,) * 3 + (1,), maxshape=(None,) * 4), "chunks of"),
    "soft link": (lambda f: replace(f, W, h5py.SoftLink("/block1_conv1")), "_W_1:0 is a link to elsewhere .SoftLink."),
    "external link": (lambda f: replace(f, W, h5py.ExternalLink("/x.h5", "/y")), "is a link to elsewhere .ExternalLi"),
    "linked layer": (lambda f: replace(f, "fc1", h5py.ExternalLink("/x.h5", "/")), "fc6: fc1 is a link to elsewhere"),
    "external data": (
        lambda f: replace(f, W, shape=SHAPE, dtype="f4", external=EXTERNAL),
        "conv3_1: the numbers of /block3_conv1/.* lie in another file",
    ),
    "virtual data": (virtual, "conv3_1: the numbers of /block3_conv1/.* lie in another file"),
    "cycle": (cycle, "conv3_1: .* is there twice, or a cycle"),
    "crowd": (crowd, "conv3_1: over 32 members"),
    "infinity": (infinite, "NaN or infinity in layer conv3_1"),
}


@pytest.mark.parametrize("case", BAD_H5)
def test_hostile_h5_changes_nothing(tmp_path, untouched, case):
    change, message = BAD_H5[case]
    path = tmp_path / "vgg.h5"
    edit(change)(path)
    with pytest.raises(ValueError, match=message) as error:
        load_imagenet(untouched, path)
    assert "vgg.h5" in str(error.value)


def member(path, name, data, compression=zipfile.ZIP_STORED):
    """Write an archive of good arrays in which one member holds these bytes (None: is absent)."""
    npz(path, vgg16_arrays())
    with zipfile.ZipFile(path) as source:
        members = {n: source.read(n) for n in source.namelist()}
    members[name] = data
    with zipfile.ZipFile(path, "w", compression) as target:
        for n, content in members.items():
            if content is not None:
                target.writestr(n, content)


def npy(descr="'<f4'", shape=SHAPE, data=b"", version=1):
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}\n".encode()
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(header)) + header + data


BAD_NPZ = {
    "missing": (None, "layer conv3_1 is missing"),
    "shape": (npy(shape=(2**40, 2**40)), r"conv3_1: its kernel has shape \(1099511627776, 1099511627776\)"),
    "negative": (npy(shape=(-1,)), r"its kernel has shape \(-1,\)"),
    "short": (npy(data=b"1234"), "does not hold the 6912 bytes of shape"),
    "bomb": (npy(data=bytes(2**24)), "does not hold the 6912 bytes of shape"),
    "object": (npy(descr="'|O'", data=b"cos\nsystem\n(S'false'\ntR."), "numbers of type object instead of float16"),
    "integers": (npy(descr="'<i4'"), "numbers of type int32"),
    "version": (npy(version=2), r"has .npy version \(2, 0\)"),
    "no npy": (b"hello", "layer conv3_1: it cannot be read"),
    "header": (npy(shape="__import__('os')"), "layer conv3_1: it cannot be read"),
    "nested header": (npy(shape="-" * 9000 + "1"), "layer conv3_1: it cannot be read"),
}


@pytest.mark.parametrize("case", BAD_NPZ)
def test_hostile_npz_changes_nothing(tmp_path, untouched, case):
    data, message = BAD_NPZ[case]
    path = tmp_path / "vgg.npz"
    member(path, "conv3_1_W.npy", data, zipfile.ZIP_DEFLATED)
    with pytest.raises(ValueError, match=message) as error:
        load_imagenet(untouched, path)
    assert "vgg.npz" in str(error.value)


def test_npz_without_bias_or_with_other_compression(tmp_path, untouched):
    path = tmp_path / "vgg.npz"
    member(path, "conv3_1_b.npy", None)
    with pytest.raises(ValueError, match=r"layer conv3_1: it cannot be read .KeyError: .*conv3_1_b"):
        load_imagenet(untouched, path)
    member(path, "conv3_1_b.npy", npy(), zipfile.ZIP_LZMA)
    with pytest.raises(ValueError, match="compressed in a way NumPy does not write"):
        load_imagenet(untouched, path)


@pytest.mark.parametrize("writer", [published_h5, npz], ids=["h5", "npz"])
def test_truncated_files(tmp_path, untouched, writer):
    path = writer(tmp_path / ("vgg.h5" if writer is published_h5 else "vgg.npz"), vgg16_arrays())
    data = path.read_bytes()
    for length in (9, 100, 1000, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:length])
        with pytest.raises(ValueError, match=re.escape(f"Received: {path}: it cannot be opened")):
            load_imagenet(untouched, path)


def test_flipped_bytes_end_in_weights_or_value_error(tmp_path):
    model, rng = net(), np.random.default_rng(0)
    for name, write in (("vgg.h5", published_h5), ("vgg.npz", npz)):
        path = write(tmp_path / name, vgg16_arrays())
        data = np.fromfile(path, np.uint8)
        for _ in range(40):
            damaged = data.copy()
            where = np.concatenate([rng.integers(0, 4000, 5), len(data) - rng.integers(1, 4000, 5)])
            damaged[where] = rng.integers(0, 256, len(where))
            damaged.tofile(path)
            try:
                load_imagenet(model, path)
            except ValueError as error:
                message = str(error)
                assert name in message
