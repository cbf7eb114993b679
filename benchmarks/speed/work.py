"""The work folder: the network and every format it is exported to, made once and reused while it matches."""

import hashlib
import json
import shutil
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from speed import amx
from speed.turns import Failed, Worker, say

ROOT = Path(__file__).resolve().parents[2]
# What a graph is made of; a change anywhere else leaves the files as they are.
GRAPH = [f"fcn_keras/{name}.py" for name in ("models", "backbone", "layers", "geometry", "initializers")]
EXPORTS = ["fcn_keras/inference/*.py", "serving/export/**/*.py"]
PACKAGES = (
    "tensorflow",
    "tensorflow-cpu",
    "keras",
    "tf2onnx",
    "onnx",
    "onnxruntime",
    "ai-edge-litert",
    "openvino",
    "nncf",
)


class Export(NamedTuple):
    """A file that the project's exporters write."""

    format: str
    padding: str = "same"
    precision: str = "fp32"

    @property
    def name(self):
        return f"{self.format}-{self.padding}-{self.precision}"

    @property
    def file(self):
        suffix = {"onnx": ".onnx", "litert": ".tflite", "openvino": ".xml", "savedmodel": ""}[self.format]
        return self.name + suffix


ALL = [
    Export("savedmodel"),
    Export("savedmodel", "caffe"),
    Export("savedmodel", precision="bf16"),
    Export("onnx"),
    Export("onnx", "caffe"),
    Export("onnx", precision="int8"),
    Export("litert"),
    Export("litert", precision="int8"),
    Export("openvino"),
    Export("openvino", precision="bf16"),
    Export("openvino", precision="int8"),
]


class Work:
    """Make files on demand below a folder, each by a process of its own.

    A file is reused if the network, the sources that write it and the packages are those of the record beside it.

    Args:
        folder: of the files, made if missing.
        width: factor on the network's channels.
        threads: of the processes that write.
    """

    def __init__(self, folder, width, threads):
        self.folder, self.width, self.threads = Path(folder), width, threads
        self.folder.mkdir(parents=True, exist_ok=True)

    def net(self, padding="same"):
        """Return the path of the `.keras` file."""
        self._require_nets()
        return str(self.folder / f"{padding}.keras")

    def arrays(self):
        """Return the path of the weights for PyTorch."""
        self._require_nets()
        return str(self.folder / "weights.npz")

    def export(self, wanted):
        """Return the path of an exported file.

        Raises:
            Failed: if it cannot be exported.
        """
        self.record(wanted)
        return str(self.folder / wanted.file)

    def record(self, wanted):
        """Return `{"seconds", "load", "peak"}` of writing a file, and write it if need be.

        Raises:
            Failed: if it cannot be exported.
        """
        key = [self.width, _digest(GRAPH + EXPORTS), _versions()]
        return self._made(wanted.name, [wanted.file], key, lambda: self._write(wanted))

    def _write(self, wanted):
        target = self.folder / wanted.file
        making = self.folder / f".{wanted.name}"
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir()
        arguments = {"net": self.net(wanted.padding), "path": str(making / wanted.file), **wanted._asdict()}
        del arguments["padding"]
        say(f"  exporting {wanted.name}")
        with Worker("speed.exporters:Exporter", arguments, threads=self.threads) as worker:
            answer = worker.ask("write")
        for path in making.iterdir():  # OpenVINO writes two files
            _remove(self.folder / path.name)
            path.rename(self.folder / path.name)
        making.rmdir()
        parts = target.rglob("*") if target.is_dir() else self.folder.glob(f"{target.stem}.[!j]*")
        size = sum(path.stat().st_size for path in parts if path.is_file()) / 1e9
        return {"seconds": answer.seconds, "load": worker.built.seconds, "peak": answer.peak, "size": size}

    def image(self, height, width, kind="npy"):
        """Draw one scene, as an array or a picture (`kind="png"`), and return its path."""
        path = self.folder / f"image-{height}x{width}.{kind}"
        with Worker("speed.drawn:Drawn", {}, threads=self.threads) as worker:
            worker.ask("image", path=str(path), height=height, width=width)
        return str(path)

    def operations(self, sizes):
        """Return the nominal operations of one image of every (H, W), by padding."""
        found = {}
        for padding in ("same", "caffe"):
            with Worker("speed.nets:Operations", {"path": self.net(padding)}, threads=self.threads) as worker:
                found[padding] = [worker.ask("count", height=h, width=w).value for h, w in sizes]
        return found

    def _require_nets(self):
        names = ("same.keras", "caffe.keras", "weights.npz")

        def write():
            say("  drawing the network")
            beside = [self.folder / f".{name}" for name in names]  # the suffix stays: Keras insists on it
            with Worker("speed.nets:Nets", {"width": self.width}, threads=self.threads) as worker:
                answer = worker.ask("write", **dict(zip(("same", "caffe", "arrays"), map(str, beside), strict=True)))
            for path, name in zip(beside, names, strict=True):
                path.replace(self.folder / name)
            return {"seconds": answer.seconds}

        self._made("nets", names, [self.width, _digest([*GRAPH, "benchmarks/speed/nets.py"])], write)

    def _made(self, name, files, key, write):
        """Return the record of some files, written anew unless they are there and their record has the same key."""
        path = self.folder / f"{name}.json"
        if path.exists():
            record = json.loads(path.read_text())
            if record["key"] == key and all((self.folder / file).exists() for file in files):
                return record
            path.unlink()
        record = {**write(), "key": key}
        path.write_text(json.dumps(record, indent=2) + "\n")
        return record


def prepared(work, wanted):
    """Return `(path, None)` of an export, or `(None, reason)` where it cannot be had, or says nothing here."""
    if wanted.precision == "bf16" and not amx.has_amx():
        return None, amx.NONE
    try:
        return work.export(wanted), None
    except Failed as failure:
        say(f"  {wanted.name}: {failure}")
        return None, str(failure)


def _remove(path):
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _digest(patterns):
    """Digest the sources that match."""
    digest = hashlib.sha256()
    for path in sorted({path for pattern in patterns for path in ROOT.glob(pattern)}):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _versions():
    found = {}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = None
    return found
