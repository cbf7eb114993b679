"""`fcn-doctor --folds`: pairs are divided once, the trainings get what they need, and all is told in one report."""

import json
import shutil
from pathlib import Path

import pytest

import fcn_keras as fcn
from fcn_keras.datasets.folder import Folder
from tests.training.faulty import change, masks
from training.doctor import fold_training
from training.doctor.command import build_parser, main
from training.doctor.examination import examination
from training.doctor.folds import divided, files_of, options_for


@pytest.fixture(scope="module")
def narrow(tmp_path_factory):
    path = tmp_path_factory.mktemp("narrow") / "best.keras"
    fcn.FCN32s(8, padding="caffe", channels=(((4, 2), (8, 2), (16, 3), (32, 3), (32, 3)), 256)).save(path)
    return path


def test_near_duplicates_share_a_fold_and_errors_are_left_out(data):
    for name in ("labels", "images"):
        shutil.copy(data / f"train/{name}/0.png", data / f"val/{name}/twin.png")
    change(masks(data, "train")[1:2], lambda ids: ids * 0 + 77)
    result = examination(data)
    fold_of = divided(result, 3)
    by_name = {name: fold_of[index] for index in fold_of for name in files_of(result, [index])}
    assert len(fold_of) == len(by_name) == 10  # of 11, one is wrong; 1 of train and 1 of val are two
    assert "train/1" not in by_name
    assert by_name["val/twin"] == by_name["train/0"]
    assert sorted(list(by_name.values()).count(number) for number in range(3)) == [3, 3, 4]
    assert files_of(result, [0]) == {"train/0": (data / "train/images/0.png", data / "train/labels/0.png")}
    with pytest.raises(ValueError, match=r"10 folds need 10 images or more\. There are 10, of which 9 are left"):
        divided(result, 10)


def test_what_is_passed_on(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = examination(data, ignore_label=250)
    given = ["x", "--folds", "2", "--minutes", "0.5", "--weights", "a b.npz", "--weights-preprocessing", "torch"]
    assert options_for(result, build_parser().parse_args(given)) == [
        f"--classes={data}/classes.txt",
        "--ignore-label=250",
        f"--weights={tmp_path}/a b.npz",
        "--weights-preprocessing=torch",
        "--minutes=0.5",
    ]
    (data / "classes.txt").unlink()
    arguments = build_parser().parse_args(["x", "--folds", "2", "--minutes", "1"])
    assert options_for(examination(data), arguments) == ["--classes=8", "--minutes=1"]  # as many in every fold


def test_each_fold_is_judged_by_the_net_trained_without_it(origin, narrow, tmp_path, monkeypatch, capsys):
    """The training is replaced by one that leaves the narrow net, and looks at the data that it is given."""
    validated = []

    def trained(words, log):
        options = dict(word[2:].split("=", 1) for word in words)
        splits = {
            name: Folder(options["data"], name, classes=options["classes"]).files["image"] for name in ("train", "val")
        }
        learnt, judged = ({path.resolve() for path in splits[name]} for name in ("train", "val"))
        assert learnt | judged == {path.resolve() for path in origin.glob("*/images/*")}
        assert not learnt & judged
        validated.extend(judged)
        stage = Path(options["workdir"], "quick_fcn8s")
        stage.mkdir(parents=True, exist_ok=True)
        shutil.copy(narrow, stage / "best.keras")
        (stage / "summary.json").write_text('{"best": {"val_mean_iu": 0.5}}')
        return 0

    monkeypatch.setattr(fold_training, "_code_of", trained)
    words = [str(origin), "--folds", "2", "--workdir", str(tmp_path / "nets"), "--html", str(tmp_path / "doctor.html")]
    assert main([*words, "--json"]) == 0
    out, err = capsys.readouterr()
    told = json.loads(out)["suspects"]
    assert (told["asked"], told["left_out"], told["model"]) == (10, 0, str(tmp_path / "nets"))
    assert told["notes"][0].startswith("Out-of-fold: each mask is judged by the one of 2 nets that was not trained on")
    assert told["notes"][1] == "The nets' mean IU on what they judge: 50.00, 50.00 %."
    assert len(validated) == len(set(validated)) == 10
    assert "fcn-doctor: fold 1 of 2: training on 5 images, 5 to judge; " in err
    assert "Masks that the net contradicts" in (tmp_path / "doctor.html").read_text()


def test_a_failed_training_ends_it_with_one_line(origin, tmp_path, monkeypatch, capsys):
    log, codes = tmp_path / "fold_1_of_2" / "train.log", [2, -9]

    def fails(words, log):
        with log.open("a") as file:
            file.write("Reading\nfcn-train: The disk is full.\nnext: something\n" if codes[0] == 2 else "Reading\n")
        return codes.pop(0)

    monkeypatch.setattr(fold_training, "_code_of", fails)
    for how in ("exit code 2: The disk is full.", "signal 9."):  # the words of the call before are not its own
        assert main([str(origin), "--folds", "2", "--workdir", str(tmp_path), "--quiet"]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith(f"fcn-doctor: fold 1 of 2: its training ended with {how} See {log}. If images, ")
        assert err.count("\n") == 1
