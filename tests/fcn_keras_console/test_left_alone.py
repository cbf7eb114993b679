from pathlib import Path

from fcn_keras_console.left_alone import as_line, kinds_of, left_alone


def test_kinds(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    paths = [Path(name) for name in ("b/.DS_Store", "LICENSE", "a.HEIC", "c.heic", "x.cr3", ".git")]
    kinds = kinds_of([*paths, tmp_path / "link"])
    assert list(kinds.items()) == [(".cr3", 1), (".heic", 2), ("no extension", 1), ("link", 1), ("hidden file", 2)]


def test_a_line():
    kinds = {".heic": 1200, "no extension": 1, "hidden file": 1, "file in Depth": 2, "image of the split test": 1}
    told = "1,200 .heic, 1 no extension, 1 hidden file, 2 files in Depth, 1 image of the split test"
    assert left_alone(kinds) == f"left alone: {told}"
    assert as_line(kinds) == f"\nLeft alone: {told}."
    assert left_alone({".heic": 2}, {".heic": "pip install it"}) == "left alone: 2 .heic (pip install it reads them)"
    assert left_alone({".heic": 0}) == as_line({}) == ""
