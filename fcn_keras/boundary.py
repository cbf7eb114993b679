"""How good labels are where classes meet: metrics in bands along the boundaries (trimaps), boundary F1, Boundary IoU.

A boundary runs between two neighbours, above and below or left and right, of different labels; the pixels on either
side of it are boundary pixels. The image's frame is no boundary. Void is a label like any other here: PASCAL VOC marks
objects off by a rim of void, which is where its boundaries are. But nothing is judged in void.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fcn_keras import labels as label_ops
from fcn_keras.boundary_iou import BAND, band_counts, band_ious
from fcn_keras.confusion import confusion
from fcn_keras.metrics import NAMES, scores

WIDTHS = (1, 2, 4, 8, 16, 32)  # pixels
TOLERANCE = 0.0075  # of the image's diagonal: Csurka et al.


@dataclass(frozen=True, eq=False)
class ImageBoundaries:
    """What one image adds to a `BoundaryScores`.

    Attributes:
        matrices: `(len(widths), C, C)` int64, as `trimap_matrices` returns them.
        f1: `(C,)`, as `boundary_f1` returns it.
        band: `(3, C)` int64, as `boundary_iou.band_counts` returns it.
    """

    matrices: NDArray[np.int64]
    f1: NDArray[np.float64]
    band: NDArray[np.int64]


class BoundaryScores:
    """Accumulate, over a whole split, a matrix for every width of the trimap, boundary F1 and Boundary IoU.

    Args:
        num_classes: void not counted.
        widths: of the trimaps in pixels, rising; see `trimap_matrices`.
        tolerance: share of the image's diagonal; see `boundary_f1`.
        band: share of the image's diagonal, of Boundary IoU; see `boundary_iou.band_counts`.
        ignore_label: the id of void pixels in the truth.

    Attributes:
        matrices: `(len(widths), C, C)` int64, rows truth, columns prediction, each width's with the narrower ones'.
        f1_sums: `(C,)` sums of every class's F1 over the images.
        f1_images: `(C,)` int64, the images that they are of.
        band_counts: `(3, C)` int64, pixels in the bands of Boundary IoU: of both, of the truth, of the labels.

    Raises:
        ValueError: if `num_classes`, `widths`, `tolerance` or `band` is out of range.

    Reference: Kraehenbuehl and Koltun, NIPS 2011, figure 4; Csurka et al., BMVC 2013; Cheng et al., CVPR 2021.
    """

    def __init__(
        self,
        num_classes: int,
        *,
        widths: Sequence[float] = WIDTHS,
        tolerance: float = TOLERANCE,
        band: float = BAND,
        ignore_label: int = 255,
    ) -> None:
        if isinstance(num_classes, bool) or not isinstance(num_classes, int) or num_classes < 1:
            raise ValueError(f"`num_classes` is a positive int. Received: {num_classes!r}.")
        _check_widths(widths)
        _check_share("tolerance", tolerance)
        _check_share("band", band)
        self.num_classes = num_classes
        self.widths = tuple(widths)
        self.tolerance = tolerance
        self.band = band
        self.ignore_label = ignore_label
        self.matrices = np.zeros((len(self.widths), num_classes, num_classes), np.int64)
        self.f1_sums = np.zeros(num_classes)
        self.f1_images = np.zeros(num_classes, np.int64)
        self.band_counts = np.zeros((3, num_classes), np.int64)

    def update(self, truth: ArrayLike, labels: ArrayLike) -> None:
        """Add an image, or a batch of one size.

        Args:
            truth: `(H, W)` or `(B, H, W)` class ids and void.
            labels: the same of what a model says; what stands where the truth is void does not matter.

        Raises:
            ValueError: if the shapes differ, or a pixel that counts is of no class.
        """
        truth, labels = np.asarray(truth), np.asarray(labels)
        if truth.ndim == 2:
            truth, labels = truth[None], labels[None]
        _check(truth, labels, self.num_classes, self.ignore_label)
        for one, other in zip(truth, labels, strict=True):
            self.add(self.measured(one, other))

    def measured(self, truth: NDArray[Any], labels: NDArray[Any]) -> ImageBoundaries:
        """Measure one image without adding it.

        Args:
            truth: `(H, W)` class ids and void.
            labels: the same of what a model says.

        Returns:
            `ImageBoundaries`.

        Raises:
            ValueError: as `update`.
        """
        count, void = self.num_classes, self.ignore_label
        return ImageBoundaries(
            trimap_matrices(truth, labels, count, widths=self.widths, ignore_label=void),
            boundary_f1(truth, labels, count, tolerance=self.tolerance, ignore_label=void),
            band_counts(truth, labels, count, band=self.band, ignore_label=void),
        )

    def add(self, image: ImageBoundaries) -> None:
        """Add an image.

        Args:
            image: what `measured` returned.
        """
        self.matrices += image.matrices
        self.f1_sums += np.nan_to_num(image.f1)
        self.f1_images += ~np.isnan(image.f1)
        self.band_counts += image.band

    def result(self) -> dict[str, Any]:
        """Return all metrics, from 0 to 1.

        Returns:
            dict: `trimap`, by width a dict of `pixels` (how many counted) and everything of `scores`, NaN where no
            pixel counted; `per_class_boundary_f1` `(C,)`, the mean over the images that have the class's boundary in
            truth or labels, NaN for a class without any; `boundary_f1`, the mean over the other classes, or NaN;
            `per_class_boundary_iou` `(C,)`, of all images' bands together, and `boundary_iou`, alike.
        """
        f1 = np.divide(self.f1_sums, self.f1_images, out=np.full(self.num_classes, np.nan), where=self.f1_images > 0)
        iou = band_ious(self.band_counts)
        return {
            "trimap": {width: _scored(matrix) for width, matrix in zip(self.widths, self.matrices, strict=True)},
            "boundary_f1": float(np.nanmean(f1)) if self.f1_images.any() else math.nan,
            "per_class_boundary_f1": f1,
            "boundary_iou": float(np.nanmean(iou)) if self.band_counts.any() else math.nan,
            "per_class_boundary_iou": iou,
        }


def trimap_matrices(
    truth: ArrayLike,
    labels: ArrayLike,
    num_classes: int,
    *,
    widths: Sequence[float] = WIDTHS,
    ignore_label: int = 255,
) -> NDArray[np.int64]:
    """Count where the pixels of every class went, in bands of several widths along the truth's boundaries.

    A band of width `w` holds the pixels closer than `w` to a boundary pixel, from centre to centre: `w` pixels on
    either side of a straight boundary, and for 1 the boundary pixels alone. Void does not count.

    Args:
        truth, labels: `(H, W)` integers.
        num_classes: void not counted.
        widths: in pixels, rising.
        ignore_label: the id of void pixels in the truth.

    Returns:
        `(len(widths), C, C)` int64, rows truth, columns prediction.

    Reference: Kraehenbuehl and Koltun, NIPS 2011, figure 4; Chen et al., DeepLab, ICLR 2015, figure 5, whose bands lie
    around VOC's void.
    """
    truth, labels = np.asarray(truth), np.asarray(labels)
    _check_widths(widths)
    _check(truth, labels, num_classes, ignore_label)
    band = _bands(truth, widths)
    each = [
        confusion(truth[band == i], labels[band == i], num_classes, "an image", void=ignore_label)
        for i in range(len(widths))
    ]
    return np.cumsum(each, axis=0)


def boundary_f1(
    truth: ArrayLike, labels: ArrayLike, num_classes: int, *, tolerance: float = TOLERANCE, ignore_label: int = 255
) -> NDArray[np.float64]:
    """Compare every class's boundary pixels in one image's truth and labels.

    Precision is the share of the labels' boundary pixels that have one of the truth, of the same class, closer than
    `tolerance` times the image's diagonal; recall is the share of the truth's that have one of the labels. F1 is
    their harmonic mean. Where the truth is void, the labels are taken for void too.

    Args:
        truth, labels: `(H, W)` integers.
        num_classes: void not counted.
        ignore_label: the id of void pixels in the truth.
        tolerance: 0.0075 is 4.5 pixels at 360x480. Below one pixel boundaries must coincide.

    Returns:
        `(C,)` from 0 to 1: 0 for a class with a boundary in only one of the two, NaN for a class with none in both.

    Reference: Csurka, Larlus, Perronnin, What is a good evaluation measure for semantic segmentation?, BMVC 2013.
    """
    truth, labels = np.asarray(truth), np.asarray(labels)
    _check_share("tolerance", tolerance)
    _check(truth, labels, num_classes, ignore_label)
    void = truth == ignore_label
    # Void becomes -1, which no class is, whatever the ids' dtype.
    truth, labels = (np.where(void, -1, x.astype(np.int64)) for x in (truth, labels))
    radius = tolerance * math.hypot(*truth.shape)
    edges = [boundaries(x) & ~void for x in (truth, labels)]
    recalled, of_truth = _matched(truth, labels, edges, num_classes, radius)
    right, of_labels = _matched(labels, truth, edges[::-1], num_classes, radius)
    recall, precision = recalled / np.maximum(of_truth, 1), right / np.maximum(of_labels, 1)
    f1 = 2 * precision * recall / np.maximum(precision + recall, np.finfo(float).tiny)
    return np.where(of_truth + of_labels > 0, f1, np.nan)


def boundaries(labels: NDArray[Any]) -> NDArray[np.bool_]:
    """Mark the boundary pixels of a label map: those with a 4-neighbour of another id.

    Args:
        labels: `(H, W)` integers; void is an id like others.

    Returns:
        `(H, W)` bool.
    """
    edge = np.zeros(labels.shape, bool)
    below, beside = labels[1:] != labels[:-1], labels[:, 1:] != labels[:, :-1]
    edge[1:] |= below
    edge[:-1] |= below
    edge[:, 1:] |= beside
    edge[:, :-1] |= beside
    return edge


def _bands(truth: NDArray[Any], widths: Sequence[float]) -> NDArray[np.intp]:
    """Number every pixel's narrowest band: 0..len(widths) - 1, or len(widths) beyond all."""
    from scipy import ndimage

    edge = boundaries(truth)
    if not edge.any():
        return np.full(truth.shape, len(widths), np.intp)
    distance: NDArray[np.float64] = ndimage.distance_transform_edt(~edge)
    return np.searchsorted(np.asarray(widths, float), distance, side="right")


def _matched(
    ours: NDArray[np.int64],
    theirs: NDArray[np.int64],
    edges: Sequence[NDArray[np.bool_]],
    num_classes: int,
    radius: float,
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Count our boundary pixels of every class that have one of theirs near, and all of ours: two `(C,)`."""
    mine, near = edges
    total = np.bincount(ours[mine], minlength=num_classes)
    matched = np.zeros(num_classes, np.intp)
    for first in range(0, num_classes, 64):  # a bit a class
        count = min(64, num_classes - first)
        dtype = next(x for x in (np.uint8, np.uint16, np.uint32, np.uint64) if np.dtype(x).itemsize * 8 >= count)
        reached = _within(_bits(theirs - first, near, count, dtype), radius)
        hit = (_bits(ours - first, mine, count, dtype) & reached) > 0
        matched += np.bincount(ours[hit], minlength=num_classes)
    return matched, total


def _bits(ids: NDArray[np.int64], where: NDArray[np.bool_], count: int, dtype: type[Any]) -> NDArray[Any]:
    """Turn ids from 0 to `count` - 1 into a bit each, and all other pixels into 0."""
    table = np.concatenate([np.left_shift(dtype(1), np.arange(count).astype(dtype)), np.zeros(1, dtype)])
    return table[np.where(where & (ids >= 0) & (ids < count), ids, count)]


def _within(bits: NDArray[Any], radius: float) -> NDArray[Any]:
    """Give every pixel the bits of all pixels closer than `radius`.

    A disk is a stack of rows, the longest in the middle: from its rim inwards the rows grow by what is new of them.
    """
    result, row, reach = np.zeros_like(bits), bits.copy(), 0
    for shift in range(math.ceil(radius) - 1, -1, -1):
        while (reach + 1) ** 2 + shift**2 < radius**2:
            reach += 1
            row[:, reach:] |= bits[:, :-reach]
            row[:, :-reach] |= bits[:, reach:]
        result[shift:] |= row[: max(len(row) - shift, 0)]
        result[: max(len(row) - shift, 0)] |= row[shift:]
    return result


def _scored(matrix: NDArray[np.int64]) -> dict[str, Any]:
    results = scores(matrix)
    if not matrix.any():
        results.update(dict.fromkeys(NAMES, math.nan))
    return {"pixels": int(matrix.sum()), **results}


def _check(truth: NDArray[Any], labels: NDArray[Any], num_classes: int, ignore_label: int) -> None:
    if truth.shape != labels.shape or truth.ndim not in (2, 3):
        raise ValueError(
            "`truth` and `labels` must be (H, W), or batches (B, H, W), of one size. "
            f"Received: shapes {truth.shape} and {labels.shape}."
        )
    for name, array in (("truth", truth), ("labels", labels)):
        if not np.issubdtype(array.dtype, np.integer):
            raise ValueError(f"`{name}` must be integers. Received: {array.dtype}. Take the argmax of scores first.")
    label_ops.check(truth, num_classes, ignore_label)
    counted = labels[truth != ignore_label]
    if counted.size and not (counted.min() >= 0 and counted.max() < num_classes):
        bad = np.unique(counted[(counted < 0) | (counted >= num_classes)])
        raise ValueError(
            f"`labels` may hold 0..{num_classes - 1} where the truth is a class, never void. "
            f"Received: {bad[:5].tolist()}."
        )


def _check_widths(widths: Sequence[float]) -> None:
    if not len(widths) or min(widths) <= 0 or any(a >= b for a, b in pairwise(widths)):
        raise ValueError(f"`widths` are positive and rise, such as (1, 2, 4). Received: {tuple(widths)}.")


def _check_share(name: str, value: float) -> None:
    if not 0 < value <= 1:
        raise ValueError(f"`{name}` is a share of the diagonal, above 0 and at most 1. Received: {value}.")
