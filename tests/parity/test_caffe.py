"""Scores and training steps of real Caffe on the released topologies at reduced width.

`data/<net>.npz` holds what Caffe 1.0 computed from `data/<net>.caffemodel` (He-random weights, bilinear upsampling):
two images of different sizes and their scores.
"""

from pathlib import Path

import keras
import numpy as np
import pytest

import fcn_keras as fcn

DATA = Path(__file__).parent / "data"
SIFT_FLOW_MEAN = (114.578, 115.294, 108.353)
NETS = {
    "voc-fcn32s": (fcn.FCN32s, 21, None, "voc-fcn32s.caffemodel.gz"),
    "voc-fcn16s": (fcn.FCN16s, 21, None, "voc-fcn16s.caffemodel.gz"),
    "voc-fcn8s": (fcn.FCN8s, 21, None, "voc-fcn8s.caffemodel"),
    "voc-fcn8s-v1": (fcn.FCN8s, 21, None, "voc-fcn8s.v1.caffemodel"),
    "siftflow-fcn16s": (fcn.FCN16s, {"sem": 33, "geo": 3}, SIFT_FLOW_MEAN, "siftflow-fcn16s.caffemodel.gz"),
}


@pytest.mark.parametrize("net", NETS)
def test_scores_are_caffes(net, narrow):
    build, classes, mean, weights = NETS[net]
    model = build(classes, padding="caffe", mean=mean, channels=narrow)
    loaded = fcn.load_caffemodel(model, DATA / weights)
    assert not loaded.missing
    assert not loaded.unused
    expected = np.load(DATA / f"{net.removesuffix('-v1')}.npz")
    for i in (0, 1):
        scores = model(expected[f"image{i}"][None])
        heads = scores if isinstance(scores, dict) else {"": scores}
        for head, found in heads.items():
            truth = expected[f"score_{head}{i}" if head else f"score{i}"]
            found = np.asarray(found)[0]
            assert found.shape == truth.shape
            assert np.abs(found - truth).max() / np.abs(truth).max() <= 1e-5
            np.testing.assert_array_equal(found.argmax(-1), truth.argmax(-1))


def test_eight_steps_of_caffes_solver(narrow):
    run = np.load(DATA / "voc-fcn32s_train.npz")
    model = fcn.FCN32s(21, padding="caffe", learn_upsampling="none", channels=narrow, dropout=0.0)
    fcn.load_caffemodel(model, DATA / "voc-fcn32s_train_before.caffemodel.gz")
    before = {x.name: x.get_weights() for x in model.layers if x.weights}
    optimizer = fcn.CaffeSGD(
        float(run["learning_rate"]), momentum=float(run["momentum"]), weight_decay=float(run["weight_decay"])
    )
    model.compile(optimizer, fcn.PixelCrossentropy(reduction="sum"))
    image, label = run["image"][None], run["label"][None]
    losses = []
    for _ in run["loss"]:
        model.reset_metrics()  # Keras 3.12 returns the mean over all calls otherwise
        losses.append(float(model.train_on_batch(image, label)))
    np.testing.assert_allclose(losses, run["loss"], rtol=1e-3)

    after = fcn.FCN32s(21, padding="caffe", channels=narrow)
    fcn.load_caffemodel(after, DATA / "voc-fcn32s_train_after8.caffemodel.gz")
    for name, start in before.items():
        for w0, ours, caffes in zip(
            start, model.get_layer(name).get_weights(), after.get_layer(name).get_weights(), strict=True
        ):
            change = np.linalg.norm(caffes - w0)
            assert np.linalg.norm(ours - caffes) <= 0.01 * change + 1e-12, name
            assert name == "upscore" or change > 0, name


def test_fit_takes_the_same_steps(narrow):
    """`model.fit` over `batches` is `train_on_batch` eight times."""
    run = np.load(DATA / "voc-fcn32s_train.npz")
    model = fcn.FCN32s(21, padding="caffe", learn_upsampling="none", channels=narrow, dropout=0.0)
    fcn.load_caffemodel(model, DATA / "voc-fcn32s_train_before.caffemodel.gz")
    optimizer = fcn.CaffeSGD(
        float(run["learning_rate"]), momentum=float(run["momentum"]), weight_decay=float(run["weight_decay"])
    )
    model.compile(
        optimizer, fcn.PixelCrossentropy(reduction="sum"), metrics=[fcn.ConfusionMatrix(21)], jit_compile=False
    )
    examples = [{"image": run["image"], "label": run["label"]}]
    data = fcn.batches(examples, training=True)
    history = model.fit(data, steps_per_epoch=1, epochs=8, verbose=0).history
    np.testing.assert_allclose(history["loss"], run["loss"], rtol=1e-3)
    assert set(history) > {
        "confusion_pixel_accuracy",
        "confusion_mean_accuracy",
        "confusion_mean_iu",
        "confusion_fw_iu",
    }
    assert keras.backend.backend() == "tensorflow"
