"""The bounds in setup.py, the pins in requirements.txt, what is installed and what docs/dependencies.md says agree."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.dependencies import suite
from tests.dependencies.declared import bound, declared, pins

ROOT = Path(__file__).resolve().parents[2]
NEEDS = [(extra, need) for extra, needs in declared().items() for need in needs]
UNPINNED = {"mlflow"}  # too large to be installed for one test, which goes without
TENSORFLOWS = {"tensorflow", "tensorflow-cpu"}
# It is there for its messages alone: tests/serving/requirements.txt.
ORACLE = re.compile(r"tensorflow-serving-api \S+ requires tensorflow, which is not installed\.\n")
PINNED = {canonicalize_name(pin.name): bound(pin, "==") for pin in pins("requirements.txt")}


def test_setup_is_read():
    assert {
        "",
        "cpu",
        "cuda",
        "datasets",
        "serve",
        "client",
        "onnx",
        "openvino",
        "litert",
        "jax",
        "batch",
        "completion",
        "mlflow",
        "safetensors",
        "video",
        "heif",
        "coco",
        "yolo",
        "cvat",
        "label-studio",
    } == set(declared())
    assert not any(need.name.startswith("tensorflow") for need in declared()[""])  # Colab keeps its own
    assert {need.name for need in declared()["cpu"]} >= {"tensorflow", "tensorflow-cpu"}


@pytest.mark.parametrize(("extra", "need"), NEEDS, ids=str)
def test_every_need_is_bounded_on_both_sides_and_pinned_between(extra, need):
    low, high = bound(need, ">="), bound(need, "<")
    assert None not in (low, high), f"{need}: say the oldest and the newest that were tested"
    assert Version(low) < Version(high)
    if extra in UNPINNED:
        return
    version = PINNED.get(canonicalize_name(need.name))
    assert version, f"{need.name} has no pin in requirements.txt"
    assert need.specifier.contains(version), f"requirements.txt pins {need.name} {version}, setup.py says {need}"


@pytest.mark.parametrize("pin", [*pins("requirements.txt"), *pins("requirements-tests.txt")], ids=str)
def test_every_pin_is_one_version_for_all(pin):
    """No marker: all machines that the tests run on have the same. TensorFlow's goes by two names."""
    assert bound(pin, "==")
    assert len(pin.specifier) == 1
    assert (pin.marker is None) == (pin.name not in TENSORFLOWS)


@pytest.mark.parametrize(
    ("system", "machine", "expected"),
    [
        ("linux", "x86_64", "tensorflow-cpu"),
        ("win32", "AMD64", "tensorflow-cpu"),
        ("linux", "aarch64", "tensorflow"),
        ("win32", "ARM64", "tensorflow"),
        ("darwin", "arm64", "tensorflow"),
        ("darwin", "x86_64", "tensorflow"),
    ],
)
def test_every_machine_gets_one_tensorflow_without_cuda(system, machine, expected):
    """The registry has wheels of `tensorflow-cpu` for two kinds of machine; two in one folder damage each other."""
    environment = {"sys_platform": system, "platform_machine": machine}
    for needs in (declared()["cpu"], pins("requirements.txt")):
        named = [need for need in needs if need.name in TENSORFLOWS]
        assert [need.name for need in named if need.marker.evaluate(environment)] == [expected]
        assert len({str(need.specifier) for need in named}) == 1
        assert not any(need.extras for need in named)


def test_one_name_has_one_range():
    ranges = {}
    for _, need in NEEDS:
        assert ranges.setdefault(canonicalize_name(need.name), need.specifier) == need.specifier, need.name


def test_the_documented_table_is_setup_py():
    text = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w-]+)` \| ([\w, -]*) \| `(\S+)` \| (\S+) \| (\S+) \|", text, re.MULTILINE)
    documented = {name: (extras, limits) for name, extras, limits, _, _ in rows}
    expected = {}
    for extra, need in NEEDS:
        expected.setdefault(canonicalize_name(need.name), ([], need))[0].append(extra or "always")
    assert documented == {
        name: (", ".join(extras), f">={bound(need, '>=')},<{bound(need, '<')}")
        for name, (extras, need) in expected.items()
    }
    for name, _, _, oldest, newest in rows:
        need = expected[name][1]
        assert need.specifier.contains(oldest)
        assert need.specifier.contains(newest)
        assert Version(oldest) == Version(bound(need, ">=")), f"{name}: the lower bound is not what was tested"


def test_installed_packages_agree():
    checked = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True, timeout=120)
    if "No module named pip" in checked.stderr:
        pytest.skip("needs pip in this environment")
    assert ORACLE.sub("", checked.stdout) in ("", "No broken requirements found.\n")


@pytest.mark.parametrize(
    ("which", "wanted", "unwanted"),
    [
        ("oldest", ["--resolution", "lowest-direct", "--extra=batch"], []),
        ("newest", ["--extra=jax"], ["--extra=batch", "lowest-direct"]),
    ],
)
def test_a_suite_installs_checks_and_tests(which, wanted, unwanted, monkeypatch, tmp_path):
    """The commands that would run; `make test-oldest` and `make test-newest` run them."""
    ran = []

    def record(command, **_):
        ran.append([str(part) for part in command])
        return subprocess.CompletedProcess(command, 5, stdout=b"[]")

    monkeypatch.setattr(subprocess, "run", record)
    monkeypatch.setattr(suite.shutil, "which", lambda *_, **__: "uv")
    monkeypatch.setattr(suite, "ROOT", tmp_path)
    assert suite.main([which, "--python", "/usr/bin/python9"]) == 5
    venv, install, editable, check, oracles, _, tests = ran
    assert venv[-2:] == ["/usr/bin/python9", str(tmp_path / f".venv-{which}")]
    assert set(wanted) <= set(install)
    assert not set(unwanted) & set(install)
    assert editable[-2:] == ["--editable", "."]
    assert check[1:3] == ["pip", "check"]
    assert oracles[-3:] == ["--no-deps", "--requirement", "tests/serving/requirements.txt"]
    assert "--extra=cpu" in install
    assert "--extra=cuda" not in install
    assert tests[0] == str(tmp_path / f".venv-{which}" / "bin" / "python")
    assert tests[1:5] == ["-m", "pytest", "-n", "2"]
    assert install[-4:] == ["--requirement", "setup.py", "--requirement", "requirements-tests.txt"]
