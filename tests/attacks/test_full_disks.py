"""One command of those that `full_disks` attacks, with every third of its changes of files failing."""

import errno
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from serving.export.openvino import export as openvino_export
from tests.attacks.forked import Ended
from tests.attacks.full_disks import ROOT, judge, library_in

DOCTOR = "import os, sys; from training.doctor import main; code = main(sys.argv[1:]); "
DOCTOR += "os.environ['FAIL_AT'] = '0'; "


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_the_doctor_says_which_file_could_not_be_written(tmp_path):
    library = library_in(tmp_path)
    data, attacked = tmp_path / "data", Folder(tmp_path / "try")
    for name, shape in (("images", (8, 9, 3)), ("labels", (8, 9))):
        (data / name).mkdir(parents=True)
        Image.fromarray(np.zeros(shape, np.uint8)).save(data / name / "a.png")

    def run(at, reason):
        shutil.rmtree(attacked.folder, ignore_errors=True)
        (attacked.folder / "tmp").mkdir(parents=True)
        attacked.out.mkdir()
        code = f"{DOCTOR} import ctypes; print(ctypes.CDLL({str(library)!r}).failing_writes_count()); sys.exit(code)"
        command = [sys.executable, "-c", code, str(data), "--classes", "2", "--html", str(attacked.out / "page.html")]
        settings = {"FAIL_BELOW": f"{attacked.out}/", "FAIL_AT": str(at), "FAIL_WITH": str(reason), "FAIL_EVER": "1"}
        settings["LD_PRELOAD"] = str(library)
        done = subprocess.run(command, cwd=ROOT, env={**os.environ, **settings}, capture_output=True, timeout=120)
        changes = int(done.stdout.split()[-1])
        return Ended(done.returncode, b"", done.stderr), changes

    ended, changes = run(0, 0)
    assert (ended.code, attacked.files()) == (0, {"page.html"})
    for at, reason in zip(range(1, changes, 3), (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS) * 9, strict=False):
        ended, _ = run(at, reason)
        assert ended.code in (0, 2)
        assert judge(ended, attacked, {"page.html"}, None) == "", (at, reason)


class Folder:
    """As `full_disks.Try`, whose library is not loaded here."""

    def __init__(self, folder):
        self.folder, self.out = folder, folder / "out"

    def files(self):
        return {str(path.relative_to(self.out)) for path in self.out.rglob("*") if not path.is_dir()}


def test_openvino_says_not_why_it_cannot_write(tmp_path, monkeypatch):
    class Network:
        inputs = outputs = ()

    class OpenVINO:
        @staticmethod
        def Core():
            return OpenVINO

        @staticmethod
        def read_model(source):
            return Network

        @staticmethod
        def save_model(network, target, **options):
            raise RuntimeError("basic_ios::clear: iostream error")

    monkeypatch.setattr(openvino_export, "load_openvino", lambda: OpenVINO)
    (tmp_path / "net.onnx").write_bytes(b"a")
    with pytest.raises(OSError, match="Input/output error") as raised:
        openvino_export._convert(tmp_path / "net.onnx", tmp_path / "net.xml", {}, in_halves=False)
    assert (raised.value.errno, raised.value.filename) == (errno.EIO, str(tmp_path / "net.xml"))
