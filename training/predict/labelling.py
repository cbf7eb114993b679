"""How one photograph gets its labels: at which scale, in tiles or whole, of one copy or several."""

LARGEST_WHOLE = 1536 * 1536  # pixels: a larger image takes less memory in tiles


class Labelling:
    """A function from the pixels that a model takes to labels.

    Args:
        model: a network of this package.
        tile: side of the tiles of large images.
        copies: scales of the copies that decide together, or None for the image alone.
        scale: at which photographs are scored, as for `fcn_keras.predict_scaled`.
    """

    def __init__(self, model, tile, copies, scale):
        self.model, self.tile, self.copies, self.scale = model, tile, copies, scale

    def __call__(self, pixels):
        """Return the labels by head, and the `(h, w)` at which the pixels were scored."""
        import fcn_keras as fcn
        from fcn_keras.interface import heads_of
        from fcn_keras.photographs import scaled_size
        from fcn_keras.scaled_inference import scale_for, size_of

        size = scaled_size(size_of(pixels), scale_for(self.model, self.scale))
        return heads_of(fcn.predict_scaled(self.model, pixels, scale=self.scale, predictor=self._predict)), size

    def _predict(self, model, images, *, output):
        """Label or score images, or dicts of them; in tiles where they are many pixels."""
        import fcn_keras as fcn
        from fcn_keras.scaled_inference import size_of

        from ..scoring.tta_options import copies_predictor

        height, width = size_of(images)
        whole = height * width * max(self.copies or (1,)) ** 2 <= LARGEST_WHOLE
        if self.copies:
            return copies_predictor(self.copies, None if whole else self.tile)(model, images, output=output)
        if whole:
            return fcn.predict(model, images, output=output)
        return fcn.predict_tiled(model, images, tile=self.tile, output=output)
