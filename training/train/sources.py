"""What a stage trains, and the batches for it: the network from pixels, or its last layers from kept feature maps."""

import itertools

import fcn_keras as fcn
from fcn_keras.data import batch_indices
from fcn_keras.interface import modality_of

from ..features.batches import Order, training_stream, validation_stream
from ..features.cut import cut
from ..features.views import Views
from ..recipes.recipe import describe
from .compiling import compile_model


class Pixels:
    """The whole network, trained from images.

    Args:
        recipe: of the stage.
        model: compiled network.
        examples: data set to train on.
        scored: data set to validate on.

    Attributes:
        model: what `fit` trains.
        network: the whole network.
    """

    def __init__(self, recipe, model, examples, scored):
        self.recipe = recipe
        self.model = self.network = model
        self.examples = examples
        self.scored = scored

    def stream_options(self, start):
        """Return the options of `fcn_keras.batches` with which the stream goes on after `start` batches."""
        recipe, modality = self.recipe, modality_of(self.network)
        return {
            "batch_size": recipe.batch_size,
            "augment": recipe.augment,
            "mix": recipe.mix,
            "buckets": recipe.buckets,
            "seed": recipe.seed,
            "modality": modality,
            "mean": _mean(self.network, modality),
            "start": start,
            "replacement": recipe.replacement,
            "cache": recipe.cache,
        }

    def training(self, start):
        """Stream batches to train on, from the one after `start` others on."""
        return fcn.batches(self.examples, training=True, **self.stream_options(start))

    def indices(self, start):
        """Return an iterator of the examples in every batch after `start` others; None where only reading tells."""
        return batch_indices(self.examples, **self.stream_options(start))

    def validation(self, devices=None):
        """Stream the images to validate on, one at a time; of several processes, those of this one.

        Raises:
            ValueError: if there are fewer images than processes.
        """
        scored = self.scored
        if devices is not None:
            if len(scored) < devices.shares:
                raise ValueError(
                    f"Every process scores some of the validation images. Received: {len(scored)} for {devices.shares}."
                )
            scored = Part(scored, range(devices.share, len(scored), devices.shares))
        return fcn.batches(scored, modality=modality_of(self.network))

    def whole(self, model):
        """Return the whole network with the weights of `model`, which is the one that trains or a copy of it."""
        return model


class Maps(Pixels):
    """The last layers of the network, trained from maps of the frozen ones, which are computed first.

    Args:
        recipe: of the stage; `views` examples are drawn, each with its mirror image.
        model: compiled network, of which some layers are frozen.
        examples, scored: as for `Pixels`.
        folder: for the files.
        decided_by: JSON-able, what decides the maps besides the recipe.
        phase: context manager `(name, total)` that gives a function to call with what is done.

    Attributes:
        model: the part that learns, which shares its layers and its optimizer with the network.
    """

    def __init__(self, recipe, model, examples, scored, *, folder, decided_by, phase):
        super().__init__(recipe, model, examples, scored)
        self.parts = cut(model, recipe.kept_maps)
        self.model = self.parts.trainable
        compile_model(self.model, recipe, examples.num_classes, optimizer=model.optimizer)
        self._copy = None
        common = {**decided_by, "seed": recipe.seed, "dtype": recipe.dtype_policy, "maps": list(recipe.kept_maps)}
        common |= {name: describe(recipe).get(name) for name in ("data", "splits")}
        drawn = {name: describe(recipe).get(name) for name in ("views", "augment", "buckets")}
        self.views = Views(folder / "train", recipe.views, common | drawn, mirrored=True)
        self.scored_views = Views(folder / "val", len(scored), common, mirrored=False)
        self._compute(phase)
        self.order = Order(self.views.sizes(), recipe.batch_size, recipe.seed)

    def _compute(self, phase):
        options = {**self.stream_options(0), "batch_size": 1}
        done, scored = self.views.complete(), self.scored_views.complete()
        total = self.views.examples + self.scored_views.examples
        if done + scored == total:
            return
        with phase(f"computing the feature maps of {total} images", total) as advance:
            advance(done + scored)
            stream = fcn.batches(self.examples, training=True, **{**options, "start": done})
            self.views.compute(self.parts.frozen, stream, done, advance)
            rest = Part(self.scored, range(scored, len(self.scored)))
            stream = fcn.batches(rest, modality=options["modality"]) if len(rest) else ()
            self.scored_views.compute(self.parts.frozen, stream, scored, advance)

    def require(self, unchanged):
        """Call what raises a `ValueError` if the data has changed; then the maps are of no one data, and removed."""
        try:
            unchanged()
        except ValueError:
            self.views.remove()
            self.scored_views.remove()
            raise

    def training(self, start):
        return training_stream(self.views, self.order, self.parts, start=start)

    def indices(self, start):
        options = {**self.stream_options(0), "batch_size": 1}
        drawn = [index for (index,) in itertools.islice(batch_indices(self.examples, **options), self.recipe.views)]
        batches = (self.order[number] for number in itertools.count(start))
        return ([drawn[view // self.views.copies] for view in batch] for batch in batches)

    def validation(self, devices=None):
        return validation_stream(self.scored_views, self.parts)

    def whole(self, model):
        if model is self.model:
            return self.network
        if self._copy is None:
            self._copy = self.network.__class__.from_config(self.network.get_config())
            self._copy.set_weights(self.network.get_weights())
        values = {weight.path: weight for weight in model.weights}
        for weight in self._copy.weights:
            if weight.path in values:
                weight.assign(values[weight.path])
        return self._copy


class Part:
    """Some examples of a data set."""

    def __init__(self, examples, indices):
        self.examples, self.indices = examples, indices
        self.class_names, self.num_classes = examples.class_names, examples.num_classes
        if hasattr(examples, "ids"):
            self.ids = [examples.ids[index] for index in indices]
        if hasattr(examples, "encoded"):
            self.encoded = lambda index: examples.encoded(indices[index])

    def __len__(self):
        return len(self.indices)

    def __getitem__(self, index):
        return self.examples[self.indices[index]]


def spaced(examples, count):
    """Return at most `count` examples of a data set, evenly spaced; all of them for None."""
    return Part(examples, range(0, len(examples), 1 if count is None else max(1, -(-len(examples) // count))))


def _mean(model, modality):
    """The colour that the model subtracts, to pad with; None for HHA, which has its own."""
    if modality == "hha":
        return None
    name = "preprocesscolor" if modality == "rgb_hha" else "preprocess"
    return model.get_layer(name).mean
