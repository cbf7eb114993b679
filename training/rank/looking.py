"""What a net says of one photograph: how sure it is, between which classes, and what fc7 sees."""

from typing import Any, NamedTuple

import keras
import numpy as np

import fcn_keras as fcn
from fcn_keras.inference.images import as_input
from fcn_keras.inference.overflow import refuse
from fcn_keras.inference.stream import fits
from fcn_keras.inference.whole import finish_of, without_xla
from fcn_keras.interface import heads_of
from fcn_keras.photographs import scaled_size, size_within
from fcn_keras.probabilities import finish_of_probabilities
from fcn_keras.scaled_inference import reduce_image, scale_for, size_of

FEATURES = "fc7"
MEMORY = 512  # MiB, as fcn_keras.predict has it
_BAND = 64  # rows whose probabilities are computed at once


class Look(NamedTuple):
    """What a net says of one photograph.

    Attributes:
        entropy: mean over the pixels and heads, from 0 (sure) to 1 (all classes alike).
        margin: mean difference of the two highest probabilities, from 0 (torn) to 1 (sure).
        agreement: share of the pixels that all copies label alike, or None where there is one copy.
        between: names of the two classes that most of the entropy lies between.
        features: means of fc7, `(D,)` float32.
    """

    entropy: float
    margin: float
    agreement: float | None
    between: tuple[str, str] | None
    features: Any


class Looking:
    """A function from a photograph to `Look`.

    Args:
        model: a network of this package that takes colours.
        names: of the classes, by head.
        copies: scales of the copies that decide together, or None for the photograph alone.
        scale: at which photographs are scored, as for `fcn_keras.predict_scaled`.

    Raises:
        ValueError: if the model has no fc7.
    """

    def __init__(self, model: keras.Model, names: dict, copies: tuple | None, scale: float | None) -> None:
        layer = next((layer for layer in model.layers if layer.name == FEATURES), None)
        if layer is None:
            raise ValueError(
                f"{model.name} has no layer {FEATURES}, by whose features photographs are told apart. Name a net of "
                "fcn-train, or of fcn_keras.FCN8s, FCN16s or FCN32s."
            )
        self._model, self._names, self._copies, self._scale = model, names, copies, scale
        probabilities = keras.tree.map_structure(finish_of("probabilities"), model.output)
        means = keras.layers.GlobalAveragePooling2D(dtype="float32")(layer.output)
        self._both = without_xla(keras.Model(model.input, {"probabilities": probabilities, "features": means}))
        self._means = without_xla(keras.Model(model.input, means))

    def __call__(self, pixels: Any) -> Look:
        """Look at one photograph, `(H, W, 3)` uint8.

        Raises:
            ValueError: if the scores are no numbers.
        """
        images = as_input(self._model, pixels)
        size = scaled_size(size_of(images), scale_for(self._model, self._scale))
        if size != size_of(images):
            images = reduce_image(self._model, images, size)
        probabilities, features, agreement = (self._of_copies if self._copies else self._of_one)(images)
        seen = {head: _Seen(x) for head, x in heads_of(probabilities).items()}
        head, largest = max(seen.items(), key=lambda pair: pair[1].entropy)
        pair = largest.between()
        return Look(
            entropy=float(np.mean([each.entropy for each in seen.values()])),
            margin=float(np.mean([each.margin for each in seen.values()])),
            agreement=agreement,
            between=pair and tuple(self._names[head][index] for index in pair),
            features=features,
        )

    def _of_one(self, images: Any) -> tuple[Any, Any, None]:
        """Return probabilities and features, of one pass where the memory allows."""
        if fits(self._model, images, MEMORY * 2**20):
            found = keras.tree.map_structure(lambda x: x[0], self._both.predict_on_batch(images[None]))
            if not all(np.isfinite(x).all() for x in keras.tree.flatten(found)):
                refuse(self._model, ())
            return found["probabilities"], found["features"], None
        return fcn.predict(self._model, images, output="probabilities"), self._features(images), None

    def _of_copies(self, images: Any) -> tuple[Any, Any, float]:
        """Return the mean probabilities of all copies, the features, and the share of pixels that they agree on."""
        total, first, same = None, None, None
        for each in (_plain, _mirrored):
            for scale in self._copies:
                options = {"mirror": False, "scales": (scale,), "output": "probabilities"}
                found = each(fcn.predict_augmented(self._model, each(images), **options))
                labels = keras.tree.map_structure(lambda x: x.argmax(-1).astype(np.uint16), found)
                if total is None:
                    total, first, same = found, labels, keras.tree.map_structure(lambda x: x == x, labels)
                    continue
                keras.tree.map_structure(lambda a, b: np.add(a, b, out=a), total, found)
                keras.tree.map_structure(lambda s, a, b: np.logical_and(s, a == b, out=s), same, first, labels)
        total = keras.tree.map_structure(lambda x: np.divide(x, 2 * len(self._copies), out=x), total)
        agreement = float(np.mean([x.mean() for x in keras.tree.flatten(same)]))
        return total, self._features(images), agreement

    def _features(self, images: Any) -> Any:
        """Return the means of fc7, of the photograph reduced until one pass fits the memory."""
        while not fits(self._model, images, MEMORY * 2**20):
            height, width = size_of(images)
            images = reduce_image(self._model, images, size_within((height, width), height * width // 2))
        return self._means.predict_on_batch(images[None])[0]


class _Seen:
    """Entropy and margins of one head's probabilities `(h, w, C)`, band by band."""

    def __init__(self, probabilities: Any) -> None:
        height, width, self._classes = probabilities.shape
        self._pairs = np.zeros(self._classes**2)
        self.entropy, self.margin = 0.0, 1.0
        if self._classes == 1:
            return
        margins = 0.0
        for top in range(0, height, _BAND):
            p = probabilities[top : top + _BAND]
            entropy = finish_of_probabilities("entropy")(p)
            highest = np.sort(np.argpartition(p, -2, axis=-1)[..., -2:], axis=-1)
            two = np.take_along_axis(p, highest, axis=-1)
            margins += float(np.abs(two[..., 1] - two[..., 0]).sum(dtype=np.float64))
            pairs = highest[..., 0] * self._classes + highest[..., 1]
            self._pairs += np.bincount(pairs.ravel(), entropy.ravel(), minlength=len(self._pairs))
        self.entropy, self.margin = float(self._pairs.sum()) / (height * width), margins / (height * width)

    def between(self) -> tuple[int, int] | None:
        """Return the ids of the two classes that most of the entropy lies between; None where there is none."""
        best = int(self._pairs.argmax())
        return divmod(best, self._classes) if self._pairs[best] > 0 else None


def _plain(maps: Any) -> Any:
    return maps


def _mirrored(maps: Any) -> Any:
    return keras.tree.map_structure(lambda x: x[:, ::-1], maps)
