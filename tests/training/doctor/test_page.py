"""The page: what was found, with thumbnails, and nothing of strangers as markup."""

import json

import numpy as np
import pytest
from PIL import Image

from tests.training.faulty import change, masks, voc_colors
from tests.training.report.page_reader import Page
from training.doctor import page as module
from training.doctor.command import main
from training.doctor.examination import examination

EVIL = "<img src=x onerror=alert(1)>"


def written(folder, out, *options):
    main([str(folder), "--html", str(out), "--quiet", *options])
    return Page(out)


def figures(page):
    return [found for tag, found in page.tags if tag == "img"]


def test_every_finding_has_its_card_and_thumbnails(data, tmp_path, capsys):
    change(masks(data, "train")[:5], voc_colors)
    (data / "val" / "images" / "0.png").rename(data / "val" / "images" / f"{EVIL}.png")
    found = written(data, tmp_path / "doctor.html", "--json")
    report = json.loads(capsys.readouterr().out)
    assert len(report["findings"]) >= 3
    for finding in report["findings"]:
        assert finding["code"] in found.text
        assert finding["message"] in found.text
    thumbnails = [figure["alt"] for figure in figures(found) if figure["alt"].endswith("painted over it")]
    assert [alt for alt in thumbnails if alt.startswith("train/labels")] == [
        f"train/labels/{number}.png: photograph, and the mask painted over it" for number in range(4)
    ]
    assert "train/labels/4.png" in found.text  # named, not drawn
    assert f"val/images/{EVIL}.png" in found.text


def test_nothing_is_loaded_and_nothing_strange_is_markup(data, tmp_path):
    names = (data / "classes.txt").read_text().splitlines()
    (data / "classes.txt").write_text("\n".join([f"{EVIL}</table>", *names[1:]]) + "\n")
    (data / "train" / "images" / "0.png").rename(data / "train" / "images" / f"{EVIL}.png")
    found = written(data, tmp_path / "doctor.html")
    assert not {tag for tag, _ in found.tags} & {"script", "link", "iframe", "object", "form", "base"}
    assert all(figure["src"].startswith("data:image/") for figure in figures(found))
    assert not [name for _, attributes in found.tags for name in attributes if name.startswith("on")]
    assert "default-src 'none'" in (tmp_path / "doctor.html").read_text()


def test_classes_by_split_and_where_they_lie(data, tmp_path):
    found = written(data, tmp_path / "doctor.html")
    rows = found.table("Shares of the labelled pixels")
    report = examination(data).report
    assert rows[0] == ["class", "train: % of pixels", "images", "val: % of pixels", "images", "weight"]
    for index, row in enumerate(rows[1:]):
        shares = [report.class_frequencies[split][index] for split in ("train", "val")]
        held = [report.class_images[split][index] for split in ("train", "val")]
        assert row == [
            report.class_names[index],
            f"{100 * shares[0]:.2f}",
            str(held[0]),
            f"{100 * shares[1]:.2f}",
            str(held[1]),
            f"{report.class_weights[index]:.4f}",
        ]
    maps = [figure["alt"] for figure in figures(found) if figure["alt"].startswith("where ")]
    assert len(maps) == 8
    shares = examination(data).heat.shares(8).max(axis=(1, 2))
    assert [alt.rpartition("up to ")[2] for alt in maps] == [f"{100 * share:.2f} %" for share in shares]
    assert "Nothing is wrong." in found.text


def test_images_that_hold_a_class_are_counted(data):
    report = examination(data).report
    for split in ("train", "val"):
        own = [np.unique(np.array(Image.open(path))) for path in masks(data, split)]
        assert report.class_images[split] == tuple(sum(c in ids for ids in own) for c in range(8))


def test_a_page_stays_small_whatever_is_wrong(data, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_DRAWN", 3)
    monkeypatch.setattr(module, "_NAMED", 2)
    change(masks(data), voc_colors)
    found = written(data, tmp_path / "doctor.html")
    assert len([figure for figure in figures(found) if figure["alt"].endswith("painted over it")]) == 3
    assert "7 files besides" in found.text
    assert "and 5 more" in found.text


def test_odd_names_and_an_empty_data_set(data, tmp_path):
    for path in (data / "val" / "images").glob("*"):
        path.write_bytes(b"no picture")
    for path in (data / "train").rglob("*.png"):
        path.unlink()
    (data / "val" / "images" / "0.png").rename(
        data / "val" / "images" / b"\xff\x07.png".decode(errors="surrogateescape")
    )
    found = written(data, tmp_path / "doctor.html")
    assert "No image could be read." in found.text
    assert "\\udcff\\x07.png" in found.text


@pytest.mark.parametrize("kind", ["a folder", "below a file"])
def test_a_page_that_cannot_be_written_is_told_before_anything_is_read(data, tmp_path, capsys, kind):
    (tmp_path / "file").write_text("")
    out = tmp_path if kind == "a folder" else tmp_path / "file" / "page.html"
    assert main([str(data), "--html", str(out)]) == 2
    printed, error = capsys.readouterr()
    assert printed == ""
    assert error.startswith("fcn-doctor: ")
    assert error.count("\n") == 1
