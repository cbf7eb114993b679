"""Your own images, of which the large ones are reduced before anything else."""

from operator import index as as_index

from fcn_keras.datasets.folder import Folder
from fcn_keras.photographs import size_within
from fcn_keras.scaling import area_reduced, nearest_reduced

KEPT = 2**30  # bytes of reduced examples that are kept in memory: reading a large one again takes a second


class ReducedFolder(Folder):
    """Images and masks as `Folder` reads them; those of more than `most_pixels` are reduced to so many.

    Colours are averaged over areas, exactly as `fcn_keras.predict_scaled` does it. Masks and HHA images take the pixel
    in the middle.

    Args:
        most_pixels: at least 1.
        directory, split, options: as for `Folder`.
    """

    def __init__(self, directory, split, *, most_pixels, **options):
        super().__init__(directory, split, **options)
        self.most_pixels = most_pixels
        self._own_sizes = super().sizes
        self.sizes = [size_within(size, most_pixels) for size in self._own_sizes]
        self._kept, self._free = {}, KEPT

    def __getitem__(self, index):
        index = as_index(index)
        example = self._kept.get(index)
        if example is None:
            example = self._reduced(super().__getitem__(index))
            size = sum(pixels.nbytes for pixels in example.values())
            if size <= self._free and self.sizes[index] != self._own_sizes[index]:
                self._kept[index] = example
                self._free -= size
        return dict(example)

    def _reduced(self, example):
        size = size_within(example["image"].shape[:2], self.most_pixels)
        if size == example["image"].shape[:2]:
            return example
        nearest = {name: nearest_reduced(pixels, size) for name, pixels in example.items() if name != "image"}
        return {"image": area_reduced(example["image"], size), **nearest}
