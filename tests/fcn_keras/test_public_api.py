"""The public names and their signatures, which notebooks and servers rely on."""

import inspect
import re
from pathlib import Path

import pytest

import fcn_keras as fcn

NETWORK = (
    "(num_classes, *, modality='rgb', padding='same', mean=None, at_once=False, learn_upsampling='intermediate', "
    f"channels={fcn.VGG16!r}, dropout=0.5, name=None)"
)
SIGNATURES = {
    "FCN32s": NETWORK,
    "FCN16s": NETWORK,
    "FCN8s": NETWORK,
    "load_imagenet": "(model, path=None, preprocessing='caffe')",
    "load_caffemodel": "(model, path)",
    "PixelCrossentropy": "(ignore_label=255, class_weights=None, reduction='mean', keep=1.0, seed=None, ",
    "ConfusionMatrix": "(num_classes, ignore_label=255, name='confusion', ",
    "scores": "(matrix)",
    "BoundaryScores": "(num_classes, *, widths=(1, 2, 4, 8, 16, 32), tolerance=0.0075, ignore_label=255)",
    "CaffeSGD": "(learning_rate, momentum=0.9, weight_decay=0.0005, bias_multiplier=2.0, ",
    "batches": "(examples, *, batch_size=1, training=False, augment=None, buckets=None, ignore_label=255, seed=0, ",
    "transplant": "(source, target, ",
    "predict": "(model, image, ",
    "predict_augmented": "(model, image, *, mirror=True, scales=(0.75, 1.0, 1.25), tile=None, output='labels')",
    "predict_tiled": "(model, image, ",
    "shift_and_stitch": "(model, image, *, stride)",
    "overlay": "(image, labels, ",
    "colorize": "(labels, ",
    "error_map": "(image, truth, labels, ",
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_signatures(name):
    signed, expected = inspect.signature(getattr(fcn, name)), SIGNATURES[name]
    untyped = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in signed.parameters.values()]
    signature = str(inspect.Signature(untyped))
    assert signature == expected if expected.endswith(")") else signature.startswith(expected)


def test_all_is_exact():
    public = {name for name, value in vars(fcn).items() if not name.startswith("_") and not inspect.ismodule(value)}
    assert sorted(public) == sorted(fcn.__all__)


def test_vgg16_is_the_papers():
    assert fcn.VGG16 == (((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)), 4096)


@pytest.mark.parametrize("name", sorted(fcn.__all__))
def test_everything_public_says_what_it_is(name):
    if name != "VGG16":
        first = inspect.getdoc(getattr(fcn, name)).splitlines()[0]
        assert re.fullmatch(r"[A-Z].*[.]", first) or first.endswith(("at", "the", "of", "and"))


def test_version_is_in_the_changelog():
    changelog = (Path(__file__).resolve().parents[2] / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## {fcn.__version__}" in changelog
