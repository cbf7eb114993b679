import gzip
import itertools
import os
import struct
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fcn_keras import caffemodel
from tests.weight_files import blob, field, layer, varint

DATA = Path(__file__).parents[1] / "parity" / "data"
KERNEL = np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2) - 5
BIAS = np.float32([0.5, -1.25])


@pytest.fixture
def read(tmp_path):
    """Read bytes as a .caffemodel."""

    def read(data):
        path = tmp_path / "net.caffemodel"
        path.write_bytes(data)
        return caffemodel.read(path)

    return read


def arrays_or_error(path, data):
    """Read bytes; return the arrays, or the message of the ValueError. Anything else is a bug."""
    path.write_bytes(data)
    try:
        return list(itertools.chain(*caffemodel.read(path).values())), ""
    except ValueError as error:
        return [], str(error)


def net(*blobs, v1=False):
    return field(1, 2, b"net") + layer("data", v1=v1) + layer("conv", *blobs, v1=v1)


def floats(*values):
    return field(5, 2, struct.pack(f"<{len(values)}f", *values))


def dims(*values):
    return field(7, 2, field(1, 2, b"".join(map(varint, values))))


# --- What is read -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("v1", [False, True])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize("packed_shape", [False, True])
def test_reads_every_encoding(read, v1, packed, double, packed_shape):
    options = {"packed": packed, "double": double, "packed_shape": packed_shape}
    found = read(net(blob(KERNEL, **options), blob(BIAS, **options), v1=v1))
    assert list(found) == ["conv"]
    for array, expected in zip(found["conv"], (KERNEL, BIAS), strict=True):
        np.testing.assert_array_equal(array, expected)
        assert array.dtype == np.float32
        assert array.shape == expected.shape


def test_bytes_written_by_hand(read):
    # layer { name: "a" blobs { shape { dim: 2 } data: 1 data: -2 } }
    data = bytes.fromhex("a206 16  0a01 61  3a0f  3a03 0a01 02  2a08 0000803f 000000c0  5000")
    assert read(data)["a"][0].tolist() == [1.0, -2.0]


def test_legacy_shape_has_four_axes(read):
    found = read(net(blob(KERNEL, legacy=True), blob(BIAS, legacy=True), v1=True))
    assert [a.shape for a in found["conv"]] == [(2, 3, 2, 2), (1, 1, 1, 2)]


def test_legacy_axes_left_out_are_zero_as_in_caffe(read):
    with pytest.raises(ValueError, match=r"shape \(2, 0, 0, 0\) takes 0 numbers, and 2 are there"):
        read(net(floats(1, 2) + field(1, 0, 2)))


def test_gzip_is_told_by_its_bytes(read):
    data = net(blob(KERNEL))
    np.testing.assert_array_equal(read(gzip.compress(data))["conv"][0], KERNEL)
    members = gzip.compress(data[:20]) + gzip.compress(data[20:])
    np.testing.assert_array_equal(read(members)["conv"][0], KERNEL)


def test_long_unpacked_run_ends_where_the_key_changes(read):
    values = np.random.default_rng(0).normal(size=5000).astype(np.float32)
    diff = b"".join(field(6, 5, struct.pack("<f", v)) for v in range(300))
    data = b"".join(field(5, 5, struct.pack("<f", v)) for v in values)
    found = read(net(diff + data[:1000] + diff + data[1000:] + dims(5000)))
    np.testing.assert_array_equal(found["conv"][0], values)


def test_a_run_may_be_one_field_long(read):
    data, diff = (field(number, 5, struct.pack("<f", value)) for number, value in ((5, 1.5), (6, 9.0)))
    assert read(net(data + diff + dims(1)))["conv"][0].tolist() == [1.5]
    data = data + diff + data + data + diff
    assert read(net(data + dims(3)))["conv"][0].tolist() == [1.5] * 3


def test_a_run_ends_where_any_byte_of_the_key_changes():
    message = field(16, 5, bytes(4)) + field(32, 5, bytes(4)) * 2 + field(16, 5, bytes(4))
    wire = caffemodel._Wire(message)
    assert [(number, len(rows)) for number, _, rows in wire.fields((0, len(message)))] == [(16, 1), (32, 2), (16, 1)]


def test_unknown_fields_of_a_shape_are_skipped(read):
    shape = field(7, 2, field(2, 0, 9) + field(1, 0, 1) + field(3, 2, b"x") + field(1, 0, 2))
    assert read(net(floats(1, 2) + shape))["conv"][0].shape == (1, 2)


def test_packed_data_may_come_in_pieces(read):
    assert read(net(floats(1, 2) + dims(3) + floats(3)))["conv"][0].tolist() == [1, 2, 3]


def test_scalar_and_empty_blobs(read):
    one, none = read(net(floats(7), dims(0, 3)))["conv"]
    assert one.shape == ()
    assert none.shape == (0, 3)


def test_name_may_follow_the_blobs_and_unknown_fields_are_skipped(read):
    body = field(7, 2, blob(BIAS)) + field(1, 2, "größe".encode()) + field(999, 1, bytes(8)) + field(150, 0, 3)
    assert list(read(field(100, 2, body))) == ["größe"]


def test_equal_duplicates_are_one_layer(read):
    assert list(read(net(blob(BIAS)) + layer("conv", blob(BIAS)))) == ["conv"]


@pytest.mark.parametrize("pair", [("voc-fcn8s.caffemodel", "voc-fcn8s.v1.caffemodel")])
def test_v1_and_new_file_of_real_caffe_are_equal(pair):
    new, old = (caffemodel.read(DATA / name) for name in pair)
    assert list(new) == list(old)
    assert len(new) == 21
    for name in new:
        for a, b in zip(new[name], old[name], strict=True):
            np.testing.assert_array_equal(a.ravel(), b.ravel())
    assert new["fc6"][0].shape == (32, 20, 7, 7)
    assert old["fc6"][1].shape == (1, 1, 1, 32)


def test_real_gzipped_file_holds_bilinear_upsampling():
    kernel = caffemodel.read(DATA / "voc-fcn32s.caffemodel.gz")["upscore"][0]
    assert kernel.shape == (21, 21, 64, 64)
    assert kernel[3, 3, 31, 31] == np.float32(0.968994140625)
    assert kernel[3, 4].max() == 0


def test_uncompressed_data_is_not_copied(read):
    array = read(net(blob(KERNEL)))["conv"][0]
    assert not array.flags.owndata
    assert not array.flags.writeable


# --- What is refused ----------------------------------------------------------------------------------------

GOOD = net(blob(KERNEL), blob(BIAS))
BAD = {
    "empty": (b"", "the file is empty"),
    "text": (b"name: 'VGG'\nlayer {", "wire type 6 at byte 0"),
    "no weights": (field(1, 2, b"net") + layer("data"), "no layer has weights"),
    "cut payload": (GOOD[:-3], r"bytes are declared at byte \d+, \d+ are left"),
    "cut number": (GOOD + b"\xa2", "a number is cut off"),
    "cut float": (net(field(5, 5, b"\0\0")), "layer 'conv', blob 0: a number is cut off"),
    "endless number": (b"\xff" * 11, "a number at byte 0 runs over ten bytes"),
    "overflowing length": (
        varint(802) + varint(2**64 - 1) + b"xx",
        "18446744073709551615 bytes are declared at byte 12, 2 are left",
    ),
    "field 0": (b"\0\0", "field number 0 at byte 0"),
    "group": (GOOD + b"\x0b", "wire type 3 at byte"),
    "layer as number": (field(100, 0, 5), "a layer has wire type 0 instead of 2"),
    "name as number": (field(100, 2, field(1, 0, 5)), "a layer's name has wire type 0 instead of 2"),
    "blob as number": (field(100, 2, field(1, 2, b"x") + field(7, 0, 5)), "a blob of layer 'x' has wire type 0"),
    "data as number": (net(field(5, 0, 5)), "layer 'conv', blob 0: a blob's data has wire type 0"),
    "data as doubles": (net(field(5, 1, bytes(8))), "a blob's data has wire type 1"),
    "size as bytes": (net(field(1, 2, b"x")), "a blob's size has wire type 2 instead of 0"),
    "shape as number": (net(field(7, 0, 5)), "a blob's shape has wire type 0"),
    "dims as floats": (net(field(7, 2, field(1, 5, bytes(4)))), "a blob's shape has wire type 5"),
    "odd bytes": (net(field(5, 2, b"12345")), "5 bytes of data do not divide into numbers"),
    "too few": (net(floats(1, 2) + dims(3)), r"shape \(3,\) takes 3 numbers, and 2 are there"),
    "no shape": (net(floats(1, 2)), r"shape \(\) takes 1 numbers, and 2 are there"),
    "negative": (net(floats(1) + dims(-1, -1)), r"shape \(-1, -1\)"),
    "negative legacy": (net(floats(1) + b"".join(field(n, 0, -1) for n in range(1, 5))), r"shape \(-1, -1, -1, -1\)"),
    "overflowing product": (net(dims(2**32, 2**32)), r"shape \(4294967296, 4294967296\)"),
    "huge beside zero": (net(dims(2**62, 0)), r"shape \(4611686018427387904, 0\)"),
    "too many axes": (net(floats(1) + dims(*[1] * 33)), "over 32 axes"),
    "nameless": (field(100, 2, field(7, 2, blob(BIAS))), "the layer at byte 3 has weights and no name"),
    "not UTF-8": (field(100, 2, field(1, 2, b"\xff\xfe")), "a layer's name is not UTF-8"),
    "long and not UTF-8": (field(100, 2, field(1, 2, b"\xff" * 60)), r"not UTF-8: b'(\\xff){40}'\."),
    "beyond 64 bits": (net(floats(1) + field(7, 2, field(1, 2, b"\xff" * 9 + b"\x7f"))), r"shape \(-1,\)"),
    "smallest": (net(floats(1) + dims(2**63)), r"shape \(-9223372036854775808,\)"),
    "most numbers": (net(floats(1) + dims(2**31 - 1)), r"shape \(2147483647,\) takes 2147483647 numbers, and 1 are"),
    "one number more": (net(floats(1) + dims(2**31)), r"blob 0: shape \(2147483648,\)\."),
    "field 2**29": (GOOD + field(2**29, 0, 1), "field number 536870912 at byte"),
    "long name": (field(100, 2, field(1, 2, b"a" * 1001)), "a layer's name has 1001 bytes"),
    "other duplicate": (GOOD + layer("conv", blob(BIAS)), "two layers 'conv' with different weights"),
    "changed duplicate": (GOOD + layer("conv", blob(KERNEL), blob(BIAS + 1)), "two layers 'conv' with different"),
    "V0": (field(2, 2, field(1, 2, b"x")), "V0 format of 2013; convert it with Caffe's upgrade_net_proto_binary"),
    "many fields": (field(3, 0, 1) * 100_001, "over 100000 fields"),
    "many layers": (layer("x") * 30_000, "over 100000 fields"),
    "many shapes": (net(dims(1) * 60_000), "over 100000 fields"),
    "cut gzip": (gzip.compress(GOOD)[:-12], "damaged gzip data after"),
    "bad gzip": (gzip.compress(GOOD)[:12] + b"\xff" * 40, "damaged gzip data after"),
    "empty gzip": (gzip.compress(b""), "no layer has weights"),
}


@pytest.mark.parametrize("case", BAD)
def test_refuses_damaged_files(read, case):
    data, message = BAD[case]
    with pytest.raises(ValueError, match=message) as error:
        read(data)
    assert "net.caffemodel" in str(error.value)
    assert len(str(error.value)) < 500


@pytest.mark.parametrize("length", [1, 63, 126, 127, 128, 129, 1000])
def test_lengths_around_a_byte_and_the_longest_name(read, length):
    name = "a" * length
    assert list(read(layer(name, blob(BIAS)))) == [name]


def test_the_most_axes_and_the_widest_empty_array(read):
    assert read(net(floats(1) + dims(*[1] * 32)))["conv"][0].shape == (1,) * 32
    assert read(net(dims(2**30, 0)))["conv"][0].shape == (2**30, 0)


def test_the_last_field_number_is_skipped(read):
    assert list(read(GOOD + field(2**29 - 1, 0, 1))) == ["conv"]


def test_the_hundred_thousandth_field_is_the_last(read):
    six = field(100, 2, field(1, 2, b"a") + field(7, 2, floats(1) + dims(1)))  # layer, name, blob, data, shape, dim
    assert list(read(six + field(3, 0, 1) * 99_994)) == ["a"]
    with pytest.raises(ValueError, match="over 100000 fields"):
        read(six + field(3, 0, 1) * 99_995)


def test_how_far_a_gzip_file_may_unfold(tmp_path, monkeypatch):
    """To 256 MiB whatever its size, then to a hundred times its size, and never beyond 2 GiB."""
    monkeypatch.setattr(caffemodel, "_inflate", lambda path, limit: limit)
    path = tmp_path / "net.caffemodel"
    for size, limit in ((20, 2**28), (3 * 10**6, 3 * 10**8), (10**8, 2**31 - 1)):
        with open(path, "wb") as file:
            file.write(b"\x1f\x8b")
            file.truncate(size)
        assert caffemodel._contents(path) == limit


def test_gzip_may_unfold_to_the_limit_itself(read, monkeypatch):
    data = net(blob(KERNEL))
    monkeypatch.setattr(caffemodel, "SMALL_BYTES", len(data))
    monkeypatch.setattr(caffemodel, "MAX_INFLATION", 1)
    assert list(read(gzip.compress(data))) == ["conv"]
    monkeypatch.setattr(caffemodel, "SMALL_BYTES", len(data) - 1)
    with pytest.raises(ValueError, match=f"unfolds to over {len(data) - 1} bytes"):
        read(gzip.compress(data))


def test_origin_names_network_and_training_data(tmp_path):
    path = tmp_path / "net.caffemodel"
    python = field(1, 2, b"voc_layers") + field(2, 2, b"VOCSegDataLayer") + field(3, 2, b"{'split': 'train'}")
    others = field(130, 0, 7) + field(130, 2, field(1, 0, 5)) + field(131, 2, field(1, 2, b"other"))
    path.write_bytes(field(1, 2, b"a net") + field(1, 0, 3) + field(100, 2, field(130, 2, python) + others) + GOOD)
    assert caffemodel.origin(path) == "a net\nvoc_layers\n{'split': 'train'}\nnet"
    path.write_bytes(field(1, 2, b"\xff" + b"n" * 2000))
    assert caffemodel.origin(path) == "\ufffd" + "n" * 999


def test_double_beyond_float32_becomes_infinite(read):
    assert read(net(blob(np.float64([1e300]), double=True)))["conv"][0] == np.inf


def test_gzip_bomb_is_refused_before_it_unfolds(read, monkeypatch):
    monkeypatch.setattr(caffemodel, "SMALL_BYTES", 2**20)
    with pytest.raises(ValueError, match="unfolds to over 1048576 bytes"):
        read(gzip.compress(bytes(2**23)))


def test_file_beyond_protobuf_limit_is_refused(tmp_path):
    path = tmp_path / "sparse.caffemodel"
    with open(path, "wb") as file:
        file.truncate(2**31)
    with pytest.raises(ValueError, match="2147483648 bytes, over protobuf's limit of 2147483647"):
        caffemodel.read(path)
    os.truncate(path, 2**31 - 1)
    with pytest.raises(ValueError, match="field number 0 at byte 0"):
        caffemodel.read(path)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match="absent"):
        caffemodel.read(tmp_path / "absent.caffemodel")
    with pytest.raises(ValueError, match="it is no file"):
        caffemodel.read(tmp_path)


def test_every_truncation_of_a_small_file(tmp_path):
    path = tmp_path / "cut.caffemodel"
    for length in range(len(GOOD)):
        arrays, message = arrays_or_error(path, GOOD[:length])
        assert not arrays
        assert "cut.caffemodel" in message


FUZZ = settings(
    max_examples=200, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
SEEDS = [
    net(blob(KERNEL), blob(BIAS)),
    net(blob(KERNEL, legacy=True), blob(BIAS, legacy=True, packed=False), v1=True),
    net(blob(BIAS, double=True), blob(BIAS, double=True, packed=False), blob(BIAS, packed_shape=False)),
    gzip.compress(GOOD, mtime=0),
]


@FUZZ
@given(
    seed=st.sampled_from(SEEDS),
    edits=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 3), st.binary(max_size=11)), max_size=6),
    cut=st.integers(0, 20),
)
def test_mutated_bytes_end_in_arrays_or_value_error(tmp_path, seed, edits, cut):
    data = bytearray(seed)
    for position, removed, inserted in edits:
        position %= len(data) + 1
        data[position : position + removed] = inserted
    arrays, message = arrays_or_error(tmp_path / "fuzz.caffemodel", bytes(data[: len(data) - cut]))
    assert arrays or "fuzz.caffemodel" in message
    assert all(a.dtype == np.float32 for a in arrays)


@FUZZ
@given(data=st.binary(max_size=60))
def test_any_bytes_inside_any_message(tmp_path, data):
    named = field(1, 2, b"x")
    for body in (data, field(100, 2, named + data), field(2, 2, data), field(100, 2, named + field(7, 2, data))):
        arrays, message = arrays_or_error(tmp_path / "fuzz.caffemodel", body)
        assert arrays or "fuzz.caffemodel" in message


def test_hostile_megabytes_do_not_keep_it_busy(read):
    alternating = b"".join(itertools.islice(itertools.cycle([field(5, 5, bytes(4)), field(6, 5, bytes(4))]), 400_000))
    start = time.process_time()
    with pytest.raises(ValueError, match="over 100000 fields"):
        read(net(alternating))
    assert time.process_time() - start < 20  # about 1 s
