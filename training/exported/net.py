"""A network that `fcn-export` wrote, run by its own runtime."""

import numpy as np

from fcn_keras.interface import heads_of
from fcn_keras.photographs import scaled_size
from fcn_keras.probabilities import finish_of_probabilities, softmax
from fcn_keras.scaling import area_reduced, finished_at, labels_at, nearest_reduced
from fcn_keras_console.exported.find import SAVED_MODEL
from fcn_keras_console.exported.runtime import load_file, runtime_of
from fcn_keras_console.run import start_tensorflow
from fcn_keras_console.runtimes.tensors import class_list_name, head_of

from ..workdir.trained_model import class_colors_beside, class_names_beside
from .saved_model import NOT_FINITE, load, own_scale

MODALITIES = {(("image", 3),): "rgb", (("image", 4),): "rgbd", (("hha", 3), ("rgb", 3)): "rgb_hha"}


class ExportedNet:
    """A function from pixels to labels.

    Its labels are the runtime's: those that the file gives, or the classes of the highest scores that it gives.

    Args:
        exported: `find.Exported`.

    Attributes:
        path: of the file or folder.
        runtime: what runs it, and its version.
        modality: as `fcn_keras.interface.modality_of` names it. Three channels are taken for colours: no file says
            whether they are HHA.
        counts: number of classes by head.
        names: class names by head, of the file, or else of `classes.txt` beside it; None where nothing says them.
        colors: of the classes by head, `(K, 3)` uint8: of the file, or else as `class_colors_beside` finds them.
        scale: at which it looks at photographs by itself, as `fcn_keras.photographs.scaled_size` takes it.

    Raises:
        ImportError: if its runtime is missing.
        ValueError: if it is damaged, or `fcn-export` did not write it; or if nothing says how many classes it has.
    """

    def __init__(self, exported):
        self.path = exported.path
        self.runtime = runtime_of(exported.format)
        self._labels, self._scores, self.scale = _load(exported)
        both = [each for each in (self._labels, self._scores) if each is not None]
        self.modality = _modality(self.path, both[0].inputs)
        heads = sorted(head_of(name) for name in both[0].outputs)
        self.names = {head: both[0].classes.get(head) or class_names_beside(self.path, head) for head in heads}
        self.counts = {head: self._count(head) for head in heads}
        self.colors = {head: self._colors(head, both[0].colors.get(head)) for head in heads}

    def check_scale(self, scale):
        """Refuse another scale than the net's own where the file gives no scores that could be brought back.

        Raises:
            ValueError: if it cannot be looked at so.
        """
        if self._scores is None and scale not in (None, 1):
            raise ValueError(
                f"{self.path} gives labels, and a photograph is scored at another size by its scores. Leave --scale "
                "out, or export it without --labels."
            )

    def scored_size(self, size, scale=None):
        """Tell at which `(h, w)` an image of `(H, W)` is scored; arguments as of a call."""
        return scaled_size(size, self.scale if scale is None else scale)

    def __call__(self, pixels, scale=None):
        """Label an image.

        Args:
            pixels: what the network takes: `(H, W, C)`, or a dict of them.
            scale: at which it is scored, as for `fcn_keras.predict_scaled`: 1 is its own size, None what the runtime
                does by itself.

        Returns:
            `(H, W)` uint8 (uint16 above 256 classes) class ids by head.

        Raises:
            ValueError: if the scores are no numbers.
        """
        own = next(iter(heads_of(pixels).values())).shape[:2]
        size = own if scale is None else scaled_size(own, scale)
        by_itself = scale is None or (size == own and self.scale in (None, 1))
        if self._labels is not None and by_itself:
            return self._labels(pixels)
        self.check_scale(scale)
        scores = self._scores(pixels if size == own else self._reduced(pixels, size))
        return {head: _labels_of(maps, own) for head, maps in scores.items()}

    def check_scores(self):
        """Refuse to tell how sure labels are where the file gives labels alone.

        Raises:
            ValueError: if it does.
        """
        if self._scores is None:
            raise ValueError(
                f"{self.path} gives labels, and how sure they are is told by scores. Leave confidence and entropy out "
                "of --format, or export it without --labels."
            )

    def certainty(self, pixels, scale=None):
        """Label an image, and tell how sure the labels are.

        Args:
            pixels, scale: as of a call. The labels are the classes of the highest scores.

        Returns:
            `(H, W, 3)` float32 by head, as `fcn_keras.predict` gives it as certainty; and the `(h, w)` at which the
            image was scored.

        Raises:
            ValueError: as a call and `check_scores`.
        """
        self.check_scores()
        own = next(iter(heads_of(pixels).values())).shape[:2]
        size = self.scored_size(own, scale)
        finish, found = finish_of_probabilities("certainty"), {}
        for head, maps in self._scores(pixels if size == own else self._reduced(pixels, size)).items():
            _require_numbers(maps)
            found[head] = finished_at(maps, own, lambda band: finish(softmax(band)))
        return found, size

    def scores(self, pixels, scale=None):
        """Score an image, of its own size whatever it is scored at; arguments as of a call.

        Returns:
            `(H, W, C)` float32 by head.

        Raises:
            ValueError: if the file gives labels alone, or the scores are no numbers.
        """
        if self._scores is None:
            raise ValueError(f"{self.path} gives labels, not scores. Export it without --labels.")
        own = next(iter(heads_of(pixels).values())).shape[:2]
        size, found = self.scored_size(own, scale), {}
        for head, maps in self._scores(pixels if size == own else self._reduced(pixels, size)).items():
            _require_numbers(maps)
            found[head] = maps if size == own else finished_at(maps, own, np.asarray)
        return found

    def _reduced(self, pixels, size):
        if isinstance(pixels, dict):
            return {"rgb": _reduced_colours(pixels["rgb"], size), "hha": nearest_reduced(pixels["hha"], size)}
        colours = _reduced_colours(pixels[..., :3], size)
        return np.concatenate([colours, nearest_reduced(pixels[..., 3:], size)], axis=-1)

    def _count(self, head):
        if self._scores is not None:
            (count,) = (shape[-1] for name, shape in self._scores.outputs.items() if head_of(name) == head)
            if count is None or len(self.names[head] or ()) not in (0, count):
                raise _foreign(self.path, f"it scores {count} classes and names {len(self.names[head] or ())}")
            return count
        if self.names[head] is None:
            raise ValueError(
                f"{self.path} gives labels and holds no class names, so that nothing says how many classes there are. "
                f"Put a {class_list_name(head)}.txt beside it, or export it with --classes."
            )
        return len(self.names[head])

    def _colors(self, head, stored):
        if stored is None:
            return class_colors_beside(self.path, head, self.names[head] or self.counts[head])
        if len(stored) != self.counts[head]:
            raise _foreign(self.path, f"it holds {len(stored)} colours for {self.counts[head]} classes")
        return stored


def _load(exported):
    """Return what gives labels and what gives scores, None where nothing does; and at which scale by itself."""
    if exported.format == SAVED_MODEL:
        scale = own_scale(exported.path)
        start_tensorflow()
        return *load(exported.path), scale
    loaded = load_file(exported)
    kinds = {name.rpartition("_")[2] for name in loaded.outputs}
    if kinds not in ({"label"}, {"scores"}):
        raise _foreign(exported.path, f"it answers {', '.join(loaded.outputs)}")
    return (loaded, None, None) if kinds == {"label"} else (None, loaded, None)


def _modality(path, inputs):
    channels = tuple(sorted((name, shape[-1]) for name, shape in inputs.items()))
    if channels not in MODALITIES or any(len(shape) != 4 for shape in inputs.values()):
        shapes = ", ".join(f"{name} {list(shape)}" for name, shape in inputs.items())
        raise _foreign(path, f"it takes {shapes}")
    return MODALITIES[channels]


def _foreign(path, why):
    return ValueError(f"fcn-export did not write {path}: {why}. Expected image (N, H, W, 3) to scores or label.")


def _reduced_colours(pixels, size):
    colours = pixels if pixels.dtype == np.uint8 else np.rint(pixels).astype(np.uint8)
    return area_reduced(colours, size).astype(pixels.dtype)


def _labels_of(scores, size):
    """Return the labels of an image of `size`, whose scores may be of a smaller one."""
    _require_numbers(scores)
    if scores.shape[:2] != size:
        return labels_at(scores, size)
    return scores.argmax(axis=-1).astype(np.uint8 if scores.shape[-1] <= 256 else np.uint16)


def _require_numbers(scores):
    if not np.isfinite(scores).all():
        raise ValueError(NOT_FINITE)
