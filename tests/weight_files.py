"""Writers of small weight files, independent of the readers: protobuf and safetensors by hand, HDF5, NumPy."""

import json
import struct

import h5py
import numpy as np


def varint(value):
    """Encode an int of up to 64 bits, negative ones in two's complement."""
    value %= 1 << 64
    out = []
    while value > 127:
        out.append(value % 128 + 128)
        value //= 128
    return bytes([*out, value])


def field(number, wire, payload=b""):
    """Encode one field: an int for wire type 0, bytes otherwise (with their length for wire type 2)."""
    if wire == 0:
        payload = varint(payload)
    elif wire == 2:
        payload = varint(len(payload)) + payload
    return varint(8 * number + wire) + payload


def blob(array, *, packed=True, double=False, legacy=False, packed_shape=True):
    """Encode a BlobProto."""
    array = np.asarray(array)
    if legacy:
        axes = (1,) * (4 - array.ndim) + array.shape
        shape = b"".join(field(number, 0, dim) for number, dim in enumerate(axes, 1))
    elif packed_shape:
        shape = field(7, 2, field(1, 2, b"".join(map(varint, array.shape))))
    else:
        shape = field(7, 2, b"".join(field(1, 0, dim) for dim in array.shape))
    number, letter, wire = (8, "d", 1) if double else (5, "f", 5)
    values = [struct.pack("<" + letter, value) for value in array.ravel()]
    data = field(number, 2, b"".join(values)) if packed else b"".join(field(number, wire, v) for v in values)
    return data + shape


def layer(name, *blobs, v1=False):
    """Encode one layer as a field of the network; `blobs` are encoded ones."""
    if v1:  # bottom, top, name, type (enum), blobs
        body = field(2, 2, b"data") + field(3, 2, b"top") + field(4, 2, name.encode()) + field(5, 0, 4)
        return field(2, 2, body + b"".join(field(6, 2, b) for b in blobs))
    body = field(1, 2, name.encode()) + field(2, 2, b"Convolution") + field(3, 2, b"data") + field(10, 0, 0)
    return field(100, 2, body + b"".join(field(7, 2, b) for b in blobs))


def caffemodel(path, layers, *, v1=False):
    """Write `{name: [array, ...]}` as a .caffemodel, with biases `(1, 1, 1, n)` in V1."""
    body = [field(1, 2, b"a net")]
    body += [layer(name, *(blob(a, legacy=v1) for a in arrays), v1=v1) for name, arrays in layers.items()]
    path.write_bytes(b"".join(body))
    return path


CHANNELS = ((8, 2), (12, 2), (16, 3), (20, 3), (20, 3)), 32  # as the golden networks
CONVS = [(block, i) for block, (_, count) in enumerate(CHANNELS[0], 1) for i in range(1, count + 1)]


def vgg16_arrays(seed=0, classifier=True):
    """Draw `{released name: (kernel HWIO, bias)}` of a narrow VGG16; fc6 and fc7 as dense kernels."""
    rng = np.random.default_rng(seed)
    arrays, width = {}, 3
    for block, i in CONVS:
        shape, width = (3, 3, width, CHANNELS[0][block - 1][0]), CHANNELS[0][block - 1][0]
        arrays[f"conv{block}_{i}"] = shape
    if classifier:
        arrays |= {"fc6": (49 * width, CHANNELS[1]), "fc7": (CHANNELS[1], CHANNELS[1]), "fc8": (CHANNELS[1], 10)}
    draw = rng.standard_normal
    return {k: (draw(shape).astype(np.float32), draw(shape[-1]).astype(np.float32)) for k, shape in arrays.items()}


def keras_name(layer):
    """Name a released layer as Keras's VGG16 does."""
    dense = {"fc6": "fc1", "fc7": "fc2", "fc8": "predictions"}
    return dense.get(layer) or f"block{layer[4]}_conv{layer[6]}"


def published_h5(path, arrays, kernel="{}_W_1:0", bias="{}_b_1:0"):
    """Write the layout of Keras's published `.h5`: /block1_conv1/block1_conv1_W_1:0."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [keras_name(layer).encode() for layer in arrays]
        for layer, (w, b) in arrays.items():
            name = keras_name(layer)
            group = file.create_group(name)
            group.attrs["weight_names"] = [kernel.format(name).encode(), bias.format(name).encode()]
            group[kernel.format(name)], group[bias.format(name)] = w, b
        file.create_group("block1_pool").attrs["weight_names"] = np.empty(0)
    return path


def npz(path, arrays, dtype=np.float32):
    """Write `<layer>_W` and `<layer>_b`."""
    flat = {f"{name}_W": w.astype(dtype) for name, (w, _) in arrays.items()}
    np.savez(path, **flat, **{f"{name}_b": b.astype(dtype) for name, (_, b) in arrays.items()})
    return path


# Of torchvision's and timm's VGG16, in the order of the convolutions.
FEATURES = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)
TORCHVISION = {"fc6": "classifier.0", "fc7": "classifier.3", "fc8": "classifier.6"}
TIMM = {"fc6": "pre_logits.fc1", "fc7": "pre_logits.fc2", "fc8": "head.fc"}


def bfloat16(array):
    """Cut float32 numbers to their first 16 bits."""
    return (np.ascontiguousarray(array, "<f4").view("<u4") >> 16).astype("<u2")


SAVED_AS = {"F32": np.dtype("<f4").type, "F64": np.float64, "F16": np.float16, "BF16": bfloat16, "I32": np.int32}


def safetensors(path, arrays, dtype="F32"):
    """Write `{name: array}`: the length of a JSON header, the header, the numbers."""
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, array in arrays.items():
        numbers = np.asarray(SAVED_AS[dtype](array)).tobytes()
        offsets = [len(data), len(data) + len(numbers)]
        header[name] = {"dtype": dtype, "shape": list(np.shape(array)), "data_offsets": offsets}
        data += numbers
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def torch_arrays(arrays, names=None):
    """Turn `{released name: (HWIO or dense, bias)}` into PyTorch's `{name: array}`, kernels `(O, I, H, W)`."""
    names = TORCHVISION if names is None else names
    named = {f"conv{block}_{i}": f"features.{index}" for (block, i), index in zip(CONVS, FEATURES, strict=True)} | names
    result = {}
    for layer, (kernel, bias) in arrays.items():
        if kernel.ndim == 2:  # over rows, columns, channels
            size = 7 if layer == "fc6" else 1
            kernel = kernel.reshape(size, size, -1, kernel.shape[-1])
        kernel = np.moveaxis(kernel, (3, 2), (0, 1))
        flat = layer == "fc8" or (names is TORCHVISION and layer in names)
        result[f"{named[layer]}.weight"] = kernel.reshape(len(kernel), -1) if flat else kernel
        result[f"{named[layer]}.bias"] = bias
    return result


def torchvision(path, arrays, dtype="F32"):
    """Write torchvision's `vgg16` as .safetensors."""
    return safetensors(path, torch_arrays(arrays), dtype)
