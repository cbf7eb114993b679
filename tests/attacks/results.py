"""What a command leaves in a folder: told apart from what it leaves with another net, and from a half of it."""

import re
import zipfile
from pathlib import Path

from fcn_keras_console.scratch import scratch
from tests.attacks import forked
from tests.attacks.written_commands import commands

MAIN = {  # the file that names the whole, for commands that write several files of one result
    "evaluate": "scores/metrics.json",
    "compare": "compared/compare.json",
    "doctor": "checked/doctor.json",
    "figures": "figures/table2.json",
    "import-weights to Caffe": "net.caffemodel",
    "export onnx": "net.onnx",
    "export openvino": "net.xml",
    "export litert": "net.tflite",
}
TOGETHER = {*MAIN, "import-weights", "report", "export", "kit", "doctor --fix", "doctor --import", "predict video"}
NEW_ONLY = {"import-weights", "import-weights to Caffe", "kit", "doctor --fix", "doctor --import"}  # replace nothing
ALONE = {"predict", "predict coco", "predict cvat", "predict video", "submit"}  # labels of one net a folder
_CHANGING = re.compile(rb"\d{4}-\d\d-\d\dT[\d:.+]+|\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?|/[^\s\"'`]*/(two|kill)-?\w*")
_UNTOLD = ("metadata.json", "fcn_checkpoint.json", "config.json")  # when it was saved; addresses in memory


def call_of(name, given, out, net="net"):
    """Return `[command, arguments...]` by the net `given/<net>.keras`."""
    return [given / f"{net}.keras" if word == given / "net.keras" else word for word in commands(given, out)[name]]


def contents(folder):
    """Return the contents of all files by name, without dates; folders whose names begin with `.fcn-` are left out."""
    found = {}
    for path in sorted(Path(folder).rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and ".fcn-" not in name:
            found[name] = _keras(path) if path.suffix == ".keras" else _CHANGING.sub(b"", path.read_bytes())
    return found


def _keras(path):
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            return sorted((each.filename, each.CRC) for each in members if each.filename not in _UNTOLD)
    except zipfile.BadZipFile as error:
        return str(error)


class Whole:
    """What a command leaves by each of two nets. What differs between two runs by one net is not compared.

    Args:
        name: of `written_commands.commands`.
        given: as `written_commands.prepare` made it.
        workdir: an empty folder.
        nets: of the older and of the newer result.
    """

    def __init__(self, name, given, workdir, nets=("other", "net")):
        self.name, self.workdir = name, workdir
        again = self._run(call_of(name, given, self.folder("again"), nets[-1]), self.folder("again"))
        self.of = {net: self._run(call_of(name, given, self.folder(net), net), self.folder(net)) for net in nets}
        self.loose = {key for key in again if again[key] != self.of[nets[-1]].get(key)}

    def folder(self, net):
        """Name the folder of one net's result, as deep as those that are compared with it: files name others."""
        return self.workdir.with_name(f"two-{self.workdir.name}-{net}")

    def _run(self, call, out):
        out.mkdir(parents=True)
        ended = forked.run(call)
        if ended.code not in (0, 1):
            raise RuntimeError(f"{self.name} ended with {ended.code}: {ended.err[-300:]}")
        return contents(out)

    def wrong(self, found, *, together):
        """Say what is wrong with what was found, or nothing.

        Args:
            together: whether all files are of one result; else each for itself is of either.
        """
        if not found:
            return ""
        if together:
            different = {net: self._differing(found, whole) for net, whole in self.of.items()}
            return "" if not all(different.values()) else f"is no whole result: {different}"
        halves = [key for key in found if all(self._differs(found, whole, key) for whole in self.of.values())]
        return f"holds {halves[:3]}, of no result" if halves else ""

    def _differing(self, found, whole):
        return [key for key in {*found, *whole} if self._differs(found, whole, key)][:3]

    def _differs(self, found, whole, key):
        if key not in found or key not in whole:
            return True
        return key not in self.loose and found[key] != whole[key]


def settle(out):
    """Do what every command does before it writes: look after what killed processes left in all folders."""
    for folder in [path for path in (out, *out.rglob("*")) if path.is_dir() and ".fcn-" not in str(path)]:
        with scratch(folder):
            pass


def leftovers(out):
    """List what should not be there when all have ended."""
    return [path for path in out.rglob(".*") if path.name != ".fcn-labels.json"]
