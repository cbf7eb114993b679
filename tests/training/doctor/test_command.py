"""`fcn-doctor`: every planted fault is found, clean data is left in peace, and the numbers are right."""

import json
import shutil

import numpy as np
from PIL import Image

from fcn_keras.visualize import palette
from tests.training.faulty import (
    change,
    masks,
)
from training.doctor.command import main


def test_command_prints_and_writes(data, tmp_path, capsys):
    change(masks(data, "train")[:2], lambda ids: palette()[ids])
    out = tmp_path / "report"
    assert main([str(data), "--output", str(out)]) == 1
    printed = capsys.readouterr().out
    assert "error  mask-is-rgb" in printed
    assert "fcn-train --buckets 64x96; " in printed
    assert "Counted without the 2 pairs that have errors." in printed
    assert (out / "doctor.txt").read_text() == printed
    report = json.loads((out / "doctor.json").read_text())
    assert [finding["code"] for finding in report["findings"]] == ["mask-is-rgb"]
    assert min(Image.open(out / "doctor.png").size) > 400


def test_command_prints_json(origin, capsys):
    assert main([str(origin), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["buckets"] == [[64, 96]]
    assert len(report["class_weights"]) == 8


def test_bad_input_is_one_line(tmp_path, capsys):
    for folder, message in ((tmp_path / "none", "is not a folder"), (tmp_path, "holds no data set")):
        assert main([str(folder)]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("fcn-doctor: ")
        assert message in err
        assert err.count("\n") == 1


def test_it_names_what_comes_next(data, capsys):
    main([str(data), "--quiet"])
    assert "next:" not in capsys.readouterr().err
    assert main([str(data), "--ignore-label", "250"]) == 0
    assert f"next: fcn-train --data {data} --minutes 10 --ignore-label 250\n" in capsys.readouterr().err
    change(masks(data, "train")[:2], lambda ids: palette()[ids])
    assert main([str(data)]) == 1
    assert f"next: fcn-doctor {data} --fix {data}-fixed\n" in capsys.readouterr().err
    assert main([str(data), "--ignore-label", "250"]) == 1
    assert f"next: fcn-doctor {data} --fix {data}-fixed --ignore-label 250\n" in capsys.readouterr().err


def test_it_names_the_data_set_in_a_folder_above_it(data, capsys):
    (data / "val").rename(data / "photos")
    shutil.rmtree(data / "train")
    assert main([str(data)]) == 0
    assert capsys.readouterr().err == f"next: fcn-doctor {data / 'photos'}\n"
    assert main([str(data), "--classes", "9", "--ignore-label", "250"]) == 0
    assert capsys.readouterr().err == f"next: fcn-doctor {data / 'photos'} --classes 9 --ignore-label 250\n"


def test_it_names_no_correction_where_one_has_to_be_chosen(data, capsys):
    change(masks(data, "train"), lambda ids: np.where(ids == 0, 255, ids - 1).astype(np.uint8))
    change(masks(data, "train")[:1], lambda ids: np.full_like(ids, 9))
    assert main([str(data)]) == 1
    report, err = capsys.readouterr()
    assert ("--read-as" in report) != ("next:" in err)
