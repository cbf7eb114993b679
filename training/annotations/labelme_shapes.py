"""Draw LabelMe's shapes as its own exporter draws them: outlines included, lines 10 pixels wide, points 5 in radius."""

import base64
import io
import math

import numpy as np
from PIL import Image, ImageDraw

from fcn_keras_console.words import counted

from .json_values import as_json
from .shape_tally import ShapeFault
from .shape_values import check_in_reach, points_of

BOXES = "rectangle"  # what becomes of boxes unless said otherwise: as LabelMe's exporter has it
BRACKETS = "with a bracket too many or too few"
_LINE_WIDTH, _POINT_RADIUS = 10, 5  # LabelMe's
_MOST_POINTS = 100_000  # Pillow looks at every point in every row
_POINTS = {  # shape type -> the number of points that it may have
    "polygon": range(3, _MOST_POINTS),
    "rectangle": (2, 4),  # some tools write all four corners
    "rotation": (4,),
    "oriented_rectangle": (4,),
    "circle": (2,),
    "line": (2,),
    "linestrip": range(2, _MOST_POINTS),
    "point": (1,),
    "points": range(1, _MOST_POINTS),  # which LabelMe's exporter refuses; each as a point
    "mask": (2,),
}
_MARGINS = {"line": _LINE_WIDTH / 2, "linestrip": _LINE_WIDTH / 2, "point": _POINT_RADIUS, "points": _POINT_RADIUS}


def is_box(shape):
    """Tell whether a shape may be a mere box around what it means."""
    return shape.get("shape_type") == "rectangle"


def draw_shape(image, shape, value):
    """Draw one shape.

    Args:
        image: Pillow's, of one channel; drawn upon.
        shape: dict as LabelMe writes it.
        value: class id.

    Returns:
        whether its brackets had to be put right to read it.

    Raises:
        ShapeFault: if it cannot be drawn, or covers nothing of the image; nothing is drawn then.
    """
    kind = shape.get("shape_type") or "polygon"
    kind = kind.strip().lower() if isinstance(kind, str) else kind
    if not isinstance(kind, str) or kind not in _POINTS:
        raise ShapeFault("unknown shape type", as_json(kind))
    points, mended = points_of(shape.get("points"))
    if len(points) not in _POINTS[kind]:
        raise ShapeFault(*_wrong_number(kind, len(points)))
    check_in_reach(points, image.size[::-1])
    if kind == "mask":
        _paste(image, points, shape.get("mask"), value)
        return mended
    radius = math.dist(*points.tolist()) if kind == "circle" else _MARGINS.get(kind, 0)
    points = points[:1] if kind == "circle" else points
    _check_extent(kind, points, radius, image.size)
    xy, draw = [tuple(point) for point in points.tolist()], ImageDraw.Draw(image)
    if kind in ("circle", "point", "points"):
        for x, y in xy:
            draw.ellipse([x - radius, y - radius, x + radius, y + radius], outline=value, fill=value)
    elif kind in ("line", "linestrip"):
        draw.line(xy, fill=value, width=_LINE_WIDTH)
    elif kind == "rectangle" and len(xy) == 2:
        low, high = points.min(axis=0), points.max(axis=0)  # drawn from any corner
        draw.rectangle([*low, *high], outline=value, fill=value)
    else:
        draw.polygon(xy, outline=value, fill=value)
    return mended


def _wrong_number(kind, number):
    """Return the reason and the detail."""
    arrived = counted(number, "point")
    if number > max(_POINTS[kind]) and isinstance(_POINTS[kind], range):
        return f"{kind} of more than {max(_POINTS[kind]):,} points", arrived
    if kind == "polygon":
        return "polygon of fewer than three points", arrived
    least = _POINTS[kind][0]
    if isinstance(_POINTS[kind], range):
        return f"{kind} of fewer than {least} points", arrived
    return f"{kind} of another number of points than {' or '.join(map(str, _POINTS[kind]))}", arrived


def _check_extent(kind, points, margin, size):
    """Raise a `ShapeFault` if a shape has no extent, or lies outside of an image of `size` (width, height)."""
    low, high = points.min(axis=0), points.max(axis=0)
    if kind == "circle":
        flat = margin == 0
    elif kind == "rectangle" and len(points) == 2:
        flat = (low == high).any()
    elif kind in ("line", "linestrip"):
        flat = (low == high).all()
    else:
        flat = kind not in ("point", "points") and _on_one_line(points)
    if flat:
        raise ShapeFault("shape without area")
    if (high + margin <= -1).any() or (low - margin >= size).any():
        raise ShapeFault("shape outside of the image")


def _on_one_line(points):
    """Tell whether all points lie on one line."""
    x, y = (points - points[0]).T
    far = np.argmax(np.abs(x) + np.abs(y))
    return not (x * y[far] - y * x[far]).any()


def _paste(image, points, encoded, value):
    """Draw a mask: a PNG that fills the box from the first point to the last, both included."""
    (left, top), (right, bottom) = points.astype(int).tolist()
    if not isinstance(encoded, str | bytes):
        raise ShapeFault("mask without a picture")
    try:
        data = base64.b64decode(encoded, validate=True)
        with Image.open(io.BytesIO(data), formats=("PNG",)) as mask:
            size = mask.size
            stencil = _stencil(mask) if _fits(size, (right - left + 1, bottom - top + 1)) else None
    except Exception:  # a damaged PNG makes Pillow raise nearly anything
        raise ShapeFault("mask that is no PNG file, or a damaged one") from None
    if stencil is None:
        box = f"{right - left + 1}x{bottom - top + 1}"
        raise ShapeFault("mask of another size than its box", f"{size[0]}x{size[1]} and {box}")
    if not stencil[max(-top, 0) : image.height - top, max(-left, 0) : image.width - left].any():
        raise ShapeFault("mask that covers nothing of the image")
    image.paste(value, (left, top), Image.fromarray(stencil))


def _fits(size, box):
    """Tell whether a mask fits its box, whose corners may be fractions that LabelMe 7 rounds otherwise."""
    return all(abs(have - want) <= 1 and have > 0 for have, want in zip(size, box, strict=True))


def _stencil(mask):
    """Return `(H, W)` bool: what is not black, nor transparent."""
    if mask.mode in ("1", "L", "P", "I", "I;16"):
        return np.array(mask) > 0
    pixels = np.array(mask.convert("RGBA"))
    return pixels[..., :3].any(axis=2) & (pixels[..., 3] > 0)
