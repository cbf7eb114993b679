"""`.keras` files of strangers: refused before anything in them runs, or is built, or allocated."""

import errno
import io
import json
import os
import tempfile
import tracemalloc
import zipfile

import h5py
import keras
import numpy as np
import pytest

from fcn_keras import keras_files
from fcn_keras.models import FCN8s, FCN32s, LateFusion
from serving.export import command as export
from tests.conftest import NARROW
from training.evaluate import command as evaluate
from training.predict import command as predict


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The members of a saved net of two classes."""
    path = tmp_path_factory.mktemp("net") / "net.keras"
    FCN8s(2, channels=NARROW).save(path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(path, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def with_config(whole, change):
    """Change the config by a function of its layers by name, and of the whole."""
    config = json.loads(whole["config.json"])
    change({layer["config"]["name"]: layer for layer in config["config"]["layers"]}, config)
    return {**whole, "config.json": json.dumps(config)}


def with_weights(whole, change):
    file = io.BytesIO(whole["model.weights.h5"])
    with h5py.File(file, "r+") as weights:
        change(weights)
    return {**whole, "model.weights.h5": file.getvalue()}


def refusal(tmp_path, members, **options):
    """Return why a file is refused, and check that this took next to no memory."""
    path = packed(tmp_path / "bad.keras", members, **options)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"bad\.keras cannot be loaded \(") as error:
            keras_files.load_model(path)
        assert tracemalloc.get_traced_memory()[1] < 64 * 2**20
    finally:
        tracemalloc.stop()
    return str(error.value)


# --- What is read -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["float32", "bfloat16"])
def test_nets_load_as_keras_loads_them(tmp_path, policy):
    keras.config.set_dtype_policy(policy)
    try:
        model = LateFusion({"sem": 4, "geo": 3}, channels=NARROW)
    finally:
        keras.config.set_dtype_policy("float32")
    model.save(tmp_path / "net.keras")
    loaded = keras_files.load_model(tmp_path / "net.keras")
    expected = keras.saving.load_model(tmp_path / "net.keras", compile=False)
    for ours, theirs in zip(loaded.weights, expected.weights, strict=True):
        np.testing.assert_array_equal(keras.ops.cast(ours, "float32"), keras.ops.cast(theirs, "float32"))


def test_a_trained_net_loads_without_its_optimizer(tmp_path):
    model = FCN32s(2, channels=NARROW)
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(0.1, 3, 0.5)), "mse", ["mae"])
    model.optimizer.build(model.trainable_variables)
    model.save(tmp_path / "net.keras")
    assert keras_files.load_model(tmp_path / "net.keras").compiled is False
    whole = keras_files.load_model(tmp_path / "net.keras", compile=True)
    assert float(whole.optimizer.learning_rate) == pytest.approx(0.1)


def test_the_look_leaves_no_variables_behind(tmp_path, whole):
    """Keras would fill those of the look at the end of the next stateless scope, such as fcn-export's."""
    path = packed(tmp_path / "net.keras", whole)
    keras_files.load_model(path)
    left = keras.src.backend.common.global_state.get_global_attribute("uninitialized_variables")
    assert not left


# --- Code ---------------------------------------------------------------------------------------------------


def layers_of_strangers(mark):
    """Return layers, as a config holds them, that would write a file, read one, or import what they name."""
    run = {"class_name": "__lambda__", "config": {"value": "gASVAAAAAAAAAAA=", "defaults": None, "closure": None}}
    fetch = {"module": "keras.utils", "class_name": "function", "config": "get_file", "registered_name": "get_file"}
    system = {"module": "builtins", "class_name": "function", "config": "exec", "registered_name": "os.system"}
    of_keras = {"module": "keras.layers", "registered_name": None}
    return {
        "Lambda": {**of_keras, "class_name": "Lambda", "config": {"name": "x", "function": run}},
        "__lambda__": {**of_keras, "class_name": "Activation", "config": {"name": "x", "activation": run}},
        "get_file": {**of_keras, "class_name": "Activation", "config": {"name": "x", "activation": fetch}},
        "exec": {**of_keras, "class_name": "Activation", "config": {"name": "x", "activation": system}},
        "TFSMLayer": {**of_keras, "class_name": "TFSMLayer", "config": {"name": "x", "filepath": str(mark)}},
        "TorchModuleWrapper": {**of_keras, "class_name": "TorchModuleWrapper", "config": {"name": "x", "module": ""}},
        "StringLookup": {**of_keras, "class_name": "StringLookup", "config": {"name": "x", "vocabulary": str(mark)}},
        "Popen": {"module": "subprocess", "class_name": "Popen", "config": {"args": ["touch", str(mark)]}},
        "Mine": {"module": "mine", "class_name": "Mine", "config": {"name": "x"}, "registered_name": "mine>Mine"},
        "Dense": {"class_name": "Dense", "config": {"name": "x", "units": 3}},  # of no module
    }


@pytest.mark.parametrize("name", layers_of_strangers("mark"))
def test_a_config_that_names_code_is_refused(tmp_path, whole, name):
    mark = tmp_path / "mark"

    def change(layers, config):
        config["config"]["layers"].append({**layers_of_strangers(mark)[name], "name": "x", "inbound_nodes": []})

    assert f"it names '{name}' of " in refusal(tmp_path, with_config(whole, change))
    assert not mark.exists()


@pytest.mark.parametrize("command", ["fcn-predict", "fcn-evaluate", "fcn-export"])
def test_commands_refuse_a_real_lambda_in_one_line(tmp_path, capsys, command):
    mark = tmp_path / "mark"
    image = keras.Input((None, None, 3))
    code = compile(f"lambda x: open({str(mark)!r}, 'w') and x", "", "eval")
    model = keras.Model(image, keras.layers.Lambda(eval(code), output_shape=(None, None, 3))(image))
    mark.unlink(missing_ok=True)  # building it ran it
    model.save(tmp_path / "bad.keras")
    (tmp_path / "images").mkdir()
    from PIL import Image

    Image.new("RGB", (8, 8)).save(tmp_path / "images" / "a.png")
    main, arguments = {
        "fcn-predict": (predict.main, ["images", "--output", "out"]),
        "fcn-evaluate": (evaluate.main, ["--data", "."]),
        "fcn-export": (export.main, ["out"]),
    }[command]
    arguments = [x if x.startswith("--") else str(tmp_path / x) for x in arguments]
    assert main([str(tmp_path / "bad.keras"), *arguments]) == 2
    *stages, told = capsys.readouterr().err.splitlines()
    assert told.startswith(f"{command}: {tmp_path}/bad.keras cannot be loaded (it names 'Lambda' of 'keras.layers'")
    assert stages == [f"fcn-export: loading {tmp_path}/bad.keras"] * (command == "fcn-export")
    assert not mark.exists()
    assert not (tmp_path / "out").exists()


# --- Sizes --------------------------------------------------------------------------------------------------


def declare(name, **config):
    return lambda layers, _: layers[name]["config"].update(config)


@pytest.mark.parametrize(
    "change",
    [
        declare("conv1_1", filters=10**9),
        declare("fc7", filters=2**40),
        declare("fc6", kernel_size=[1, 1], filters=10**7),
        declare("upscore8", kernel_size=[10**6, 10**6]),
    ],
    ids=["conv1_1", "fc7", "fc6", "upscore8"],
)
def test_a_config_of_more_numbers_than_are_there(tmp_path, whole, change):
    message = refusal(tmp_path, with_config(whole, change))
    assert " numbers, and " in message or "received input with shape" in message


def test_a_config_of_megabytes(tmp_path, whole):
    assert "config.json has " in refusal(tmp_path, {**whole, "config.json": b" " * (2**22 + 1)})
    deep = b"[" * 100_000 + b"]" * 100_000
    assert refusal(tmp_path, {**whole, "config.json": deep})


def replaced(name, **options):
    def change(file):
        del file[name]
        file.create_dataset(name, **options)

    return change


def linked(link):
    def change(file):
        del file[KERNEL]
        file[KERNEL] = link

    return change


def virtual(file):
    layout = h5py.VirtualLayout((3, 3, 3, 8), "f4")
    layout[:] = h5py.VirtualSource("elsewhere.h5", "x", (3, 3, 3, 8))
    del file[KERNEL]
    file.create_virtual_dataset(KERNEL, layout)


def cycle(file):
    file["layers/again"] = file["layers"]


def crowd(file):
    for number in range(5001):
        file.create_group(f"crowd/{number}")


KERNEL = "layers/conv2d/vars/0"
WEIGHTS = {
    "external link": (linked(h5py.ExternalLink("/etc/passwd", "/")), "model.weights.h5: 0 is a link to elsewhere"),
    "soft link": (linked(h5py.SoftLink("/layers")), "is a link to elsewhere"),
    "external data": (
        replaced(KERNEL, shape=(100,), dtype="u1", external=[("/etc/passwd", 0, 100)]),
        "model.weights.h5: the numbers of 0 lie in another file",
    ),
    "virtual data": (virtual, "lie in another file"),
    "declared": (replaced(KERNEL, shape=(2**40,), dtype="f4", chunks=(1024,)), "declare 4398"),
    "deflated": (replaced(KERNEL, data=np.zeros(10**7, "f4"), compression="gzip", chunks=(10**6,)), "declare 40"),
    "chunk": (replaced(KERNEL, shape=(4,), dtype="f4", chunks=(2**28,), maxshape=(None,)), "has chunks of (268435456"),
    "strings": (
        replaced(KERNEL, shape=(4,), dtype=h5py.string_dtype()),
        "0 is no array of numbers",
    ),
    "cycle": (cycle, "is there twice, or a cycle"),
    "crowd": (crowd, "over 5000 members"),
}


@pytest.mark.parametrize("case", WEIGHTS)
def test_weights_that_are_not_in_the_file(tmp_path, whole, case):
    change, message = WEIGHTS[case]
    assert message in refusal(tmp_path, with_weights(whole, change))


@pytest.mark.parametrize("name", ["../../up", "/abs", "assets/x", "model.weights.npz"])
def test_members_that_keras_does_not_write(tmp_path, whole, name):
    assert "model.weights.h5 inside, each once" in refusal(tmp_path, {**whole, name: b"x"})


def test_packing_that_keras_does_not_do(tmp_path, whole):
    message = refusal(tmp_path, whole, compression=zipfile.ZIP_DEFLATED)
    assert "is compressed, which Keras does not do" in message
    assert "inside, each once" in refusal(tmp_path, {"config.json": whole["config.json"]})
    path = packed(tmp_path / "bad.keras", whole)
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("config.json", whole["config.json"])
    with pytest.raises(ValueError, match="inside, each once"):
        keras_files.load_model(path)


def test_a_full_disk_is_not_the_files_fault(tmp_path, whole, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(keras.saving, "load_model", full)
    with pytest.raises(OSError, match=r"cannot be unpacked in .*: No space left on device\. Make room\.$"):
        keras_files.load_model(packed(tmp_path / "net.keras", whole))


@pytest.mark.parametrize(
    ("error", "raised"),
    [(OSError(errno.ENOSPC, "No space left on device"), OSError), (KeyboardInterrupt(), KeyboardInterrupt)],
)
def test_what_keras_unpacked_is_removed_where_it_did_not_end(tmp_path, whole, monkeypatch, error, raised):
    """As of `fcn-train`, whose files have a member more, so that Keras unpacks them."""

    def cut_short(source, target, *_):
        target.write(source.read(10))
        raise error

    path = packed(tmp_path / "net.keras", {**whole, "fcn_checkpoint.json": "{}"})
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.setattr(zipfile.shutil, "copyfileobj", cut_short)
    with pytest.raises(raised):
        keras_files.load_model(path)
    assert not list((tmp_path / "temporary").iterdir())


# --- What Keras cannot read, and what it reads too well -------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "advice"),
    [
        ("99.2.0", f"Keras 99.2.0 wrote it, and Keras {keras.__version__} reads it: upgrade with pip install"),
        (keras.__version__, "Save it again"),
        ("3.9.0", "Save it again"),
        ("99.2.0; rm -rf /", "Save it again"),
        (99, "Save it again"),
    ],
)
def test_a_file_of_a_newer_keras_says_so(tmp_path, whole, version, advice):
    """As Keras 3.15 saved `HeNormal`, which 3.12 does not open."""

    def change(layers, _):
        layers["score_fr"]["config"]["bias_initializer"]["config"]["input_axes"] = [0, 1]

    members = {**with_config(whole, change), "metadata.json": json.dumps({"keras_version": version})}
    assert advice in refusal(tmp_path, members)


@pytest.mark.parametrize("metadata", [b"", b"{}", b"[" * 9999, None])
def test_metadata_of_strangers(tmp_path, whole, metadata):
    members = {"config.json": b"{}", "model.weights.h5": whole["model.weights.h5"]}
    if metadata is not None:
        members["metadata.json"] = metadata
    assert "Save it again" in refusal(tmp_path, members)


def test_weights_that_are_no_numbers(tmp_path, whole):
    def change(file):
        file["layers/conv2d/vars/0"][0, 0, 0, 0] = np.nan
        file["layers/matrix_conv2d/vars/1"][1] = np.inf

    path = packed(tmp_path / "net.keras", with_weights(whole, change))
    with pytest.raises(ValueError, match=r"NaN or infinity in layers conv1_1, fc6 of .*net\.keras\. Its training div"):
        keras_files.load_model(path)


def test_weights_that_lost_a_bit(tmp_path, whole, monkeypatch):
    """Keras falls back to reading past a CRC-32 that is wrong: newer Pythons do not compare it then."""
    path = packed(tmp_path / "net.keras", whole)
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        member = archive.getinfo("model.weights.h5")
    data[member.header_offset + member.file_size // 2] ^= 1
    path.write_bytes(data)
    monkeypatch.setattr(zipfile.ZipExtFile, "_update_crc", lambda *_: None)
    assert keras.saving.load_model(path)  # it does not notice
    with pytest.raises(
        ValueError, match=r"net\.keras cannot be loaded \(model\.weights\.h5 is damaged: its CRC-32 is \w+"
    ):
        keras_files.load_model(path)


def test_no_keras_file(tmp_path):
    (tmp_path / "text.keras").write_text("text")
    for path in (tmp_path / "text.keras", tmp_path):
        with pytest.raises(ValueError, match=r"is damaged, cut off or no \.keras file"):
            keras_files.load_model(path)
    with pytest.raises(FileNotFoundError, match=r"none\.keras is missing"):
        keras_files.load_model(tmp_path / "none.keras")
