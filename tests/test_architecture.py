"""Who may import whom, read from the syntax trees."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# Library module -> the library modules it may import. A module that is not listed stands alone.
MAY_IMPORT = {
    "layers": {"photographs"},
    "scaled_inference": {"inference", "layers", "photographs", "probabilities", "scaling"},
    "decoder": {"backbone", "layers", "geometry", "initializers", "interface"},
    "models": {"backbone", "decoder", "layers"},
    "backbone": {"layers", "geometry"},
    "alexnet": {"geometry", "initializers", "layers"},
    "caffe_export": {"caffemodel", "finite", "layers"},
    "weights": {"caffemodel", "finite"},
    "imagenet": {"finite", "keras_files", "vgg16_files", "vgg16_formats", "weights"},
    "keras_files": {"finite", "untrusted_hdf5"},
    "vgg16_files": {"untrusted_hdf5", "vgg16_channels_first", "vgg16_formats"},
    "vgg16_channels_first": {"caffemodel", "untrusted_hdf5", "vgg16_formats"},
    "vgg16_formats": {"untrusted_hdf5"},
    "losses": {"labels"},
    "metrics": {"labels"},
    "augment": {"registration"},  # what to say where TensorFlow is missing
    "boundary": {"boundary_iou", "confusion", "labels", "metrics"},
    "calibration": {"labels"},
    "confusion": {"examples"},
    "inference": {"finite", "labels", "layers", "probabilities", "receptive_field"},
    "temperature": {"calibration", "layers"},
    "tta": {"inference", "layers", "probabilities"},
    "charts": {"visualize"},
    "colors": {"visualize"},
    "receptive_field": {"geometry", "layers"},
    "interface": {"layers"},
    "data": {"augment", "examples", "streams"},
    "demo": {"datasets", "keras_files"},
    "streams": {"augment", "decoding", "examples"},
    "decoding": {"examples"},
}
# Room of a folder of commands -> the other rooms there that it may import.
ROOMS = {
    "training": {
        "train": {"bound", "doctor", "features", "hold_out", "scoring", "recipes", "workdir"},
        # The two last ones for --model alone, which asks a trained net.
        "doctor": {"annotations", "pages", "reading", "hold_out", "scoring", "workdir"},
        "predict": {"annotations", "exported", "scoring", "workdir", "reading"},
        "labelling": {"annotations", "exported", "predict"},
        "rank": {"annotations", "predict", "scoring", "workdir", "reading"},
        "label_studio": {"annotations", "labelling", "scoring"},
        "report": {"pages", "scoring", "workdir", "reading"},
        "compare": {"scoring", "workdir", "reading"},
        "figures": {"scoring", "workdir", "reading"},
        "evaluate": {"exported", "scoring", "workdir", "reading"},
        "bound": {"scoring", "workdir", "reading"},
        "submit": {"scoring", "workdir", "reading"},
        "import_weights": {"workdir"},
        "scoring": {"recipes", "workdir", "reading"},
        "recipes": {"hold_out"},
        "annotations": {"reading"},
        "exported": {"workdir"},
        "features": set(),
        "pages": set(),
        "workdir": set(),
        "reading": set(),
        "hold_out": set(),
    },
    "serving": {
        "export": {"probe", "sessions", "tf_serving_messages"},  # warm-up requests are what a client sends
        "server": {"errors", "message_builder", "probe", "sessions", "tf_serving_messages"},
        "client": {"errors", "tf_serving_messages"},
        "batch": set(),
        "check": {"probe", "sessions"},
        "kit": set(),
        "tf_serving_messages": {"message_builder"},
        "message_builder": set(),
        "probe": set(),
        "sessions": set(),
        "errors": set(),
    },
    "serving/export": {
        "command": {"checks", "options", "version", "other_formats", "provenance"},
        "version": {"accuracy", "checks", "model_card", "options", "saved_model"},
        "other_formats": {"accuracy", "checked_file", "litert", "model_card", "onnx", "openvino"},
        "saved_model": {"drawn_images", "probing", "tensors"},
        "openvino": {"checked_file", "onnx"},
        "onnx": {"checked_file", "options", "tensors"},
        "litert": {"checked_file", "options", "tensors"},
        "checked_file": {"accuracy", "checks", "probing"},
        "probing": {"accuracy", "drawn_images"},
        "accuracy": {"drawn_images", "options"},
        "provenance": set(),
        "model_card": set(),
        "options": set(),
        "checks": set(),
        "drawn_images": set(),
        "tensors": set(),
    },
    "serving/server": {
        "command": {"base_path", "in_process", "notices", "ports", "security", "settings"},
        "notices": {"models"},
        "in_process": {"base_path", "metrics", "models", "ports", "security", "settings"},
        "ports": {"page", "rest", "rpc", "security"},
        "rest": {"models", "security"},
        "rpc": {"models", "security", "settings"},
        "page": {"models"},
        "models": {"settings"},
        "security": {"settings"},
        "settings": set(),
        "metrics": set(),
        "base_path": set(),
    },
}
WITHOUT_LIBRARY = {
    "client",
    "server",
    "batch",
    "check",
    "kit",
    "errors",
    "message_builder",
    "probe",
    "sessions",
    "tf_serving_messages",
}
# Room -> what it may take of the library all the same: modules of NumPy and Pillow alone.
LIGHT = {"client": {"fcn_keras.colors", "fcn_keras.datasets.exif", "fcn_keras.visualize"}}
TENSORFLOW = {
    "data",
    "augment",
    "decoding",
    "finite",
    "labels",
    "streams",
    "metrics",
}  # lazily; everything else runs on every backend
NUMPY_ONLY = {
    "geometry",
    "caffemodel",
    "color_scale",
    "colors",
    "examples",
    "hha",
    "photographs",
    "probabilities",
    "scaling",
    "visualize",
}


def modules(folder):
    return sorted(path for path in (ROOT / folder).rglob("*.py") if not path.name.startswith("__"))


def imports(path):
    """Full names of everything a file imports, relative ones resolved."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = ".".join(parts[: len(parts) - node.level]) if node.level else ""
            origin = ".".join(filter(None, [package, node.module]))
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def within(name, package):
    return name == package or name.startswith(package + ".")


def module_of(path):
    """Name a file of the library by the module, or the folder of modules, that it is or lies in."""
    return path.relative_to(ROOT / "fcn_keras").parts[0].removesuffix(".py")


def library_modules_of(path):
    names = {module_of(p) for p in modules("fcn_keras")}
    for name in imports(path):
        if within(name, "fcn_keras"):
            part = [*name.split("."), "", ""][1]
            yield part if part in names else "__init__"


@pytest.mark.parametrize("path", modules("fcn_keras"), ids=lambda p: str(p.relative_to(ROOT)))
def test_library_directions(path):
    found = set(imports(path))
    assert not any(within(name, verb) for name in found for verb in ("training", "serving"))
    if path.parent.name == "datasets":
        assert set(library_modules_of(path)) <= {"datasets", "examples", "hha", "interface", "untrusted_hdf5"}
        heavy = ("keras", "tensorflow", *(() if path.stem == "builders" else ("tensorflow_datasets",)))
        assert not any(within(name, package) for name in found for package in heavy)
        return
    module = module_of(path)
    assert set(library_modules_of(path)) - {module} <= MAY_IMPORT.get(module, set())
    if module not in TENSORFLOW:
        assert not any(within(name, "tensorflow") for name in found)
    if module in NUMPY_ONLY:
        assert not any(within(name, "keras") for name in found)


def test_the_verbs_never_meet():
    for verb, other in (("training", "serving"), ("serving", "training")):
        for path in modules(verb):
            assert not any(within(name, n) for name in imports(path) for n in (other, f"fcn_keras_{other}")), path


def rooms():
    return [(place, path) for place in ROOMS for path in modules(place)]


@pytest.mark.parametrize(
    ("place", "path"), rooms(), ids=lambda x: x if isinstance(x, str) else str(x.relative_to(ROOT))
)
def test_rooms_import_downwards(place, path):
    room = path.relative_to(ROOT / place).parts[0].removesuffix(".py")
    package = place.replace("/", ".")
    inner = {name.removeprefix(f"{package}.") for name in imports(path) if name.startswith(f"{package}.")}
    assert {name.split(".")[0] for name in inner} - {room} <= ROOMS[place][room]


@pytest.mark.parametrize("path", modules("serving"), ids=lambda p: str(p.relative_to(ROOT)))
def test_what_serving_does_without(path):
    room = path.relative_to(ROOT / "serving").parts[0].removesuffix(".py")
    found = set(imports(path))
    if room in WITHOUT_LIBRARY:
        library = {name.rpartition(".")[0] for name in found if within(name, "fcn_keras") or within(name, "keras")}
        assert library <= LIGHT.get(room, set())
    if room in {"client", "tf_serving_messages", "message_builder"}:
        assert not any(within(name, package) for name in found for package in ("tensorflow", "tensorflow_serving"))


def test_the_console_stands_alone():
    for path in modules("fcn_keras_console"):
        known = ("fcn_keras", "fcn_keras_training", "fcn_keras_serving", "training", "serving", "keras")
        assert not any(within(name, package) for name in imports(path) for package in known), path


def test_the_package_does_not_import_data_sets():
    assert not any("datasets" in name for name in imports(ROOT / "fcn_keras" / "__init__.py"))


def test_nothing_unpickles():
    for folder in ("fcn_keras", "training", "serving"):
        for path in modules(folder):
            assert not set(imports(path)) & {"pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}, path
            assert "allow_pickle=True" not in path.read_text(encoding="utf-8"), path


PRODUCT = ("fcn_keras", "fcn_keras_console", "training", "serving")


def test_every_module_has_a_test_file():
    """`training/doctor/fix.py` is tested by `tests/training/doctor/test_fix.py`, and so is every other module."""
    places = [path.relative_to(ROOT) for package in PRODUCT for path in modules(package)]
    assert [str(p) for p in places if not (ROOT / "tests" / p.parent / f"test_{p.name}").is_file()] == []


def test_every_room_has_a_readme():
    """At most 25 lines: why it exists, what to read first, what it must not import."""
    rooms = {path.parent for package in PRODUCT for path in modules(package)}
    readmes = [room / "README.md" for room in sorted(rooms)]
    assert [str(path.relative_to(ROOT)) for path in readmes if not path.is_file()] == []
    lengths = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in readmes}
    assert {name: lines for name, lines in lengths.items() if lines > 25} == {}
