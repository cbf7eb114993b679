"""Models, loss, metric and optimizers on Keras's JAX backend give TensorFlow's numbers."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import entropy

from fcn_keras.layers import CeilMaxPooling2D, local_response_normalization
from tests.fcn_keras.descent import descend

ROOT = Path(__file__).resolve().parents[2]
# Runs in a process of its own: a backend is chosen once. Prints nothing; leaves an .npz.
PROGRAM = """
import sys
sys.modules["tensorflow"] = None  # as on a machine that has none: Keras imports it to save
import fcn_keras as fcn
assert "keras" not in sys.modules
import numpy as np, keras
assert keras.saving.get_registered_object("fcn_keras>CropLike")
assert keras.backend.backend() != "tensorflow"
from fcn_keras.layers import CeilMaxPooling2D, local_response_normalization
weights, run, activations, out = sys.argv[1:]
run = np.load(run)
model = fcn.FCN32s(21, padding="caffe", learn_upsampling="none",
                   channels=(((8, 2), (12, 2), (16, 3), (20, 3), (20, 3)), 32), dropout=0.0)
fcn.load_caffemodel(model, weights)
labels = fcn.predict(model, run["image"])
scores, staged = (fcn.predict(model, run["image"], output="scores", memory=memory) for memory in (512, 4))
assert np.abs(staged - scores).max() <= 1e-5 * np.abs(scores).max()
certainty = fcn.predict(model, run["image"], output="certainty")
optimizer = fcn.CaffeSGD(float(run["learning_rate"]), momentum=float(run["momentum"]),
                         weight_decay=float(run["weight_decay"]))
model.compile(optimizer, fcn.PixelCrossentropy(reduction="sum"), metrics=[fcn.ConfusionMatrix(21)])
history = model.fit(run["image"][None], run["label"][None], epochs=8, verbose=0).history
model.save(out + ".keras")
again = keras.saving.load_model(out + ".keras")
assert np.array_equal(fcn.predict(again, run["image"]), fcn.predict(model, run["image"]))
image = keras.Input((None, None, 7))
pooled = keras.Model(image, local_response_normalization(CeilMaxPooling2D(3, 2)(image)))
pooled = pooled.predict(np.load(activations), verbose=0)
from tests.fcn_keras.descent import descend
np.savez(out, *descend(), labels=labels, scores=scores, certainty=certainty, loss=history["loss"],
         mean_iu=history["confusion_mean_iu"], pooled=pooled)
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """What the program computes on JAX, and the run and the activations that it computes from."""
    pytest.importorskip("jax")
    tmp_path = tmp_path_factory.mktemp("jax")
    activations = np.random.default_rng(0).normal(0, 200, (1, 8, 5, 7)).astype("float32")
    np.save(tmp_path / "x.npy", activations)
    data = ROOT / "tests" / "parity" / "data"
    run = data / "voc-fcn32s_train.npz"
    # Compiled with little optimisation, which takes longer than these few steps; with none they take longer.
    quick = "--xla_backend_optimization_level=1 --xla_llvm_disable_expensive_passes=true"
    flags = {"KERAS_BACKEND": "jax", "XLA_FLAGS": quick}
    environment = {**os.environ, **flags, "PYTHONPATH": str(ROOT)}
    arguments = [data / "voc-fcn32s_train_before.caffemodel.gz", run, tmp_path / "x.npy", tmp_path / "out.npz"]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(str, arguments)],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return np.load(tmp_path / "out.npz"), np.load(run), activations


@pytest.mark.early
def test_jax_follows_caffes_solver(answers):
    out, expected, _ = answers
    np.testing.assert_allclose(out["loss"], expected["loss"], rtol=1e-3)
    assert out["labels"].shape == expected["label"].shape
    assert (out["mean_iu"] > 0).all()


@pytest.mark.early
def test_jax_descends_by_adamw_as_tensorflow_does(answers):
    """With decay, rates by layer, warm-up, accumulated and clipped gradients, and the average."""
    out, _, _ = answers
    expected = descend()
    assert len(expected) == 8
    for number, weights in enumerate(expected):
        np.testing.assert_allclose(out[f"arr_{number}"], weights, rtol=1e-4, atol=1e-6)
    assert not any(np.array_equal(raw, averaged) for raw, averaged in zip(expected[:4], expected[4:], strict=True))


@pytest.mark.early
def test_jax_pools_and_normalizes_as_alexnet_does(answers):
    out, _, activations = answers
    expected = local_response_normalization(CeilMaxPooling2D(3, 2)(activations))
    np.testing.assert_allclose(out["pooled"], expected, rtol=1e-5)


@pytest.mark.early
def test_jax_says_how_sure_a_pixel_is(answers):
    out, _, _ = answers
    shares = softmax(out["scores"].astype(np.float64), axis=-1)
    expected = np.stack([shares.argmax(-1), shares.max(-1), entropy(shares, base=21, axis=-1)], axis=-1)
    np.testing.assert_allclose(out["certainty"], expected, atol=1e-5)
