"""What a stage trains from: pixels, or feature maps that are computed once."""

import contextlib
import itertools
from dataclasses import replace
from types import SimpleNamespace

import keras
import numpy as np
import pytest

import fcn_keras as fcn
from fcn_keras.datasets.synthetic import Synthetic
from training.recipes import catalogue
from training.train.compiling import compile_model, freeze
from training.train.sources import Maps, Part, Pixels, spaced

pytestmark = pytest.mark.usefixtures("eagerly")
TINY = ((4, 1), (4, 1), (6, 1), (6, 1), (8, 1)), 8
RECIPE = replace(
    catalogue.find("quick_fcn8s_head"),
    model_options={"channels": TINY, "fc6_kernel": 3, "skip_channels": (4, 3)},
    views=6,
    batch_size=3,
    steps=4,
    steps_per_epoch=2,
)


@contextlib.contextmanager
def phase(name, total):
    yield lambda count=1: None


@pytest.fixture(scope="module")
def examples():
    return Synthetic(5, seed=1, height=40, width=50)


def network(recipe, examples, seed=0):
    keras.utils.set_random_seed(seed)
    model = freeze(recipe.model(examples.num_classes, **recipe.model_options), recipe)
    compile_model(model, recipe, examples.num_classes)
    model.optimizer.build(model.trainable_variables)
    return model


def maps_of(folder, examples, model=None, decided_by=(), **changes):
    recipe = replace(RECIPE, **changes)
    model = model or network(recipe, examples)
    scored = spaced(examples, 2)
    return Maps(recipe, model, examples, scored, folder=folder, decided_by=dict(decided_by), phase=phase)


def test_the_views_are_the_examples_that_training_from_pixels_would_draw(examples, tmp_path):
    source = maps_of(tmp_path, examples)
    drawn = list(fcn.batches(examples, training=True, seed=RECIPE.seed).take(6))
    for number, (image, label) in enumerate(drawn):
        (pool5,), labels = source.views.read(2 * number, ["pool5"])
        np.testing.assert_array_equal(labels[""], label[0])
        exact = np.asarray(source.parts.frozen(np.asarray(image))["pool5"])[0]
        np.testing.assert_allclose(pool5, exact, rtol=2**-10, atol=1e-3)
    batch = next(source.indices(0))
    for index, view in zip(batch, source.order[0], strict=True):
        expected = examples[index]["label"][:, :: -1 if view % 2 else 1]
        np.testing.assert_array_equal(source.views.read(int(view), [])[1][""], expected)


def test_the_part_and_the_network_share_optimizer_and_weights(examples, tmp_path):
    source = maps_of(tmp_path, examples)
    before = source.network.get_layer("fc6").get_weights()[0].copy()
    source.model.fit(source.training(0), steps_per_epoch=2, verbose=0)
    assert source.whole(source.model) is source.network
    assert np.abs(source.network.get_layer("fc6").get_weights()[0] - before).max() > 0
    assert int(source.network.optimizer.iterations) == 2
    source.network.save(tmp_path / "net.keras")
    loaded = keras.saving.load_model(tmp_path / "net.keras")
    for ours, theirs in zip(loaded.optimizer.variables, source.network.optimizer.variables, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_scores_from_maps_are_those_from_pixels(examples, tmp_path):
    source = maps_of(tmp_path, examples)
    source.model.fit(source.training(0), steps_per_epoch=2, verbose=0)
    from_maps = source.model.evaluate(source.validation(), verbose=0, return_dict=True)
    whole = source.network.evaluate(fcn.batches(source.scored), verbose=0, return_dict=True)
    assert from_maps["loss"] == pytest.approx(whole["loss"], rel=1e-3)
    assert from_maps["confusion_pixel_accuracy"] == pytest.approx(whole["confusion_pixel_accuracy"], abs=2e-3)


def test_a_copy_of_the_part_becomes_a_copy_of_the_network(examples, tmp_path):
    source = maps_of(tmp_path, examples)
    copy = source.model.__class__.from_config(source.model.get_config())
    values = [np.full(w.shape, 0.5, "float32") for w in copy.get_weights()]
    copy.set_weights(values)
    whole = source.whole(copy)
    assert whole is not source.network
    np.testing.assert_array_equal(whole.get_layer("fc6").kernel, values[0].flat[0])
    np.testing.assert_array_equal(whole.get_layer("conv3_1").kernel, source.network.get_layer("conv3_1").kernel)


def test_maps_are_computed_once_and_anew_if_what_decides_them_changes(examples, tmp_path, monkeypatch):
    maps_of(tmp_path, examples)
    written = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npz")}
    assert len(written) == 12 + 2
    later = maps_of(tmp_path, examples, frozen=("conv1", "conv2", "conv3", "conv4"), learning_rate=1e-5)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npz")} == written
    assert set(later.parts.inputs) == {"pool3", "pool4", "preprocess"}
    maps_of(tmp_path, examples, decided_by={"weights": "others"})
    assert all(path.stat().st_mtime_ns != before for path, before in written.items())


def test_pixels_stream_what_batches_gives(examples):
    recipe = replace(catalogue.find("folder_fcn8s"), model_options={"channels": TINY}, batch_size=2)
    source = Pixels(recipe, network(recipe, examples), examples, spaced(examples, 3))
    assert source.whole(source.model) is source.model is source.network
    ours = list(itertools.islice(iter(source.training(1)), 2))
    theirs = list(fcn.batches(examples, training=True, **source.stream_options(0)).take(3))[1:]
    for a, b in zip(keras.tree.flatten(ours), keras.tree.flatten(theirs), strict=True):
        np.testing.assert_array_equal(a, b)
    second = source.validation(SimpleNamespace(shares=2, share=1))
    assert len(list(second)) == 1
    with pytest.raises(ValueError, match="Received: 3 for 4"):
        source.validation(SimpleNamespace(shares=4, share=0))


class Numbers:
    class_names, num_classes = ("road",), 1

    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return SimpleNamespace(number=index)


@pytest.mark.parametrize(
    ("total", "count", "expected"),
    [(5, None, [0, 1, 2, 3, 4]), (10, 3, [0, 4, 8]), (10, 5, [0, 2, 4, 6, 8]), (3, 20, [0, 1, 2]), (7, 1, [0])],
)
def test_validation_images_are_spaced_evenly(total, count, expected):
    part = spaced(Numbers(total), count)
    assert [example.number for example in (part[i] for i in range(len(part)))] == expected
    assert part.class_names == ("road",)


def test_a_part_is_read_when_it_is_asked():
    read = []

    class Slow(Numbers):
        def __getitem__(self, index):
            read.append(index)
            return super().__getitem__(index)

    part = Part(Slow(10), [7, 3])
    assert read == []
    assert part[1].number == 3
    assert read == [3]
