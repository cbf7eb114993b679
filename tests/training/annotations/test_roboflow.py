"""`fcn-doctor --import roboflow`: `x.jpg`, `x_mask.png` and `_classes.csv`, in a folder a split or in one."""

import numpy as np
import pytest

from tests.training.imported import SIZE, ids_of, label, names, run_import
from tests.training.tiny import picture, write

TABLE = "Pixel Value, Class\n0, background\n1, road\n2, car\n"


def export(folder, keys, first, table=TABLE):
    for number, key in enumerate(keys, first):
        write(folder / f"{key}_jpg.rf.0a1b.jpg", picture(*SIZE, seed=number), quality=95)
        write(
            folder / f"{key}_jpg.rf.0a1b_mask.png", np.where(ids_of(number) == 255, 0, ids_of(number)).astype(np.uint8)
        )
    (folder / "_classes.csv").write_text(table)


def expected(number):
    return np.where(ids_of(number) == 255, 0, ids_of(number))


@pytest.mark.parametrize("kind", ["roboflow", "auto"])
def test_an_export_of_three_splits(source, out, capsys, kind):
    for place, (folder, keys) in enumerate((("train", "ab"), ("valid", "c"), ("test", "d"))):
        export(source / folder, keys, 10 * place)
    (source / "README.roboflow.txt").write_text("")
    assert run_import(kind, source, out) in (0, 1)  # such small images count as alike
    assert names(out) == ["background", "road", "car"]
    for split, key, number in (("train", "a", 0), ("train", "b", 1), ("val", "c", 10), ("test", "d", 20)):
        np.testing.assert_array_equal(label(out, f"{key}_jpg.rf.0a1b", split), expected(number))
    told = capsys.readouterr().out
    assert "left out, file of no known use: 1 (README.roboflow.txt)" in told
    assert ("taken for roboflow: there are test/_classes.csv and masks called _mask.png" in told) == (kind == "auto")


def test_one_folder(source, out, capsys):
    export(source, "ab", 0)
    write(source / "lone.jpg", picture(*SIZE))
    write(source / "widow_mask.png", ids_of(0))
    assert run_import("roboflow", source, out, "--val", "0") == 0
    np.testing.assert_array_equal(label(out, "b_jpg.rf.0a1b"), expected(1))
    told = capsys.readouterr().out
    assert "left out, image without mask: 1 (lone.jpg)" in told
    assert "left out, mask without image: 1 (widow_mask.png)" in told


def test_splits_that_number_their_classes_differently_are_told(source, out, capsys):
    export(source / "train", ["a", "b"], 0)
    export(source / "valid", ["c"], 2, TABLE.replace("2, car", "2, van"))
    assert run_import("roboflow", source, out) == 0
    assert "the splits number their classes differently: 2 is car in train, van in val" in capsys.readouterr().out
    assert names(out) == ["background", "road", "car", "van"]
    found = expected(2)
    np.testing.assert_array_equal(label(out, "c_jpg.rf.0a1b", "val"), np.where(found == 2, 3, found))
