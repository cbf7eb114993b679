"""Measure how fast this machine is at what a run is made of, in some seconds and before anything is planned.

What is timed is what will run: views are computed and written, batches are read again, `fit` trains on them.
"""

import contextlib
import tempfile
import time
from pathlib import Path

import keras
import numpy as np

import fcn_keras as fcn
from fcn_keras.decoding import naming_undecodable
from fcn_keras.interface import modality_of

from ..features.batches import Order, training_stream, validation_stream
from ..features.cut import cut
from ..features.views import Views
from .budget import Costs
from .compiling import compile_model, freeze

POLICIES = ("float32", "mixed_bfloat16")  # the exact one first
GAIN = 0.8  # half precision has to take at most so much of the time, since it costs digits
LARGEST = 512  # pixels of a side that is measured
EXAMPLES = 3  # that are timed, after one that is traced
STEPS, FEW_STEPS = 5, 2  # that are timed, after two
SAVING = 3.0  # seconds that a stage takes to write its models and pictures


def measure(stages, num_classes, size, *, brief=False, policy=None, progress=None, clock=time.perf_counter):
    """Time the frozen layers, and a step of each stage, on random pixels.

    Args:
        stages: recipes of the head and of the last block.
        num_classes: as the data set has it.
        size: (H, W) of a middling image; larger ones are cut.
        brief: take less time: few steps.
        policy: dtype policy that was decided already, which is measured alone; None compares `POLICIES`.
        progress: called with what is measured next, how many parts are measured, and how many there are.
        clock: seconds.

    Returns:
        the dtype policy, that which is worth its digits unless it was decided; what share of the exact one's time it
        takes, None if they were not compared; `Costs`, and the seconds that measuring took.
    """
    began = clock()
    height, width = (max(32, min(side, LARGEST)) for side in size)
    parts = _Parts(progress, (0 if policy else len(POLICIES) + 1) + 3 * len(stages))
    ratio = None
    if policy is None:
        seconds = _forward(stages[0], num_classes, height, width, clock, parts)
        policy = worth(seconds)
        ratio = seconds[policy] / seconds[POLICIES[0]]
    examples = _Random(1 + EXAMPLES, num_classes, height, width)
    with dtype_policy(policy), tempfile.TemporaryDirectory() as folder:
        measured = [
            _stage(recipe, examples, Path(folder) / recipe.name, clock, FEW_STEPS if brief else STEPS, parts)
            for recipe in stages
        ]
    parts.begin("this machine")  # all of it is measured
    maps, steps, scores, starts = zip(*measured, strict=True)
    costs = Costs(min(maps), *steps, max(scores), max(starts) + SAVING)
    return policy, ratio, costs, clock() - began


class _Parts:
    """Tell what is measured next, how many parts are measured, and how many there are."""

    def __init__(self, progress, total):
        self.progress, self.total, self.done = progress, total, 0

    def begin(self, what):
        if self.progress is not None:
            self.progress(what, self.done, self.total)
        self.done += 1


def worth(seconds):
    """Choose the dtype policy by the seconds that each takes."""
    exact = POLICIES[0]
    best = min(seconds, key=seconds.get)
    return best if seconds[best] <= GAIN * seconds[exact] else exact


@contextlib.contextmanager
def dtype_policy(name):
    """Let layers that are made in the body have this policy."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _network(recipe, num_classes):
    return freeze(recipe.model(num_classes, **recipe.model_options), recipe)


def _forward(recipe, num_classes, height, width, clock, parts):
    """Time the frozen layers in every policy, in turns, so that a busy moment hits all; the best of three."""
    frozen, seconds = {}, {}
    pixels = np.random.default_rng(0).uniform(0, 255, (2, height, width, 3)).astype("float32")
    for policy in POLICIES:
        parts.begin(f"the frozen layers in {policy}")
        with dtype_policy(policy):
            frozen[policy] = cut(_network(recipe, num_classes), recipe.kept_maps).frozen
            inputs = keras.tree.map_structure(lambda _: pixels, frozen[policy].input)
        frozen[policy].predict_on_batch(inputs)  # traced
    parts.begin("the frozen layers in turns")
    for _ in range(EXAMPLES):
        for policy, model in frozen.items():
            begin = clock()
            model.predict_on_batch(inputs)
            seconds[policy] = min(seconds.get(policy, np.inf), clock() - begin)
    return seconds


def _stage(recipe, examples, folder, clock, steps, parts):
    """Time a stage as it will run.

    Returns:
        the seconds of a pixel in the maps, in a step and in scoring; and those of the start.
    """
    area, count = examples.height * examples.width, len(examples)
    parts.begin(f"the feature maps of {recipe.name}")
    began = clock()
    network = _network(recipe, examples.num_classes)
    net = cut(network, recipe.kept_maps)
    views = Views(folder, count, {}, mirrored=True)
    ends = []
    stream = fcn.batches(examples, training=True, augment=recipe.augment, modality=modality_of(network))
    views.compute(net.frozen, stream, progress=lambda: ends.append(clock()))
    maps = (ends[-1] - ends[0]) / (count - 1) / (2 * area)
    start = ends[0] - began
    order = Order(views.sizes(), recipe.batch_size, seed=0)
    compile_model(net.trainable, recipe, examples.num_classes)
    parts.begin(f"a step of {recipe.name}")
    ends = [clock()]
    batches = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: ends.append(clock()))
    stream = training_stream(views, order, net)
    with naming_undecodable([examples]):
        net.trainable.fit(stream, steps_per_epoch=2 + steps, callbacks=[batches], verbose=0, shuffle=False)
    step = (ends[-1] - ends[2]) / steps
    parts.begin(f"the scores of {recipe.name}")
    scored = validation_stream(views, net)
    begin = clock()
    net.trainable.evaluate(scored.take(1), verbose=0)
    middle = clock()
    net.trainable.evaluate(scored, verbose=0)
    start += ends[1] - ends[0] + middle - begin
    return maps, step / (recipe.batch_size * area), (clock() - middle) / len(views) / area, start


class _Random:
    """Examples of random pixels, with HHA for networks that take it."""

    class_names = ()

    def __init__(self, count, num_classes, height, width):
        self.count, self.num_classes = count, num_classes
        self.height, self.width = height, width

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        generator = np.random.default_rng(index)
        size = self.height, self.width
        label = generator.integers(0, self.num_classes, size).astype("uint8")
        image, hha = generator.integers(0, 256, (2, *size, 3), np.uint8)
        return {"image": image, "hha": hha, "label": label}
