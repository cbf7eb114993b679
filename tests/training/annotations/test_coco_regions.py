"""Regions of COCO's: decoded as its own programs do, brackets put right, and what cannot be read named."""

import numpy as np
import pytest

from tests.training.imported import coco, label, run_import
from training.annotations.coco_regions import decode, decode_box
from training.annotations.shape_tally import ShapeFault

cocomask = pytest.importorskip("pycocotools.mask")
SIZE = (20, 24)
SQUARE = [2, 3, 7, 3, 7, 9, 2, 9]
OTHER = [10, 10, 12, 10, 12, 12, 10, 12]


def mask_of(segmentation, size=SIZE):
    return decode(segmentation, size)[0].mask(size)


def test_packed_run_lengths_are_pycocotools_own():
    generator = np.random.default_rng(0)
    for share in (0.02, 0.5, 0.98, 1.0):
        for size in ((1, 1), (7, 5), (63, 200), (1, 5000)):
            truth = np.asfortranarray(generator.random(size) < share)
            truth[0, 0] = True
            packed = cocomask.encode(truth.astype(np.uint8))["counts"].decode()
            np.testing.assert_array_equal(mask_of({"counts": packed, "size": list(size)}, size), truth)


def test_polygons_and_boxes_are_pycocotools_own():
    generator = np.random.default_rng(1)
    for number in range(300):
        size = tuple(generator.integers(8, 60, 2).tolist())
        polygons = [
            generator.uniform(-3, 63, 2 * generator.integers(3, 9)).round(number % 3) for _ in range(number % 3 + 1)
        ]
        polygons = [np.clip(polygon, -min(size), 2 * min(size)).tolist() for polygon in polygons]
        packed = cocomask.merge(cocomask.frPyObjects(polygons, *size))
        faults = []
        if cocomask.area(packed):
            found = decode(polygons, size, faults=faults)[0]
            assert found.area == cocomask.area(packed)
            np.testing.assert_array_equal(found.mask(size), cocomask.decode(packed))
        box = [*generator.uniform(0, 5, 2).round(1).tolist(), *generator.uniform(2, 9, 2).round(1).tolist()]
        packed = cocomask.frPyObjects(np.array([box]), *size)[0]
        if cocomask.area(packed):
            np.testing.assert_array_equal(decode_box(box, size).mask(size), cocomask.decode(packed))


@pytest.mark.parametrize(
    "segmentation",
    [
        SQUARE,
        [[SQUARE]],
        [[[SQUARE]]],
        [[[2, 3], [7, 3], [7, 9], [2, 9]]],
        [[2, 3], [7, 3], [7, 9], [2, 9]],
        [{"counts": [43, 6, 14, 6, 14, 6, 14, 6, 14, 6, 351], "size": [20, 24]}],
    ],
)
def test_brackets_that_can_only_mean_one_thing(segmentation):
    runs, mended = decode(segmentation, SIZE)
    assert mended
    np.testing.assert_array_equal(runs.mask(SIZE), mask_of([SQUARE]))


def test_two_polygons_with_a_bracket_too_many():
    for given in ([[SQUARE, OTHER]], [[SQUARE], [OTHER]], [[SQUARE], OTHER]):
        runs, mended = decode(given, SIZE)
        assert mended
        np.testing.assert_array_equal(runs.mask(SIZE), mask_of([SQUARE, OTHER]))
    assert not decode([SQUARE, OTHER], SIZE)[1]


FAULTS = {
    "two points": ([[1, 1, 5, 5]], "polygon of fewer than three points (2 points)"),
    "one point": ([[1, 1]], "polygon of fewer than three points (1 point)"),
    "odd": ([[1, 1, 5, 5, 3, 3, 2]], "odd number of coordinates (7 numbers)"),
    "four numbers": ([1, 1, 5, 5], "four numbers where polygons should be"),
    "text": ([["a", 1, 5, 5, 3, 3]], "coordinates that are no numbers"),
    "numbers as text": ([["1", "1", "5", "5", "3", "9"]], "coordinates that are no numbers"),
    "nan": ([[float("nan"), 1, 5, 5, 3, 9]], "coordinates that are no finite numbers"),
    "infinite": ([[float("inf"), 1, 5, 5, 3, 9]], "coordinates that are no finite numbers"),
    "huge": ([[10**400, 1, 5, 5, 3, 3]], "coordinates that are no numbers"),
    "nothing": ([[None, 1, 5, 5, 3, 3]], "coordinates that are no numbers"),
    "ragged": ([[[1, 1], [5, 5], 3]], "points that are not x and y"),
    "nested": ([[[[[1, 1, 5, 5, 9, 1]]]]], "points that are not x and y"),
    "far": ([[1e9, 1, 5, 5, 3, 3]], "point far outside of the image (x 1e+09, y 1 in 24x20 pixels)"),
    "outside": ([[30, 1, 40, 1, 40, 9]], "shape outside of the image"),
    "left of it": ([[-9, 1, -2, 1, -3, 9]], "shape outside of the image"),
    "on one line": ([[1, 1, 5, 5, 3, 3]], "shape that covers no pixel"),
    "a speck": ([[1.1, 1.1, 1.2, 1.1, 1.1, 1.2]], "shape that covers no pixel"),
    "long": ([[0, 0, 40, 0] * 2000], "polygon with a longer outline than the image can hold"),
    "words": ("polygon", "region that is neither polygons nor run lengths"),
    "size": ({"counts": [480], "size": [24, 20]}, "run lengths of another size than the image"),
    "short": ({"counts": [479]}, "run lengths that do not add up to the image's pixels"),
    "negative": ({"counts": [-1, 481]}, "run lengths that do not add up"),
    "parts": ({"counts": [0.5, 479.5]}, "run lengths that do not add up"),
    "enormous": ({"counts": [1e18, 1]}, "run lengths that do not add up"),
    "background alone": ({"counts": [480]}, "shape that covers no pixel"),
    "number": ({"counts": 480}, "run lengths that cannot be read"),
    "no end": ({"counts": "PPP"}, "run lengths that cannot be read"),
    "empty": ({"counts": ""}, "run lengths that cannot be read"),
    "digits": ({"counts": "P" * 12 + "0"}, "run lengths that cannot be read"),
    "letters": ({"counts": "~~~"}, "run lengths that cannot be read"),
    "other letters": ({"counts": "é0"}, "run lengths that cannot be read"),
    "differences": ({"counts": "000" + "0" * 40}, "run lengths that do not add up"),
    "no region": ([], "annotation without a region"),
    "none": (None, "annotation without a region"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_of_regions(fault):
    segmentation, message = FAULTS[fault]
    with pytest.raises(ShapeFault) as raised:
        decode(segmentation, SIZE)
    assert message in str(raised.value)


@pytest.mark.parametrize("fault", FAULTS)
def test_one_bad_region_costs_neither_the_image_nor_the_import(source, out, capsys, fault):
    segmentation, message = FAULTS[fault]
    items = [{"image_id": 1, "category_id": 7, "segmentation": given} for given in ([SQUARE], segmentation)]
    coco(source / "instances.json", [(1, "a.png", SIZE)], items)
    assert run_import("coco", source, out, "--val", "0") == 0
    np.testing.assert_array_equal(label(out, "a"), mask_of([SQUARE]))
    told = capsys.readouterr().out
    assert "shapes left out: 1 of 2" in told
    assert f"left out, {message.partition(' (')[0]}" in told
    assert ": 1 (instances.json: image 'a.png': annotation 1" in told
    coco(source / "instances.json", [(1, "a.png", SIZE)], items[1:])
    assert run_import("coco", source, out.with_name("none")) == 2
    told = capsys.readouterr().err
    assert "Every shape is left out, and nothing would be labelled: " in told
    assert told.count("\n") == 1
    assert not out.with_name("none").exists()


def test_one_bad_polygon_leaves_the_others_of_its_annotation(source, out, capsys):
    item = {"image_id": 1, "category_id": 7, "segmentation": [SQUARE, [4, 4], OTHER]}
    coco(source / "instances.json", [(1, "a.png", SIZE)], [item])
    assert run_import("coco", source, out, "--val", "0") == 0
    np.testing.assert_array_equal(label(out, "a"), mask_of([SQUARE, OTHER]))
    told = capsys.readouterr().out
    assert "polygon of fewer than three points: 1 (instances.json: image 'a.png': annotation 0 part 1: 1 point)" in told


@pytest.mark.parametrize(
    "box", [[], [1, 2, 3], [1, 2, 3, None], [1, 2, float("nan"), 4], [50, 1, 4, 4], [1, 1, 0, 5], 7]
)
def test_bad_boxes(box):
    with pytest.raises(ShapeFault):
        decode_box(box, SIZE)
