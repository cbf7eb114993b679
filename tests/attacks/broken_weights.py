"""Weights that are no numbers, or whose sums overflow: an error, or what float64 computes; and pixels that are none."""

import time
from pathlib import Path

import keras
import numpy as np

import fcn_keras as fcn
from fcn_keras import keras_files
from tests.attacks.outcome import Outcome

BROKEN = (np.nan, np.inf, -np.inf)
LARGE = (1e10, 1e20, 1e30, 1e36, -1e36, 3e38, -3e38)
CHANNELS = (((4, 1), (4, 2), (6, 1), (6, 1), (8, 1)), 8)
MODELS = (
    lambda: fcn.FCN32s(3, channels=CHANNELS),
    lambda: fcn.FCN16s({"a": 3, "b": 2}, channels=CHANNELS, padding="caffe"),
    lambda: fcn.FCN8s(3, channels=CHANNELS, at_once=True, learn_upsampling="all"),
    lambda: fcn.FCN8s(3, channels=CHANNELS, skip_channels=(4, 4), modality="rgbd"),
    lambda: fcn.LateFusion(3, channels=CHANNELS, skips=1),
    lambda: fcn.FCNAlexNet(3, channels=((4, 4, 6, 6, 4), 8)),
)
SERVED_EVERY = 12


def soak(seconds, workdir, *, seed=None):
    """Draw networks, weights and images until the time is over."""
    draw = np.random.default_rng(seed)
    nets = {}  # by number in MODELS: itself, in float64, and its weights as drawn
    rows = {name: [0, []] for name in ("weights that are no numbers", "weights that are too large", "served pixels")}
    ends = time.monotonic() + seconds
    number = 0
    while time.monotonic() < ends or number < 3:
        which = int(draw.integers(len(MODELS)))
        if which not in nets:
            drawn = _spoken(MODELS[which](), draw)
            nets[which] = drawn, _in_float64(drawn), drawn.get_weights()
        net, exact, sound = nets[which]
        net.set_weights(sound)
        kind = list(rows)[2 if number % SERVED_EVERY == 2 else number % 2]
        attempt = {"served pixels": _served}.get(kind, _broken if "no numbers" in kind else _too_large)
        try:
            wrong = attempt(net, exact, draw, Path(workdir))
        except Exception as error:
            wrong = f"{type(error).__name__}: {error}"[:200]
        rows[kind][0] += 1
        rows[kind][1] += [f"{net.name}: {wrong}"] if wrong else []
        number += 1
    return [Outcome(name, tries, tuple(lost)) for name, (tries, lost) in rows.items()]


def _spoken(net, draw):
    for variable in net.trainable_variables:
        if "score" in variable.path or variable.path.endswith("bias"):
            variable.assign(draw.normal(0, 0.3, variable.shape))
    return net


def _in_float64(net):
    config = net.get_config()
    for layer in config["layers"]:
        layer["config"]["dtype"] = "float64"
    return type(net).from_config(config)


def _spoil(net, draw, values):
    """Put one of the values into some places of some layers; return the names of those."""
    layers = [x for x in net.layers if x.weights]
    chosen = [layers[i] for i in draw.choice(len(layers), draw.integers(1, 3), replace=False)]
    for layer in chosen:
        variable = layer.weights[draw.integers(len(layer.weights))]
        array = np.array(variable)
        share = draw.choice([0.0, 0.01, 0.3])
        places = draw.random(array.shape) < share
        places.flat[draw.integers(array.size)] = True
        array[places] = draw.choice(values)
        variable.assign(array)
    return [layer.name for layer in chosen]


def _image(net, draw):
    size = draw.integers(1, 80, 2)

    def pixels(x):
        image = draw.integers(0, 256, (*size, x.shape[-1])).astype("float32")
        image[..., 3:] *= draw.choice([0.0, 1.0, 40.0])
        return image * draw.choice([0.0, 1.0], p=[0.1, 0.9])

    return keras.tree.map_structure(pixels, net.input)


def _refusal(call):
    try:
        call()
    except ValueError as error:
        return str(error)
    return None


def _broken(net, _, draw, workdir):
    names = _spoil(net, draw, BROKEN)
    net.save(workdir / "net.keras")
    image = _image(net, draw)
    calls = (
        lambda: keras_files.load_model(workdir / "net.keras"),
        lambda: fcn.transplant(net, MODELS[0]() if net.name == "fcn32s" else net),
        lambda: fcn.predict(net, image),
        lambda: fcn.predict(net, image, memory=0.1),
        lambda: fcn.predict_augmented(net, image, scales=(1,)),
    )
    for place, call in enumerate(calls):
        said = _refusal(call)
        if said is None or not all(name in said for name in names):
            return f"{names}: call {place} said {said}"
    return None


def _too_large(net, exact, draw, _):
    names, image = _spoil(net, draw, LARGE), _image(net, draw)
    exact.set_weights(net.get_weights())
    batch = keras.tree.map_structure(lambda x: x[None], image)
    expected = [np.asarray(x)[0] for x in keras.tree.flatten(exact(batch, training=False))]
    found = {}
    for way, options in {"one pass": {}, "stages": {"memory": 0.1}}.items():
        try:
            found[way] = keras.tree.flatten(fcn.predict(net, image, output="scores", **options))
        except ValueError as error:
            if "sums of" not in str(error):
                return f"{names}, {way}: {error}"
            if all(np.abs(w).max() < 1e15 for w in net.get_weights()) and np.abs(expected[0]).max() < 1e25:
                return f"{names}, {way}: refused, and the largest score is {np.abs(expected[0]).max():g}"
            continue
        for ours, theirs in zip(found[way], expected, strict=True):
            if not np.isfinite(ours).all():
                return f"{names}, {way}: scores that are no numbers"
            # Of the largest number on the way, which may cancel.
            most = max(np.abs(theirs).max(), max(np.abs(w).max() for w in net.get_weights()))
            if not np.abs(ours - theirs).max() <= 1e-3 * most * 1e6:
                return f"{names}, {way}: off by {np.abs(ours - theirs).max():g} of {np.abs(theirs).max():g}"
    return None


def _served(net, _, draw, workdir):
    """Score a batch with a pixel in it that is no number, and what is beside it."""
    from serving.export.saved_model.frozen_network import freeze
    from serving.export.saved_model.limits import MAX_DECODED, Limits
    from serving.export.saved_model.signatures import build

    network, _ = freeze(net)
    score = build(network, limits=Limits(10_000, 10_000, MAX_DECODED))["predict_scores"]
    image = _image(net, draw)
    images = image if isinstance(image, dict) else {"image": image}
    batches = {name: np.stack([x, x, x]) for name, x in images.items()}
    before = score(*(batches[spec.name] for spec in score.input_signature))
    spoiled = batches[draw.choice(list(batches))]
    place = tuple(int(draw.integers(n)) for n in spoiled.shape[1:])
    spoiled[(1, *place)] = value = draw.choice(BROKEN)
    after = score(*(batches[spec.name] for spec in score.input_signature))
    for name, scores in after.items():
        if not np.isnan(scores[1]).all():
            return f"{value} at {place}: {name} are {np.isnan(scores[1]).mean():.3f} NaN"
        for neighbour in (0, 2):
            if not np.allclose(scores[neighbour], before[name][neighbour], rtol=1e-4, atol=1e-4):
                return f"{value} at {place}: a neighbour's {name} moved"
    return None
