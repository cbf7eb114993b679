"""What `make soak` makes of attacks that survive, lose, crash, hang and try nothing."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.attacks import soak
from tests.attacks.outcome import Outcome

ROOT = Path(__file__).resolve().parents[2]
HEAD = "from pathlib import Path\nfrom tests.attacks.outcome import Outcome\ndef soak(seconds, workdir):\n"
FAKES = {
    "survives": "return [Outcome('quiet', 1200), Outcome('loud', 3, ('the second said 500',))]",
    "crashes": "raise KeyError('nothing here')",
    "dies": "import os; os.kill(os.getpid(), 9)",
    "breaks": "import atexit, os; atexit.register(os._exit, 3); return [Outcome('breaks', 9)]",
    "lazy": "return [Outcome('lazy', 0)]",
    "hangs": """
    import subprocess, sys, time
    child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])
    Path(__file__).with_suffix('.pid').write_text(str(child.pid))
    time.sleep(600)""",
}


@pytest.fixture
def fakes(tmp_path, monkeypatch):
    """Modules `fake_<name>` on the path of the processes that attack."""
    for name, body in FAKES.items():
        (tmp_path / f"fake_{name}.py").write_text(f"{HEAD}    {body}\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return {name: f"fake_{name}" for name in FAKES}


def running(pid):
    """Whether a process is there and not merely unreaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_one_attack_ends_no_other(fakes, tmp_path, capsys):
    outcomes = soak.run_all(fakes, seconds=6, at_once=2, grace=1)
    named = {outcome.attack: outcome for outcome in outcomes}
    assert [outcome.attack for outcome in outcomes] == ["quiet", "loud", "crashes", "dies", "breaks", "lazy", "hangs"]
    assert named["quiet"] == Outcome("quiet", 1200)
    assert named["loud"].survived == 2
    assert named["crashes"].lost == ("the attack itself ended with 1: KeyError: 'nothing here'",)
    assert named["dies"].lost == ("the attack itself ended with -9: it printed nothing",)
    assert named["breaks"].lost == ("the attack itself ended with 3: it printed nothing",)
    assert "tried nothing" in named["lazy"].lost[0]
    assert "still ran 1 s after its 2 s" in named["hangs"].lost[0]
    pid = int((tmp_path / "fake_hangs.pid").read_text())
    deadline = time.monotonic() + 10
    while running(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not running(pid)
    assert "soak: survives: " in capsys.readouterr().err


def test_the_table_sums_and_names_what_was_lost():
    outcomes = [Outcome("kills", 1000), Outcome("fuzz", 12_345, ("seed 7: MemoryError", "seed 9: hang"))]
    assert soak.table(outcomes).splitlines() == [
        "| attack | tries | survived | lost |",
        "|---|---|---|---|",
        "| kills | 1 000 | 1 000 | 0 |",
        "| fuzz | 12 345 | 12 343 | 2 |",
        "| all | 13 345 | 13 343 | 2 |",
        "LOST fuzz: seed 7: MemoryError",
        "LOST fuzz: seed 9: hang",
    ]


@pytest.mark.parametrize(("lost", "status"), [((), 0), (("one",), 1)])
def test_the_status_says_whether_anything_was_lost(lost, status, tmp_path, monkeypatch, capsys):
    given = []
    monkeypatch.setattr(
        soak,
        "run_all",
        lambda *arguments: given.append(arguments) or [Outcome("quiet", 9), Outcome("outcome", 4, lost)],
    )
    assert soak.main(["outcome", "--minutes", "2", "--at-once", "1", "--json", str(tmp_path / "table.json")]) == status
    assert given == [({"outcome": "tests.attacks.outcome"}, 120, 1)]
    [_, row] = json.loads((tmp_path / "table.json").read_text(encoding="utf-8"))["outcomes"]
    assert row == {"attack": "outcome", "tries": 4, "lost": list(lost), "survived": 4 - len(lost)}
    assert [path.name for path in tmp_path.iterdir()] == ["table.json"]
    assert "| all | 13 |" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["kilns"], "Received: kilns. Choose of: kills"),
        (["--minutes", "0"], "must be positive"),
        (["--at-once", "0"], "1 or more"),
    ],
)
def test_wrong_options_are_named(arguments, message, capsys):
    with pytest.raises(SystemExit) as ended:
        soak.main([*arguments, "outcome"])
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_it_runs_as_a_script():
    script = ROOT / "tests" / "attacks" / "soak.py"
    ended = subprocess.run([sys.executable, str(script), "kilns"], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert "expected a module tests/attacks/kilns.py" in ended.stderr
