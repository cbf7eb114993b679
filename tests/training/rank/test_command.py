"""`fcn-rank`: its table, its JSON, what it writes, and what a user reads when it fails."""

import csv
from functools import partial

import pytest

from fcn_keras.models import FCN32s
from tests.training import tiny
from tests.training.rank.test_labelled import listed
from tests.training.tiny import NARROW, picture, printed, saved, snapshot, write
from training.rank.command import main
from training.workdir.data_list import digest_of_file

error_of = partial(tiny.error_of, main)


def photos_in(folder):
    """Write four photographs, two of them nearly the same."""
    for number, name in enumerate(("a.png", "b.png", "inner/c.png", "inner/d.jpg")):
        write(folder / name, picture(64, 80, max(number, 1)))
    return folder


@pytest.fixture
def photos(tmp_path):
    return photos_in(tmp_path / "photos")


def test_the_table_and_its_json(named_net, photos, tmp_path, capsys):
    (photos / "notes.txt").touch()
    assert main([str(named_net), str(photos), "--top", "3"]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0].split() == ["photograph", "entropy", "margin", "why"]
    assert lines[-1] == "3 of 4 photographs to label next; left alone: 1 .txt"
    assert err.splitlines()[-1].startswith("next: fcn-rank ")
    report = printed(main, capsys, named_net, photos, "--top", 4)
    files = [row["file"] for row in report["ranking"]]
    assert [line.split()[1] for line in lines[1:-1]] == files[:3]
    assert sorted(files) == sorted(map(str, (*photos.glob("*.png"), *photos.glob("inner/*"))))
    twins = [str(photos / name) for name in ("a.png", "b.png")]
    assert files[-1] in twins  # the other one stands before it
    assert report["ranking"][-1]["nearest"] in twins
    assert report["ranking"][-1]["distance"] == pytest.approx(0, abs=1e-6)
    assert (report["photographs"], report["labelled"], report["by"], report["output"]) == (4, None, "entropy", None)


def test_what_is_written(named_net, photos, tmp_path, capsys):
    out = tmp_path / "round1"
    before = snapshot(photos)
    report = printed(main, capsys, named_net, photos, "--top", 2, "--output", out)
    assert sorted(path.name for path in out.iterdir()) == ["ranking.csv", "sheet.jpg"]
    with (out / "ranking.csv").open(newline="") as file:
        assert [row["file"] for row in csv.DictReader(file)] == [row["file"] for row in report["ranking"]]
    assert "round1 is not empty" in error_of(capsys, named_net, photos, "--output", out)
    assert "Name a folder outside" in error_of(capsys, named_net, photos, "--output", photos / "out")
    assert snapshot(photos) == before


def test_by_agreement_of_copies(named_net, photos, capsys):
    options = ["--tta", "--tta-scales", 1, "--by", "agreement"]
    first, *_ = ranking = printed(main, capsys, named_net, photos, *options)["ranking"]
    assert first["agreement"] == min(row["agreement"] for row in ranking)


def test_what_the_run_knows_is_left_out_and_counted(named_net, photos, tmp_path, capsys):
    net = tmp_path / "run" / "best.keras"
    net.parent.mkdir()
    net.write_bytes(named_net.read_bytes())
    listed(net, [digest_of_file(photos / "a.png")])  # b.png has the same bytes
    assert main([str(net), str(photos)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "2 of 2 photographs to label next; 2 left out that the run knows"
    assert "knows all of 2 photographs" in error_of(capsys, net, _alone(photos, tmp_path))


def _alone(photos, tmp_path):
    for name in ("a.png", "b.png"):
        write(tmp_path / "few" / name, picture(64, 80, 1))
    return tmp_path / "few"


def test_damaged_photographs(named_net, photos, capsys):
    (photos / "e.jpg").write_bytes(b"nothing")
    assert "e.jpg" in error_of(capsys, named_net, photos)
    assert main([str(named_net), str(photos), "--on-error", "skip"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[-1] == "4 of 4 photographs to label next; 1 skipped"
    assert "fcn-rank: skipped: " in err


def test_nets_that_cannot_tell(tmp_path, photos, capsys):
    net = saved(FCN32s(3, channels=NARROW, modality="rgbd"), tmp_path / "depth.keras")
    assert "takes more than colour" in error_of(capsys, net, photos)
    (tmp_path / "fcn" / "1").mkdir(parents=True)
    (tmp_path / "fcn" / "1" / "saved_model.pb").touch()
    assert "which gives no features of fc7" in error_of(capsys, tmp_path / "fcn", photos)
