"""What is handed over is what `fcn-predict` writes of the copies."""

import json
import shlex

from PIL import Image

from tests.training.rank.test_command import photos_in
from training.doctor.command import main as doctor
from training.predict.command import main as predict
from training.rank.command import main


def test_the_labels_are_those_of_predict_and_come_back(named_net, tmp_path, capsys):
    photos = photos_in(tmp_path / "photos")
    out = tmp_path / "round1"
    assert main([str(named_net), str(photos), "--top", "2", "--output", str(out), "--format", "labelme"]) == 0
    told = capsys.readouterr().err
    copies = sorted(path.relative_to(out / "photographs") for path in (out / "photographs").rglob("*.*"))
    assert len(copies) == 2
    assert all((out / "photographs" / name).read_bytes() == (photos / name).read_bytes() for name in copies)
    again = tmp_path / "again"
    assert predict([str(named_net), str(out / "photographs"), "--output", str(again), "--format", "labelme,ids"]) == 0
    for name in copies:
        ours, theirs = (json.loads((x / "labelme" / name.with_suffix(".json")).read_text()) for x in (out, again))
        assert ours["shapes"] == theirs["shapes"]
        assert (out / "labelme" / name.parent / ours["imagePath"]).resolve() == out / "photographs" / name
    words = shlex.split(told.splitlines()[-1])
    assert words[:2] == ["next:", "fcn-doctor"]
    assert words[-2:] == ["--val", "0"]  # docs/next-round.md looks for all pairs in one folder
    assert doctor(words[2:]) in (0, 1)  # a class that is nowhere is an error of a data set
    for name in copies:
        with (
            Image.open(tmp_path / "round1_labelled" / "labels" / name.with_suffix(".png")) as file,
            Image.open(again / "ids" / name.with_suffix(".png")) as expected,
        ):
            assert file.tobytes() == expected.tobytes()


def test_one_file_for_all(named_net, tmp_path, capsys):
    photos = photos_in(tmp_path / "photos")
    out = tmp_path / "round1"
    assert main([str(named_net), str(photos), "--top", "2", "--output", str(out), "--format", "label-studio"]) == 0
    tasks = json.loads((out / "label_studio.json").read_text())
    assert len(tasks) == 2
    made = ["label_studio.json", "photographs", "ranking.csv", "sheet.jpg"]
    assert sorted(path.name for path in out.iterdir()) == made
