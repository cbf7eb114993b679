"""A few steps of `AdamW` with all that goes with it, the same on every backend of Keras."""

import keras
import numpy as np

from fcn_keras.optimizers import AdamW


def descend():
    """Fit a small net.

    Returns:
        its weights and then the averaged ones, NumPy arrays.
    """
    rng = np.random.default_rng(0)
    inputs, targets = rng.normal(size=(8, 3)).astype("float32"), rng.normal(size=(8, 2)).astype("float32")
    layers = [keras.layers.Dense(4, activation="tanh", name="conv1"), keras.layers.Dense(2, name="score")]
    net = keras.Sequential([keras.Input((3,)), *layers])
    net.set_weights([rng.normal(size=weight.shape) for weight in net.get_weights()])
    rate = keras.optimizers.schedules.CosineDecay(0.02, 6, alpha=0.1, warmup_target=0.1, warmup_steps=2)
    options = {"global_clipnorm": 0.5, "use_ema": True, "ema_momentum": 0.5, "gradient_accumulation_steps": 2}
    net.compile(AdamW(rate, weight_decay=0.3, rate_factors={"conv1": 0.25}, **options), "mse")
    raw = []
    before_the_end = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: raw.extend(net.get_weights()))
    net.fit(inputs, targets, batch_size=1, epochs=1, shuffle=False, verbose=0, callbacks=[before_the_end])
    return [*raw, *net.get_weights()]  # Keras leaves the averaged ones
