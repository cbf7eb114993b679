"""Some of what `odd_names` tries, in one process."""

import random

import pytest

from tests.attacks import odd_names
from tests.attacks.forked import Ended, main_of
from tests.attacks.odd_names import commands, hidden_in, judge

QUICK = ("predict", "rank", "doctor", "check", "kit", "bound")


@pytest.fixture(scope="module")
def nets(tmp_path_factory):
    """The network that the commands label with."""
    from fcn_keras.models import FCN8s
    from tests.training.small_run import TINY

    folder = tmp_path_factory.mktemp("nets")
    FCN8s(4, channels=TINY).save(folder / "net.keras")
    return folder


@pytest.mark.filterwarnings("ignore:Glyph")  # of Matplotlib's font
def test_no_name_steers_a_terminal(nets, tmp_path, capfd):
    generator = random.Random(2)
    kept = odd_names.data_set(tmp_path / "data", generator)
    odd_names.coco(tmp_path / "coco", generator)
    odd_names.spoil(tmp_path / "data", generator)
    for command in commands(tmp_path, generator, nets):
        if command[0] not in QUICK:
            continue
        try:
            code = main_of(command[0])([*map(str, command[1:])])
        except SystemExit as ended:
            code = ended.code
        out, err = capfd.readouterr()
        pages = [(path.name, path.read_bytes()) for path in tmp_path.rglob("*.html")]
        assert judge(command, Ended(code, out.encode(), err.encode()), pages) == "", command
        if command[0] == "predict" and code == 0 and "--json" not in command:
            assert kept in out + err


def test_the_judge_sees():
    assert hidden_in("a\x1bb\u202e\x9b") == ["\x1b", "\u202e", "\x9b"]
    assert hidden_in("a\u200db") == ["\u200d"]
    assert hidden_in("\U0001f468\u200d\U0001f469 Größe") == []
    command = ["predict", "--json"]
    assert "no JSON" in judge(command, Ended(0, b"{", b""), [])
    assert "line of a stranger's" in judge(["kit"], Ended(0, b"a\nFORGED: b", b""), [])
    assert "holds" in judge(["kit"], Ended(0, b"", b""), [("page.html", b"\x1b")])
    assert "exit 70" in judge(["kit"], Ended(70, b"", b""), [])
    assert judge(["kit"], Ended(2, b"a\n", b"fcn-kit: b\n"), []) == ""
