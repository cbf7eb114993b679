"""Measure what each choice of a head brings: same images, same feature maps, same number of steps.

    python benchmarks/ablation.py --data photos --weights vgg16.npz --weights-preprocessing torch --output ablation.json

The maps of VGG16's frozen convolutions are computed once, for every image to train on and its mirror image, and for
those held out. Each case trains a head on them and scores the held-out images, once for each seed; a seed decides the
weights that the head starts from and the order of the images. What `fcn-train` does besides, such as more views of an
image and conv5, is left out.
"""

import argparse
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from fcn_keras_console import start_tensorflow

# A row's name -> the model's key in the catalogue, changes of the recipe, changes of the model's options.
CASES = {
    "as planned": ("fcn8s", {}, {}),
    "FCN-16s at once": ("fcn16s", {}, {}),
    "FCN-32s": ("fcn32s", {}, {}),
    "skips' scores without a convolution before": ("fcn8s", {}, {"skip_channels": None}),
    "fc6 7x7": ("fcn8s", {}, {"fc6_kernel": 7}),
    "--ema 0.99": ("fcn8s", {"ema": 0.99}, {}),
    "--label-smoothing 0.1": ("fcn8s", {"label_smoothing": 0.1}, {}),
    "--loss crossentropy+0.5*dice": ("fcn8s", {"loss": "crossentropy+0.5*dice"}, {}),
    "--hardest 0.25": ("fcn8s", {"hardest": 0.25}, {}),
    "learning rate 3e-4": ("fcn8s", {"learning_rate": 3e-4}, {}),
}


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="an undivided folder; a fifth is held out")
    parser.add_argument("--weights", type=Path, help="VGG16's convolutions (default: Keras's)")
    parser.add_argument("--weights-preprocessing", choices=("caffe", "torch"), default="caffe")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--dtype-policy", default="mixed_bfloat16")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES), metavar="CASE")
    parser.add_argument("--output", type=Path, required=True, help="JSON file, written after every case")
    arguments = parser.parse_args(argv)
    start_tensorflow()
    import keras

    keras.config.set_dtype_policy(arguments.dtype_policy)
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        heads = Heads(arguments, Path(folder))
        for name in arguments.cases:
            rows[name] = [heads.score(name, seed) for seed in arguments.seeds]
            arguments.output.write_text(json.dumps({"steps": arguments.steps, "rows": rows}, indent=2) + "\n")
            means = " ".join(f"{100 * row['mean_iu']:.1f}" for row in rows[name])
            print(f"{name:<45} mean IU {means}, {rows[name][0]['seconds']:.0f} s", flush=True)


class Heads:
    """Trains heads on maps that are computed once."""

    def __init__(self, arguments, folder):
        from fcn_keras_training.features.views import Views

        self.arguments = arguments
        self.examples, self.scored = _parts(arguments.data)
        self.views = Views(folder / "train", len(self.examples), {}, mirrored=True)
        self.scored_views = Views(folder / "val", len(self.scored), {}, mirrored=False)
        self._compute()

    def _compute(self):
        import fcn_keras as fcn

        _, network = self._network("as planned", seed=0)
        parts = self._cut(network)
        began = time.perf_counter()
        stream = fcn.batches(self.examples, training=True, batch_size=1)
        self.views.compute(parts.frozen, stream)
        self.scored_views.compute(parts.frozen, fcn.batches(self.scored))
        count = len(self.examples), len(self.scored)
        print(f"maps of {count[0]} + {count[1]} images: {time.perf_counter() - began:.0f} s", flush=True)

    def score(self, name, seed):
        """Train a case's head, and return its scores and the seconds of the training."""
        import keras
        from fcn_keras_training.features.batches import Order, training_stream, validation_stream
        from fcn_keras_training.train.averaging import averaged_weights
        from fcn_keras_training.train.compiling import compile_model

        recipe, network = self._network(name, seed)
        parts = self._cut(network)
        model = parts.trainable
        compile_model(model, recipe, self.examples.num_classes)
        order = Order(self.views.sizes(), recipe.batch_size, seed)
        began = time.perf_counter()
        stream = training_stream(self.views, order, parts)
        model.fit(stream, steps_per_epoch=recipe.steps, verbose=0, shuffle=False)
        seconds = time.perf_counter() - began
        if recipe.ema is not None:
            model.set_weights(averaged_weights(model))
        scores = model.evaluate(validation_stream(self.scored_views, parts), verbose=0, return_dict=True)
        keras.backend.clear_session()
        named = {key.removeprefix("confusion_"): float(np.asarray(value)) for key, value in scores.items()}
        return named | {"seconds": seconds}

    def _network(self, name, seed):
        import keras
        from fcn_keras_training.recipes import catalogue
        from fcn_keras_training.train.compiling import freeze

        import fcn_keras as fcn

        model, changes, options = CASES[name]
        recipe = catalogue.find(f"quick_{model}_head")
        options = {**recipe.model_options, **options}
        if model == "fcn32s" or options["skip_channels"] is None:
            del options["skip_channels"]
        steps = self.arguments.steps
        decided = {"steps": steps, "steps_per_epoch": steps, "batch_size": self.arguments.batch_size}
        recipe = replace(recipe, **{**decided, "model_options": options, **changes})
        keras.utils.set_random_seed(seed)
        network = recipe.model(self.examples.num_classes, **options)
        fcn.load_imagenet(network, self.arguments.weights, preprocessing=self.arguments.weights_preprocessing)
        return recipe, freeze(network, recipe)

    def _cut(self, network):
        from fcn_keras_training.features.cut import cut

        return cut(network, ("pool3", "pool4", "pool5"))


def _parts(directory):
    """Hold a fifth of the images out as `fcn-train` does."""
    from fcn_keras_training.doctor.examination import examination
    from fcn_keras_training.hold_out import TOGETHER, usable_groups
    from fcn_keras_training.recipes.readers import folder
    from fcn_keras_training.train.plan import HELD_OUT

    examined = examination(directory)
    keys = [pair.key for pair in examined.layout.pairs]
    groups, _ = usable_groups(examined.near_duplicates(keys), len(keys))
    reading = {"held_out": HELD_OUT, "held_out_by": TOGETHER, "together": groups}
    return folder(directory, "train", **reading), folder(directory, "val", **reading)


if __name__ == "__main__":
    main()
