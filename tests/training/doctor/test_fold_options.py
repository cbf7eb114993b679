"""What does not go together is told in one line, before anything is read or TensorFlow starts."""

import sys

import pytest

from training.doctor.command import build_parser, main
from training.doctor.fold_options import check_options, say_plan


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--folds", "3", "--model", "runs"], "--folds trains nets to ask, and --model names one."),
        (["--folds", "1"], "--folds is at least 2 and at most 10. Received: 1."),
        (["--folds", "11"], "--folds is at least 2 and at most 10. Received: 11."),
        (["--folds", "2", "--minutes", "0"], "--minutes is above 0"),
        (["--folds", "2", "--minutes", "nan"], "--minutes is above 0"),
        (["--folds", "2", "--weights", "none.npz"], "--weights none.npz is missing."),
        (["--folds", "2", "--weights-preprocessing", "torch"], "goes with --weights FILE."),
        (["--folds", "2", "--fix", "fixed"], "--folds goes without --fix and --import: write the data set first"),
        (["--folds", "2", "--import", "--into", "new"], "--folds goes without --fix and --import"),
        (["--minutes", "3"], "--minutes goes with --folds K"),
        (["--model", "runs", "--weights-preprocessing", "torch"], "--weights-preprocessing goes with --folds K"),
    ],
)
def test_what_does_not_go_together(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    (tmp_path / "photos").mkdir()
    assert main(["photos", *words]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
    assert "tensorflow" not in sys.modules
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_it_says_at_once_for_how_long_it_trains(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    arguments = build_parser().parse_args(["photos", "--folds", "5"])
    check_options(arguments)
    say_plan(arguments)
    err = capsys.readouterr().err
    assert err.startswith("fcn-doctor: training 5 nets in folds, each without a fold of the images: 50 min in all.")
