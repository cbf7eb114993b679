"""Keras finds this package's layers whichever of the two is imported first, and is not started for nothing.

The JAX program of `test_backends.py` imports the package before Keras itself.
"""

import os
import subprocess
import sys
from pathlib import Path

from fcn_keras.registration import NO_TENSORFLOW

ROOT = Path(__file__).resolve().parents[2]
# A Keras that starts in no time: every class is the same, and who registers is written down.
STAND_IN = """
import types
registered = set()
class AnyName(type):
    def __getattr__(self, name):
        if name.startswith("__"): raise AttributeError(name)
        return Anything
class Anything(metaclass=AnyName): pass
def register_keras_serializable(package):
    return lambda value: registered.add(f"{package}>{value.__name__}") or value
saving = types.SimpleNamespace(register_keras_serializable=register_keras_serializable)
def __getattr__(name): return getattr(Anything, name)
"""
# What old and new `.keras` files name.
REGISTERED = {
    *("AdamW", "Bilinear", "CaffeSGD", "CeilMaxPooling2D", "ConfusionMatrix", "CropLike", "FocalCrossentropy"),
    *("LovaszSoftmax", "MatrixConv2D", "PadToMultiple", "PixelCrossentropy", "Preprocess", "SoftDice"),
    *("SGDW", "SumOfLosses", "Tversky", "local_response_normalization"),
}
WITHOUT_KERAS = """
import sys
import fcn_keras, fcn_keras.confusion, fcn_keras.examples, fcn_keras.interface, fcn_keras.labels, fcn_keras.visualize
import fcn_keras.augment, fcn_keras.caffemodel, fcn_keras.data, fcn_keras.geometry, fcn_keras.hha
import fcn_keras.datasets.classes, fcn_keras.datasets.folder, fcn_keras.datasets.images, fcn_keras.datasets.synthetic
fcn_keras.palette()
started = {"keras", "tensorflow", "tensorflow_datasets", "matplotlib", "h5py", "scipy"} & set(sys.modules)
assert not started, started
"""
ORDERS = """
import importlib, importlib.util, sys
finders = list(sys.meta_path)
for first in sys.argv[1:]:
    for name in [n for n in sys.modules if n.partition(".")[0] in ("fcn_keras", "keras")]:
        del sys.modules[name]
    sys.meta_path[:] = finders
    importlib.import_module(first)
    importlib.util.find_spec("keras")  # as libraries do that only ask whether it is there
    importlib.import_module("fcn_keras")
    import keras
    print(first, *sorted(keras.registered))
    assert keras.__spec__.loader is keras.__loader__ and sys.meta_path == finders
"""


def run(code, *arguments, path=""):
    command = [sys.executable, "-c", code, *arguments]
    environment = {**os.environ, "PYTHONPATH": f"{path}{os.pathsep}{ROOT}"}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert not result.returncode, result.stderr
    return result.stdout


def test_whatever_is_imported_first(tmp_path):
    (tmp_path / "keras").mkdir()
    (tmp_path / "keras" / "__init__.py").write_text(STAND_IN, encoding="utf-8")
    library = ROOT / "fcn_keras"
    files = [*sorted(library.glob("[a-z]*.py")), *sorted((library / "losses").glob("[a-z]*.py"))]
    modules = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in files]
    lines = run(ORDERS, "keras", "fcn_keras", *modules, path=tmp_path).splitlines()
    assert [line.split()[0] for line in lines] == ["keras", "fcn_keras", *modules]
    for line in lines:
        first, *registered = line.split()
        assert registered == sorted(f"fcn_keras>{name}" for name in REGISTERED), first


def test_what_starts_neither_keras_nor_others_that_are_slow():
    run(WITHOUT_KERAS)


def test_where_keras_finds_no_tensorflow(tmp_path):
    """As after `pip install fcn_keras`; an error of another package stays what it is."""
    (tmp_path / "keras").mkdir()
    code = "import sys\nsys.modules[{!r}] = None\nimport fcn_keras\nfrom fcn_keras.{} import *"
    for missing, module in (("tensorflow", "models"), ("tensorflow", "losses"), ("absent", "models")):
        (tmp_path / "keras" / "__init__.py").write_text(f"import {missing}", encoding="utf-8")
        environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
        child = [sys.executable, "-c", code.format(missing, module)]
        result = subprocess.run(child, env=environment, capture_output=True, text=True, timeout=60)
        last = result.stderr.splitlines()[-1]
        if missing == "tensorflow":
            assert (
                last == f"ImportError: {NO_TENSORFLOW}. Or choose a backend of Keras that is there: KERAS_BACKEND=jax."
            )
            assert "During handling" not in result.stderr
        else:
            assert last.startswith("ModuleNotFoundError: ")
            assert "absent" in last


def test_without_keras(tmp_path):
    """As where only the client of a server is installed."""
    missing = "import sys\nsys.modules['keras'] = None\nimport fcn_keras.visualize\nfcn_keras.FCN8s"
    result = subprocess.run([sys.executable, "-c", missing], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert "ModuleNotFoundError" in result.stderr
    assert "keras" in result.stderr.splitlines()[-1]
