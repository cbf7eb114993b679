"""Where a feature pixel sits in the image; every crop offset of the networks is derived here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Grid:
    """Place feature pixel `i` of one axis at image coordinate `start + stride * i`.

    Pixel centres are whole numbers: image pixel 0 sits at coordinate 0. `Grid()` is the image itself.

    Args:
        stride: image pixels between two neighbours of the feature map.
        start: image coordinate of feature pixel 0.

    Reference: the offset rule of Caffe's `coord_map`, which the released networks were generated with.
    """

    stride: float = 1.0
    start: float = 0.0

    def window(self, kernel: int, stride: int = 1, pad: float = 0) -> Grid:
        """Follow a convolution or pooling: output `i` is centred on input `stride * i + (kernel - 1) / 2 - pad`.

        Args:
            kernel, stride, pad: of the layer, in pixels of its input; `pad` on the side of pixel 0.

        Returns:
            the `Grid` of its output.
        """
        return Grid(self.stride * stride, self.start + self.stride * ((kernel - 1) / 2 - pad))

    def transposed(self, kernel: int, stride: int, pad: float = 0) -> Grid:
        """Follow a transposed convolution: input `i` is centred on output `stride * i + (kernel - 1) / 2 - pad`.

        Args:
            kernel, stride, pad: of the layer, in pixels of its output.

        Returns:
            the `Grid` of its output.
        """
        finer = self.stride / stride
        return Grid(finer, self.start - finer * ((kernel - 1) / 2 - pad))

    def offset_to(self, other: Grid) -> int:
        """Count the leading pixels to crop here so that pixel 0 of both maps sits at the same place.

        Args:
            other: the map to align with, of the same stride.

        Raises:
            ValueError: if the strides differ, or no whole number of pixels aligns the two.
        """
        if self.stride != other.stride:
            raise ValueError(
                f"Only maps of one stride can be aligned. Received strides {self.stride} and {other.stride}."
            )
        offset = (other.start - self.start) / self.stride
        if offset < 0 or offset != int(offset):
            raise ValueError(
                f"Cropping aligns maps that start a whole number of pixels outside the other. "
                f"Received an offset of {offset} pixels between {self} and {other}."
            )
        return int(offset)
