"""The networks are ordinary Keras models: anybody's data, heads, clones, files, backends; and the docstrings."""

import doctest
import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import fcn_keras as fcn
from fcn_keras.layers import CropLike
from fcn_keras.receptive_field import receptive_field

ROOT = Path(__file__).resolve().parents[2]
CLASSES = 3
TINY = ((6, 1), (6, 1), (8, 1), (8, 1), (8, 1)), 8  # a table like `fcn_keras.VGG16`
WITH_EXAMPLES = {
    "CaffeSGD",
    "ConfusionMatrix",
    "FCN32s",
    "PixelCrossentropy",
    "batches",
    "colorize",
    "in_bfloat16",
    "palette",
    "predict",
    "predict_scaled",
    "scores",
    "transplant",
}
tf = pytest.importorskip("tensorflow")


def scene(index):
    """An image of two colours whose label is the colour, of a size of its own, with a void row."""
    height, width = 33 + index, 40 - 2 * index
    label = np.full((height, width), index % 2, np.uint8)
    label[:, width // 2 :] = 2
    image = np.array([[250, 10, 10], [10, 250, 10], [10, 10, 250]], np.uint8)[label]
    label[0] = 255
    return image, label


class Scenes(keras.utils.PyDataset):
    """Batches of one scene each."""

    def __len__(self):
        return 4

    def __getitem__(self, index):
        image, label = scene(index)
        return image[None], label[None]


def endless():
    while True:
        yield from (Scenes()[index] for index in range(4))


def tensors():
    signature = (tf.TensorSpec((None, None, None, 3), tf.uint8), tf.TensorSpec((None, None, None), tf.uint8))
    return tf.data.Dataset.from_generator(endless, output_signature=signature)


def net(build=fcn.FCN32s, *, eager=True, **options):
    """A compiled tiny net with random scores; without a graph, which takes longer to make than these runs."""
    keras.utils.set_random_seed(0)
    model = build(CLASSES, channels=TINY, dropout=0.0, **options)
    for layer in model.layers:
        if layer.name.startswith("score_") and layer.weights:
            layer.kernel.assign(keras.random.normal(layer.kernel.shape, stddev=0.1))
    compiled(model, keras.optimizers.Adam(3e-3), eager=eager)
    return model


def compiled(model, optimizer, metric=None, *, eager=True):
    metrics = [metric or fcn.ConfusionMatrix(model.output.shape[-1])]
    model.compile(optimizer, fcn.PixelCrossentropy(), metrics=metrics, run_eagerly=eager, jit_compile=False)


@pytest.mark.parametrize(
    "data", [lambda: Scenes(workers=2), endless, tensors], ids=["PyDataset", "generator", "tf.data"]
)
def test_fit_takes_any_data_of_any_sizes(data):
    history = net(eager=False).fit(data(), steps_per_epoch=4, epochs=4, shuffle=False, verbose=0).history
    assert history["loss"][-1] < 0.7 * history["loss"][0]
    assert {"confusion_pixel_accuracy", "confusion_mean_iu"} <= set(history)


def test_evaluate_counts_the_pixels_of_other_peoples_data():
    model = net()
    expected = np.zeros((CLASSES, CLASSES), int)
    for image, label in map(scene, range(4)):
        valid = label != 255
        np.add.at(expected, (label[valid], fcn.predict(model, image)[valid]), 1)
    metric = fcn.ConfusionMatrix(CLASSES)
    compiled(model, "sgd", metric)
    model.evaluate(Scenes(), verbose=0)
    np.testing.assert_array_equal(np.asarray(metric.matrix), expected)


def test_class_weights_of_fit_are_sent_to_the_loss():
    """Keras would weight rows of the image, and pairs them with columns where batch and sizes allow it."""
    square = np.zeros((1, 32, 32, 3), np.uint8), np.zeros((1, 32, 32), np.uint8)
    data = tf.data.Dataset.from_tensors(square)
    with pytest.raises(ValueError, match=r"shape \(1, 32\).*PixelCrossentropy\(class_weights=\[\.\.\.\]\)"):
        net().fit(data, class_weight={0: 1.0, 1: 2.0, 2: 1.0}, verbose=0)


def test_frozen_layers_keep_their_weights():
    model = net()
    for layer in model.layers:
        layer.trainable = layer.name.startswith("score_")
    compiled(model, fcn.CaffeSGD(1e-3))
    before = {layer.name: layer.get_weights() for layer in model.layers if layer.weights}
    model.fit(Scenes(), verbose=0)
    changed = {
        name
        for name, weights in before.items()
        if not all(map(np.array_equal, weights, model.get_layer(name).get_weights()))
    }
    assert changed == {"score_fr"}


def test_a_clone_keeps_geometry_scores_and_what_is_trainable():
    model = net(fcn.FCN8s, padding="caffe", learn_upsampling="none")
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    image = scene(1)[0]
    np.testing.assert_array_equal(*(fcn.predict(one, image, output="scores") for one in (model, clone)))
    assert receptive_field(clone) == receptive_field(model)
    assert [layer.trainable for layer in clone.layers] == [layer.trainable for layer in model.layers]
    crops = [[x.offset for x in one.layers if isinstance(x, CropLike)] for one in (model, clone)]
    assert crops[0] == crops[1] == [5, 9, 31]
    assert fcn.transplant(model, clone)[0] == "conv1_1"


def test_a_head_of_ones_own_on_fc7_answers_for_the_image():
    backbone = net()
    backbone.trainable = False
    pooled = keras.layers.GlobalAveragePooling2D()(backbone.get_layer("fc7").output)
    model = keras.Model(backbone.input, keras.layers.Dense(2)(pooled))
    assert len(model.trainable_variables) == 2
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), run_eagerly=True)
    before = [weight.copy() for weight in backbone.get_weights()]
    model.fit(np.stack([scene(0)[0]] * 2), np.array([0, 1]), verbose=0)
    assert all(map(np.array_equal, before, backbone.get_weights()))


def test_a_head_of_ones_own_on_fc7_answers_for_every_pixel(tmp_path):
    backbone = net()
    scores = keras.layers.Conv2D(5, 1, name="mine")(backbone.get_layer("fc7").output)
    scores = keras.layers.Conv2DTranspose(5, 64, 32, padding="same", kernel_initializer=fcn.Bilinear())(scores)
    model = keras.Model(backbone.input, CropLike(0)([scores, backbone.input]))
    compiled(model, "adam")
    model.fit(Scenes(), verbose=0)
    image = scene(3)[0]
    labels = fcn.predict(model, image)
    assert labels.shape == image.shape[:2]
    np.testing.assert_array_equal(fcn.predict_tiled(model, image, tile=32), labels)
    model.save(tmp_path / "mine.keras")
    again = keras.models.load_model(tmp_path / "mine.keras")
    np.testing.assert_array_equal(fcn.predict(again, image), labels)


# Runs in a process of its own, on another backend: loads with nothing but the import, and trains from a DataLoader.
ELSEWHERE = """
import json, sys
import keras, numpy as np
import fcn_keras
path, images, backend = sys.argv[1:]
assert keras.backend.backend() == backend
model = keras.models.load_model(path)
images = np.load(images)
scores = model.predict_on_batch(images["image"][None])[0]
assert np.array_equal(fcn_keras.predict(model, images["image"]), scores.argmax(-1))
told = {"scores": scores.tolist(), "optimizer": type(model.optimizer).__name__}
if backend == "torch":
    import torch
    pairs = [(torch.from_numpy(images["image"]), torch.from_numpy(images["label"]))] * 4
    loader = torch.utils.data.DataLoader(pairs, batch_size=2)
    told["history"] = model.fit(loader, validation_data=loader, epochs=3, shuffle=False, verbose=0).history
print(json.dumps(told))
"""


@pytest.mark.parametrize("backend", ["torch"])
def test_a_file_needs_no_more_than_the_import_and_trains_from_a_data_loader(backend, tmp_path):
    pytest.importorskip(backend)
    model = net(fcn.FCN8s)
    compiled(model, fcn.CaffeSGD(1e-3))
    model.fit(Scenes(), verbose=0)
    model.save(tmp_path / "net.keras")
    image, label = scene(0)
    np.savez(tmp_path / "scene.npz", image=image, label=label)
    ran = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, tmp_path / "net.keras", tmp_path / "scene.npz", backend],
        env={**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout.splitlines()[-1])
    assert told["optimizer"] == "CaffeSGD"
    np.testing.assert_allclose(told["scores"], fcn.predict(model, image, output="scores"), rtol=1e-4, atol=1e-4)
    assert told["history"]["loss"][-1] < told["history"]["loss"][0]
    assert told["history"]["val_confusion_mean_iu"][-1] > 0


def examples(name):
    """The doctests in the docstring of a public name."""
    thing = getattr(fcn, name)
    module = sys.modules[getattr(thing, "__module__", "fcn_keras.backbone")]
    parser = doctest.DocTestParser()
    return parser.get_doctest(thing.__doc__ or "", {name: thing, **vars(module)}, name, module.__file__, 0)


@pytest.mark.parametrize("name", sorted(WITH_EXAMPLES))
def test_examples_of_the_docstrings(name):
    test, said = examples(name), []
    assert test.examples
    failed = doctest.DocTestRunner(verbose=False).run(test, out=said.append).failed
    assert not failed, "".join(said)


def test_every_example_is_run():
    assert {name for name in fcn.__all__ if ">>>" in (getattr(fcn, name).__doc__ or "")} - {"VGG16"} == WITH_EXAMPLES
