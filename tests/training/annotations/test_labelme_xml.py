"""LabelMe's XML: as Datumaro writes it, and what strangers put into such files."""

import numpy as np
import pytest
from PIL import Image

from tests.training.annotations.exports.packed import unpacked
from tests.training.imported import files, label, names, run_import
from tests.training.tiny import picture

SQUARE = "".join(f"<pt><x>{x}</x><y>{y}</y></pt>" for x, y in ((2, 3), (7, 3), (7, 9), (2, 9)))


def drawn_by_tool(folder, name):
    """Return the label map that the tool itself makes of its file."""
    return np.array(Image.open(unpacked("shapes", "expected", folder / "expected") / f"{name}.png"))


def xml(source, *objects, folder="", more=""):
    """Write one image of 20x24 and its XML."""
    Image.fromarray(picture(20, 24)).save(source / "a.png")
    text = f"<annotation><filename>a.png</filename><folder>{folder}</folder>{more}{''.join(objects)}</annotation>"
    (source / "a.xml").write_text(text)
    return source


def thing(points=SQUARE, name="cat", more=""):
    return f"<object><name>{name}</name><deleted>0</deleted>{more}<polygon>{points}</polygon></object>"


def square():
    found = np.zeros((20, 24), np.uint8)
    found[3:9, 2:7] = 1
    return found


@pytest.mark.parametrize(("split", "key"), [("train", "scene0"), ("val", "scene1")])
def test_datumaros_export_against_what_it_draws_itself(tmp_path, out, capsys, split, key):
    assert run_import("labelme", unpacked("shapes", "datumaro_label_me", tmp_path / "export"), out) in (0, 1)
    np.testing.assert_array_equal(label(out, key, split), drawn_by_tool(tmp_path, f"datumaro_label_me/{key}"))
    assert names(out) == ["background", "car", "road", "tree"]
    told = capsys.readouterr().out
    assert "left out, box (--boxes rectangle or void draws it): 2 (Annotations/train/scene0.xml: shape 7 (tree)" in told
    assert "image without annotation" not in told  # the masks are no images
    assert "val/images/scene1.png" in files(out)


def test_boxes_may_be_drawn(source, out):
    xml(source, thing(more="<type>bounding_box</type>"))
    assert run_import("labelme", source, out, "--val", "0", "--boxes", "rectangle") == 0
    np.testing.assert_array_equal(label(out, "a"), square())


FAULTS = {
    "two points": (thing(SQUARE[: len(SQUARE) // 2]), "polygon of fewer than three points"),
    "text": (thing(SQUARE.replace("7", "seven")), "coordinates that are no numbers"),
    "no points": (thing(""), "shape without points"),
    "nan": (thing(SQUARE.replace("7", "nan")), "coordinates that are no finite numbers"),
    "no name": (thing(name=""), "shape without a name of a class"),
    "deleted": (thing().replace("<deleted>0", "<deleted>1"), "object that was deleted in LabelMe"),
    "no mask": ("<object><name>cat</name><segm><mask>../a.png</mask></segm></object>", "mask whose file is missing"),
    "outside": (thing(SQUARE.replace("<x>", "<x>3")), "shape outside of the image"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_one_bad_object_costs_neither_the_image_nor_the_import(source, out, capsys, fault):
    bad, reason = FAULTS[fault]
    assert run_import("labelme", xml(source, thing(), bad), out, "--val", "0") == 0
    np.testing.assert_array_equal(label(out, "a"), square())
    told = capsys.readouterr().out
    assert "shapes left out: 1 of 2" in told
    assert f"left out, {reason}: 1 (a.xml: shape 1" in told


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<annotation>", "a.xml cannot be read as XML: no element found"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><annotation/>', "a.xml cannot be read as XML: it has a document type"),
        ("<annotation><object><name>cat</name><bndbox/></object></annotation>", "a.xml has no `shapes`"),
        ("<other/>", "a.xml has no `shapes`"),
        ("<annotation><filename>b.png</filename></annotation>", "names the image 'b.png', and below"),
        ("<annotation/>", "names the image ''"),
    ],
)
def test_strangers_files_end_in_one_line(source, out, capsys, text, message):
    xml(source)
    (source / "a.xml").write_text(text)
    assert run_import("labelme", source, out) == 2
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1


def test_an_image_of_another_size(source, out, capsys):
    xml(source, thing(), more="<imagesize><nrows>40</nrows><ncols>48</ncols></imagesize>")
    assert run_import("labelme", source, out) == 2
    assert "a.xml was drawn on an image of 40x48 pixels" in capsys.readouterr().err
    xml(source, thing(), more="<imagesize><nrows/><ncols/></imagesize>")
    assert run_import("labelme", source, out, "--val", "0") == 0
