"""Optimizers and augmentations by name."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from fcn_keras.augment import color_jitter, crop, cutmix, mirror, scale, zoom
from fcn_keras.optimizers import SGDW, AdamW
from training.recipes.catalogue import RECIPES
from training.recipes.named import augmentations, optimizer
from training.train import options

VOC, FOLDER = RECIPES["voc_fcn32s"], RECIPES["folder_fcn32s"]


def steps(names, window=None):
    chain, _ = augmentations(names, window)
    return [(getattr(x, "func", x), getattr(x, "keywords", {})) for x in chain.args[0]]


def test_names_in_any_order_make_one_chain():
    assert steps(["mirror", "color"]) == steps(["color", "mirror"]) == [(color_jitter, {}), (mirror, {})]
    assert steps(["scale"]) == [(zoom, {"low": 0.5, "high": 2.0})]
    wanted = [(scale, {"low": 0.5, "high": 2.0}), (mirror, {}), (crop, {"height": 8, "width": 6})]
    assert steps(["mirror", "scale"], (8, 6)) == wanted
    assert augmentations(["none"]) == (None, None)
    assert augmentations(["cutmix"]) == (None, cutmix)
    assert steps(["none"], (8, 6)) == [(crop, {"height": 8, "width": 6})]


def test_all_of_them_keep_an_example_together():
    chain, mix = augmentations([name for name in options.AUGMENTATIONS if name != "none"])
    label = np.arange(48, dtype=np.uint8).reshape(6, 8)
    seen = set()
    for number in range(8):
        example = chain({"image": np.repeat(label[..., None], 3, axis=2), "label": label}, [0, number])
        assert (example["image"].shape, example["label"].shape) == ((6, 8, 3), (6, 8))
        seen.add(np.asarray(example["label"]).tobytes())
    assert len(seen) == 8
    assert mix is cutmix


@pytest.mark.parametrize("names", [["blur"], ["none", "mirror"]])
def test_names_of_no_augmentation(names):
    with pytest.raises(ValueError, match=rf"names some of color, scale, .* or none alone\. Received: {names[0]}"):
        augmentations(names)


def test_every_name_of_the_command_is_known():
    assert augmentations(options.AUGMENTATIONS[:-1])
    for name in options.OPTIMIZERS:
        assert optimizer(name, None, VOC)
    with pytest.raises(ValueError, match=r"`optimizer` is one of adamw, adam, sgd\. Received: rmsprop\."):
        optimizer("rmsprop", None, VOC)


@pytest.mark.parametrize(("name", "made_by", "decay"), [("adamw", AdamW, 0.01), ("adam", AdamW, 0), ("sgd", SGDW, 0)])
def test_an_optimizer_and_its_decay(name, made_by, decay):
    for given, expected in ((None, decay), (0.3, 0.3)):
        made = optimizer(name, given, VOC)(1e-3)
        assert type(made) is made_by
        assert made.decay == expected


def test_the_recipes_own_optimizer():
    assert optimizer(None, None, VOC) is VOC.optimizer
    own = replace(FOLDER, optimizer=partial(AdamW, beta_1=0.8))
    assert optimizer(None, 0.3, own)(1e-3).get_config() == AdamW(1e-3, 0.3, beta_1=0.8).get_config()
    with pytest.raises(ValueError, match=r"voc_fcn32s descends by CaffeSGD, whose weight decay .* --optimizer adamw"):
        optimizer(None, 0.3, VOC)
    with pytest.raises(ValueError, match="folder_fcn32s descends by Adam, whose weight decay is none"):
        optimizer(None, 0.3, FOLDER)
