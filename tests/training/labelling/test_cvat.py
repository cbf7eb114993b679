"""The function for CVAT, loaded as cvat-cli loads it and held against cvat-sdk's own rules and decoder."""

import logging
import sys

import numpy as np
import pytest
from cvat_cli import __main__ as cvat_cli
from cvat_cli._internal.common import FunctionLoader
from cvat_cli._internal.parsers import parse_function_parameter
from cvat_sdk import models
from cvat_sdk.auto_annotation import BadFunctionError
from cvat_sdk.auto_annotation.driver import _AnnotationMapper, _DetectionFunctionContextImpl
from cvat_sdk.masks import decode_mask
from PIL import Image

from fcn_keras.datasets.images import read_image
from tests.training.annotations.test_region_polygons import filled
from tests.training.exported.files import NAMES, onnx_file, scores_of
from tests.training.labelling import cvat_server
from tests.training.tiny import picture, write
from training.labelling.cvat import create

MODULE = "training.labelling.cvat"
OFFSET = 50  # ids of the task's labels are others than the function's


@pytest.fixture
def net(tmp_path):
    return onnx_file(tmp_path / "net.onnx")


def loaded(net, *parameters):
    given = dict(map(parse_function_parameter, [f"model=str:{net}", *parameters]))
    return FunctionLoader(MODULE, None, given).load()


def annotated(function, image, *, kind="any", to_polygons=False, unmatched=False, names=NAMES):
    """Return the shapes that CVAT would store, by the driver's checks and with the task's label ids."""
    labels = [
        models.Label(id=OFFSET + number, name=name, type=kind, attributes=[], sublabels=[])
        for number, name in enumerate(names)
    ]
    mapper = _AnnotationMapper(
        logging.getLogger("test"),
        function.spec.labels,
        labels,
        allow_unmatched_labels=unmatched,
        conv_mask_to_poly=to_polygons,
    )
    context = _DetectionFunctionContextImpl(frame_name="a.png", conv_mask_to_poly=to_polygons)
    tags, shapes = mapper.validate_and_remap(function.detect(context, image), 3)
    assert tags == []
    assert {shape.frame for shape in shapes} <= {3}
    return shapes


def painted(shapes, size):
    """Return the ids that CVAT's shapes cover, and how many shapes cover each pixel."""
    ids, times = np.zeros(size, int), np.zeros(size, int)
    for shape in shapes:
        if shape.type.value == "mask":
            covered = decode_mask(shape.points, image_width=size[1], image_height=size[0])
        else:
            covered = filled([np.reshape(shape.points, (-1, 2))], size) > 0
        ids[covered] = shape.label_id - OFFSET
        times += covered
    return ids, times


@pytest.mark.parametrize(
    ("parameters", "to_polygons", "kind"),
    [
        ([], False, "mask"),
        (["shape=str:polygon", "tolerance=float:0"], False, "polygon"),
        (["tolerance=float:0"], True, "polygon"),
    ],
)
def test_shapes_give_the_labels_back(net, parameters, to_polygons, kind):
    image = picture(21, 34)
    shapes = annotated(loaded(net, *parameters), Image.fromarray(image), kind=kind, to_polygons=to_polygons)
    assert {shape.type.value for shape in shapes} == {kind}
    ids, times = painted(shapes, image.shape[:2])
    assert (times == 1).all()
    np.testing.assert_array_equal(ids, scores_of(image).argmax(-1))


def test_cvat_cli_annotates_a_task(net, tmp_path, monkeypatch):
    """The command itself, which asks a server of these tests."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))  # of cvat-sdk
    monkeypatch.setenv("CVAT_ACCESS_TOKEN", "token")
    photos = [write(tmp_path / f"{seed}.png", picture(21, 34, seed=seed)) for seed in range(2)]
    with cvat_server.serving(photos, NAMES) as server:
        words = ["--server-host", server.url, "task", "auto-annotate", str(cvat_server.TASK)]
        assert cvat_cli.main([*words, "--function-module", MODULE, "-p", f"model=str:{net}"]) == 0
    for number in range(2):
        found = np.full((21, 34), -1)
        for shape in server.kept["shapes"]:
            if shape["frame"] == number:
                mask = decode_mask(shape["points"], image_width=34, image_height=21)
                found[mask] = shape["label_id"] - cvat_server.FIRST
        np.testing.assert_array_equal(found, scores_of(picture(21, 34, seed=number)).argmax(-1))


def test_background_is_no_label_and_no_shape(net):
    image = picture(21, 34)
    function = loaded(net, "background=str:road")
    assert [label.name for label in function.spec.labels] == ["sky", "car", "tree"]
    ids, times = painted(annotated(function, Image.fromarray(image)), image.shape[:2])
    truth = scores_of(image).argmax(-1)
    np.testing.assert_array_equal(times, truth != 1)
    np.testing.assert_array_equal(ids[times > 0], truth[truth != 1])


def test_a_task_without_some_of_the_labels(net):
    image, function = Image.fromarray(picture(21, 34)), loaded(net)
    with pytest.raises(BadFunctionError, match="label 'tree' is not in dataset"):
        annotated(function, image, names=NAMES[:3])
    assert {s.label_id - OFFSET for s in annotated(function, image, names=NAMES[:3], unmatched=True)} <= {0, 1, 2}


@pytest.mark.parametrize(("mode", "options"), [("L", {}), ("P", {}), ("RGBA", {}), ("I;16", {}), ("RGB", {"exif": 6})])
def test_images_of_every_mode_are_read_as_fcn_predict_reads_them(net, tmp_path, mode, options):
    path, exif = tmp_path / "a.png", Image.Exif()
    exif[0x0112] = options.get("exif", 1)
    Image.fromarray(picture(8, 9)).convert("I" if mode == "I;16" else mode).convert(mode).save(path, exif=exif)
    truth = scores_of(read_image(path)).argmax(-1)
    with Image.open(path) as image:
        np.testing.assert_array_equal(painted(annotated(loaded(net), image), truth.shape)[0], truth)


def test_deep_images_are_read_or_refused_as_fcn_predict_does(net, tmp_path):
    path, grey = tmp_path / "a.tif", (picture(8, 9)[..., 0].astype(np.uint16) << 8)
    Image.fromarray(grey).save(path, tiffinfo={262: 0})  # of 16 bits, 0 is white
    assert (read_image(path)[..., 0] == 255 - (grey >> 8)).all()
    truth = scores_of(read_image(path)).argmax(-1)
    with Image.open(path) as image:
        np.testing.assert_array_equal(painted(annotated(loaded(net), image), truth.shape)[0], truth)
    for pixels, received in ((np.full((8, 9), 70000, np.int32), "70000"), (np.zeros((8, 9), np.float32), "floats")):
        with pytest.raises(ValueError, match=f"^An image holds 8 or 16 bits a channel. Received: {received}"):
            annotated(loaded(net), Image.fromarray(pixels))


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        ("shape=str:box", r"^shape is mask or polygon\. Received: box\.$"),
        ("tolerance=float:-1", r"^tolerance is a number of pixels from 0 up\. Received: -1\.0\.$"),
        ("scale=str:big", "big"),
    ],
)
def test_wrong_parameters(net, parameter, message):
    with pytest.raises(ValueError, match=message):
        loaded(net, parameter)


def test_without_cvat_sdk(net, monkeypatch):
    monkeypatch.setitem(sys.modules, "cvat_sdk", None)
    with pytest.raises(ImportError, match=r'cvat-sdk: pip install "fcn_keras\[cvat\]"$'):
        create(net)
