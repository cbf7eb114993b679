"""How one photograph gets its labels: at which scale, in how much memory, of one copy or several."""

from fcn_keras.color_scale import in_bytes

from .certainty_files import KINDS

LARGEST_WHOLE = 1536 * 1536  # pixels: where tiles are asked for, a larger image is computed in them


class ExportedLabelling:
    """The same for a network that `fcn-export` wrote, by its own runtime.

    Args:
        net: `..exported.net.ExportedNet`.
        scale: at which photographs are scored, as for it.
    """

    def __init__(self, net, scale):
        net.check_scale(scale)
        self._net, self._scale = net, scale

    def __call__(self, pixels, name):
        """Return and raise what `Labelling` does."""
        own = next(iter(pixels.values()) if isinstance(pixels, dict) else iter((pixels,))).shape[:2]
        try:
            return self._net(pixels, self._scale), self._net.scored_size(own, self._scale)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error

    def with_certainty(self, pixels, name):
        """Return and raise what `Labelling.with_certainty` does."""
        try:
            certainty, size = self._net.certainty(pixels, self._scale)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
        return *divided(certainty, self._net.counts), size


class Labelling:
    """A function from the pixels that a model takes to labels.

    Args:
        model: a network of this package.
        copies: scales of the copies that decide together, or None for the image alone.
        scale: at which photographs are scored, as for `fcn_keras.predict_scaled`.
        memory: MiB, as for `fcn_keras.predict`.
        tile: side of the tiles of large images; None goes by `memory`.
    """

    def __init__(self, model, copies, scale, *, memory, tile=None):
        self.model, self.copies, self.scale = model, copies, scale
        self.tile, self.memory = tile, memory if tile is None else float("inf")

    def __call__(self, pixels, name):
        """Return the labels by head, and the `(h, w)` at which the pixels were scored.

        Args:
            pixels: what the model takes.
            name: of the image, for the error.

        Raises:
            ValueError: if the scores are no numbers.
        """
        return self._labelled(pixels, name, "labels")

    def with_certainty(self, pixels, name):
        """Return the labels by head, how sure they are by head, and the `(h, w)` at which the pixels were scored.

        How sure they are is `(H, W)` uint8 by `certainty_files.KINDS`: 255 for 1.

        Args:
            pixels, name: as of a call.

        Raises:
            ValueError: as a call.
        """
        from fcn_keras.interface import class_counts

        certainty, size = self._labelled(pixels, name, "certainty")
        return *divided(certainty, class_counts(self.model)), size

    def _labelled(self, pixels, name, output):
        import fcn_keras as fcn
        from fcn_keras.interface import heads_of
        from fcn_keras.photographs import scaled_size
        from fcn_keras.scaled_inference import scale_for, size_of

        size = scaled_size(size_of(pixels), scale_for(self.model, self.scale))
        given = {"scale": self.scale, "predictor": self._predict, "output": output}
        given |= {"interpolated": "probabilities"} if self.copies else {}
        try:
            return heads_of(fcn.predict_scaled(self.model, pixels, **given)), size
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error

    def _predict(self, model, images, *, output):
        """Label or score images, or dicts of them; in tiles where they are many pixels and that is asked for."""
        import fcn_keras as fcn
        from fcn_keras.scaled_inference import size_of

        from ..scoring.tta_options import copies_predictor

        height, width = size_of(images)
        large = height * width * max(self.copies or (1,)) ** 2 > LARGEST_WHOLE
        tile = self.tile if large else None
        if self.copies:
            return copies_predictor(self.copies, tile=tile, memory=self.memory)(model, images, output=output)
        if tile is None:
            return fcn.predict(model, images, output=output, memory=self.memory)
        return fcn.predict_tiled(model, images, tile=tile, output=output)


def divided(certainty, counts):
    """Divide what `fcn_keras.predict` gives as certainty into labels, and how sure they are in bytes, by head.

    Args:
        certainty: `(H, W, 3)` float32 by head.
        counts: number of classes by head.
    """
    dtypes = {head: "uint8" if count <= 256 else "uint16" for head, count in counts.items()}
    labels = {head: found[..., 0].astype(dtypes[head]) for head, found in certainty.items()}
    sure = {head: {kind: in_bytes(x[..., 1 + n]) for n, kind in enumerate(KINDS)} for head, x in certainty.items()}
    return labels, sure
