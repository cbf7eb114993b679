"""Keep of every image the sums that the metrics of any choice of images can be computed from."""

import numpy as np


def sums_of(matrix, boundaries=None):
    """Reduce an image's counts to rows of sums by class.

    Args:
        matrix: `(C, C)` counts, rows truth, columns prediction.
        boundaries: `fcn_keras.boundary.ImageBoundaries` of the image, or None.

    Returns:
        `(R, C)` float64: right pixels, pixels of the truth and of the prediction, first of the whole image, then of
        each trimap; with boundaries five more: boundary F1 and whether there is one, and the pixels in the bands of
        Boundary IoU: of both, of the truth, of the prediction.
    """
    several = [matrix] if boundaries is None else [matrix, *boundaries.matrices]
    rows = [part for x in several for part in (x.diagonal(), x.sum(axis=1), x.sum(axis=0))]
    if boundaries is not None:
        rows += [np.nan_to_num(boundaries.f1), ~np.isnan(boundaries.f1), *boundaries.band]
    return np.array(rows, float)


def metrics(rows, widths=()):
    """Compute metrics out of sums over images.

    Args:
        rows: `(..., R, C)`, as `sums_of` has them.
        widths: of the trimaps, none where there are no boundaries.

    Returns:
        dict of `(...)` arrays: the four metrics as `fcn_keras.scores` defines them, mean IU of each trimap,
        boundary F1, Boundary IoU; and `per_class_iu` `(..., C)`. NaN where there is nothing to be scored.
    """
    hits, truth, predicted = (rows[..., row, :] for row in range(3))
    iu = _iu(hits, truth, predicted)
    total = truth.sum(axis=-1)
    values = {
        "pixel_accuracy": _share(hits.sum(axis=-1), total),
        "mean_accuracy": _mean(_share(hits, truth)),
        "mean_iu": _mean(iu),
        "fw_iu": _share((truth * np.nan_to_num(iu)).sum(axis=-1), total),
    }
    for place, width in enumerate(widths, 1):
        values[f"trimap_{width}_mean_iu"] = _mean(_iu(*(rows[..., 3 * place + row, :] for row in range(3))))
    if widths:
        values["boundary_f1"] = _mean(_share(rows[..., -5, :], rows[..., -4, :]))
        values["boundary_iou"] = _mean(_iu(*(rows[..., row, :] for row in (-3, -2, -1))))
    return {**values, "per_class_iu": iu}


def _iu(hits, truth, predicted):
    return _share(hits, truth + predicted - hits)


def _share(part, whole):
    return np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole > 0)


def _mean(values):
    """Take the mean along the last axis over what is not NaN."""
    there = ~np.isnan(values)
    return _share(np.where(there, values, 0).sum(axis=-1), there.sum(axis=-1))
