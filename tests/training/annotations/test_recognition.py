"""`fcn-doctor --import` without a kind: what lies there tells it, and where two kinds fit nothing is done."""

import pytest

from tests.training.annotations.exports.packed import unpacked
from tests.training.imported import SQUARE, coco, labelme, many, rgb, run_import, shape, voc
from tests.training.tiny import picture, write
from training.annotations.recognition import recognise
from training.doctor.command import main


def a_coco(source):
    region = {"image_id": 1, "category_id": 7, "segmentation": [[1, 1, 5, 1, 5, 5]]}
    source.mkdir(parents=True, exist_ok=True)
    return coco(source / "instances.json", [(1, "a.png", (12, 16))], [region]).parent


MAKE = {
    "labelme": lambda source: many(source, 2),
    "coco": a_coco,
    "voc": lambda source: voc(source / "VOC2012", "abc"),
    "rgb": rgb,
}


@pytest.mark.parametrize("kind", MAKE)
def test_each_is_taken_for_what_it_is(source, kind):
    MAKE[kind](source)
    assert [found.kind for found in recognise(source)] == [kind]


@pytest.mark.parametrize("behind", [[], ["auto"]])
def test_the_command_says_what_it_took_it_for(source, out, capsys, behind):
    many(source, 4)
    assert main([str(source), "--import", *behind, "--into", str(out)]) == 0
    assert "  taken for labelme: 000.json holds `shapes`\n" in capsys.readouterr().out


def test_a_file_of_its_own(source):
    folder = a_coco(source)
    assert [found.kind for found in recognise(folder / "instances.json")] == ["coco"]


def test_two_that_fit_are_named_and_nothing_is_done(source, out, capsys):
    labelme(a_coco(source), "b", [shape("cat", SQUARE)])
    assert run_import("auto", source, out) == 2
    told = capsys.readouterr().err
    assert "may be several kinds of annotations: labelme fits, as b.json holds `shapes`; coco fits, as " in told
    assert "Name one behind --import." in told
    assert not out.exists()


def test_a_data_set_is_no_annotation(source, out, capsys):
    write(source / "train/images/a.png", picture(4, 4))
    write(source / "train/labels/a.png", picture(4, 4)[..., 0] % 3)
    assert run_import("auto", source, out) == 2
    assert capsys.readouterr().err.endswith("If it is a data set already, leave out --import.\n")


def test_what_is_none_of_them(source, out, capsys):
    write(source / "images/a.png", picture(4, 4))
    (source / "broken.json").write_text("{")
    (source / "list.json").write_text("[1]")
    assert run_import("auto", source, out) == 2
    assert "holds no annotations that are known. Expected one of: labelme (LabelMe's" in capsys.readouterr().err
    assert run_import("auto", source / "nowhere", out) == 2
    assert "nowhere is missing" in capsys.readouterr().err


def test_options_of_another_kind_are_refused_once_it_is_known(source, out, capsys):
    many(source, 2)
    assert run_import("auto", source, out, "--ignore-label", "3") == 2
    assert "--ignore-label says nothing to --import labelme" in capsys.readouterr().err


def test_labelmes_xml_and_not_vocs(source, out, capsys):
    unpacked("shapes", "datumaro_label_me", source)
    assert main([str(source), "--import", "--into", str(out)]) in (0, 1)
    assert "taken for labelme: Annotations/train/scene0.xml holds polygons or masks" in capsys.readouterr().out
    for path in source.rglob("*.xml"):
        path.write_text("<annotation><object><name>cat</name><bndbox/></object></annotation>")
    assert main([str(source), "--import", "--into", str(out.with_name("voc"))]) == 2


def test_one_large_file_among_many_is_not_missed(source):
    many(source, 60)
    regions = [{"image_id": 1, "category_id": 7, "segmentation": [[1, 1, 5, 1, 5, 5] * 9]}] * 9
    coco(source / "041x.json", [(1, "a.png", (12, 16))], regions)
    assert [found.kind for found in recognise(source)] == ["labelme", "coco"]


def test_links_to_nowhere(source):
    many(source, 2)
    for name in ("a.json", "labels/b.txt", "c.xml"):
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).symlink_to("nowhere")
    assert [found.kind for found in recognise(source)] == ["labelme"]
