"""The public names and their signatures, which notebooks and servers rely on."""

import importlib
import inspect
import re
import types
from pathlib import Path

import pytest

import fcn_keras as fcn

NETWORK = (
    "padding='same', mean=None, at_once=False, learn_upsampling='intermediate', "
    "channels=(((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)), 4096), fc6_kernel=7, "
    "skip_channels=None, dropout=0.5, name=None)"
)
SIGNATURES = {
    "FCN32s": f"(num_classes, *, modality='rgb', {NETWORK}",
    "FCN16s": f"(num_classes, *, modality='rgb', {NETWORK}",
    "FCN8s": f"(num_classes, *, modality='rgb', {NETWORK}",
    "LateFusion": f"(num_classes, *, skips=0, {NETWORK}",
    "FCNAlexNet": "(num_classes, *, mean=None, channels=((96, 256, 384, 384, 256), 4096), dropout=0.5, "
    "learn_upsampling='intermediate', name='fcn_alexnet')",
    "load_imagenet": "(model, path=None, preprocessing=None)",
    "load_caffemodel": "(model, path)",
    "save_caffemodel": "(model, path)",
    "transplant": "(source, target, *, suffix='')",
    "PixelCrossentropy": "(ignore_label=255, class_weights=None, reduction='mean', keep=1.0, seed=None, "
    "name='pixel_crossentropy', dtype=None, *, label_smoothing=0.0, hardest=1.0)",
    "ConfusionMatrix": "(num_classes, ignore_label=255, name='confusion', dtype=None)",
    "scores": "(matrix)",
    "BoundaryScores": "(num_classes, *, widths=(1, 2, 4, 8, 16, 32), tolerance=0.0075, band=0.02, ignore_label=255)",
    "CaffeSGD": "(learning_rate, momentum=0.9, weight_decay=0.0005, bias_multiplier=2.0, name='caffe_sgd', **kwargs)",
    "Bilinear": "()",
    "batches": "(examples, *, batch_size=1, training=False, augment=None, mix=None, buckets=None, ignore_label=255, "
    "seed=0, modality='rgb', mean=None, start=0, replacement=False, cache=False)",
    "predict": "(model, image, *, output='labels', memory=512)",
    "in_bfloat16": "(model)",
    "predict_augmented": "(model, image, *, mirror=True, scales=(0.75, 1.0, 1.25), tile=None, output='labels', "
    "memory=512)",
    "predict_scaled": "(model, image, *, scale=None, predictor=None, output='labels', interpolated='scores')",
    "predict_tiled": "(model, image, *, tile=1024, output='labels')",
    "shift_and_stitch": "(model, image, *, stride)",
    "palette": "(num_classes=256)",
    "colorize": "(labels, colors=None, *, ignore_label=255)",
    "overlay": "(image, labels, *, alpha=0.5, colors=None, background=0, ignore_label=255)",
    "error_map": "(image, truth, labels, *, ignore_label=255)",
}


def test_public_names():
    assert sorted(fcn.__all__) == sorted([*SIGNATURES, "VGG16"])
    public = {name for name in dir(fcn) if not name.startswith("_")}
    assert {name for name in public if not isinstance(getattr(fcn, name), types.ModuleType)} == set(fcn.__all__)


@pytest.mark.parametrize("name", SIGNATURES)
def test_signatures(name):
    signature = inspect.signature(getattr(fcn, name))
    untyped = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in signature.parameters.values()]
    assert str(inspect.Signature(untyped)) == SIGNATURES[name]


def test_modules_are_attributes():
    assert fcn.augment is importlib.import_module("fcn_keras.augment")
    with pytest.raises(AttributeError, match="module 'fcn_keras' has no attribute 'segnet'"):
        fcn.segnet  # noqa: B018


def test_vgg16_is_the_papers():
    assert fcn.VGG16 == (((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)), 4096)


@pytest.mark.parametrize("name", SIGNATURES)
def test_everything_public_says_what_it_is(name):
    first = inspect.getdoc(getattr(fcn, name)).splitlines()[0]
    assert re.fullmatch(r"[A-Z].*[.]", first) or first.endswith(("at", "the", "of", "and"))


def test_version_is_in_the_changelog():
    changelog = (Path(__file__).resolve().parents[2] / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## {fcn.__version__}" in changelog
