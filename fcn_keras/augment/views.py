"""Look at an example through windows and mirrors, and move its pixels once, at the end, however many there are."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any, NamedTuple

from .maps import Example, Tensor, import_tensorflow, map_pixels, outside, size_of

COLORED = ("image", "hha")  # of three channels; the other maps are planes


class Span(NamedTuple):
    """One axis of a view; each an int where it is known statically.

    Attributes:
        size: of the view.
        before: pixels of the view that lie before the picture.
        count: pixels of the picture that show, one after the other.
        first: which pixel of the picture they begin with.
    """

    size: Tensor
    before: Tensor
    count: Tensor
    first: Tensor

    @property
    def after(self) -> Tensor:
        return self.size - self.before - self.count


@dataclasses.dataclass(frozen=True)
class View:
    """What is seen of an example.

    Attributes:
        example: whose pixels are still where they were.
        rows, columns: `Span` of each axis.
        flipped: whether the columns run the other way, a scalar bool; None where no mirror was.
        exposed: whether a window was taken, so that something outside the picture may show.
    """

    example: Example
    rows: Span
    columns: Span
    flipped: Tensor | None = None
    exposed: bool = False

    @classmethod
    def of(cls, example: Example) -> "View":
        """Return the view that shows an example as it is."""
        rows, columns = (Span(side, 0, side, 0) for side in size_of(example))
        return cls(example, rows, columns)

    @property
    def size(self) -> tuple[Tensor, Tensor]:
        """`(H, W)` of what is seen."""
        return self.rows.size, self.columns.size

    def mirror(self, flip: Tensor) -> "View":
        """Flip what is seen left to right.

        Args:
            flip: scalar bool, whether to.

        Returns:
            view of the same size.
        """
        tf = import_tensorflow()
        columns = self.columns
        if self.exposed:
            columns = columns._replace(before=tf.where(flip, columns.after, columns.before))
        flipped = flip if self.flipped is None else tf.not_equal(flip, self.flipped)
        return dataclasses.replace(self, columns=columns, flipped=flipped)

    def window(self, top: Tensor, left: Tensor, height: Tensor, width: Tensor) -> "View":
        """See what is seen through a window.

        Args:
            top, left, height, width: as for `fcn_keras.augment.window`.

        Returns:
            view of `(height, width)`.
        """
        tf = import_tensorflow()
        rows = _seen(tf, self.rows, top, height)
        columns = _seen(tf, self.columns, left, width, self.flipped)
        return dataclasses.replace(self, rows=rows, columns=columns, exposed=True)

    def shown(self, fills: Mapping[str, Any]) -> Example:
        """Return the example as it is seen.

        Args:
            fills: of `outside`: what a pixel outside the picture is in every map.

        Returns:
            the example of the size; image and HHA float32 if a window was taken.
        """
        tf = import_tensorflow()

        def show(key: str, x: Tensor) -> Tensor:
            if not self.exposed:
                return self._cut(tf, x)
            if key not in COLORED:
                return self._padded(tf, x, fills[key])
            return self._framed(tf, tf.cast(self._cut(tf, x), tf.float32), fills[key])

        return self.example if self._is_whole else map_pixels(show, self.example)

    def padded(self, fills: Mapping[str, Any]) -> tuple[Example, Tensor]:
        """Return the example as it is seen, but for the outside of image and HHA, whose colour is left to `fill`.

        Args:
            fills: as for `shown`.

        Returns:
            the example, every map of its own dtype, 0 outside in image and HHA; and `(4,)` int32, where the picture
            lies: from which row to which, from which column to which.
        """
        tf = import_tensorflow()
        padded = map_pixels(lambda key, x: self._padded(tf, x, 0 if key in COLORED else fills[key]), self.example)
        ends = [(span.before, span.before + span.count) for span in (self.rows, self.columns)]
        return padded, tf.stack([*ends[0], *ends[1]])

    @property
    def _is_whole(self) -> bool:
        return self.flipped is None and not self.exposed

    def _cut(self, tf: ModuleType, x: Tensor) -> Tensor:
        """Take what shows of a map, mirrored."""
        if self.exposed:
            channels = x.shape[2] if x.shape.rank == 3 else 1
            # As a plane: one memcpy a row, where three dimensions would be copied pixel by pixel.
            plane = tf.reshape(x, (tf.shape(x)[0], -1))
            (_, _, height, top), (_, _, width, left) = self.rows, self.columns
            plane = plane[top : top + height, left * channels : (left + width) * channels]
            x = tf.reshape(plane, (height, width, channels) if x.shape.rank == 3 else (height, width))
        if self.flipped is None:
            return x
        return tf.cond(self.flipped, lambda: tf.reverse(x, [1]), lambda: x)

    def _padded(self, tf: ModuleType, x: Tensor, fill: float) -> Tensor:
        """Show a map, one number in all that lies outside the picture."""
        channels = x.shape[2] if x.shape.rank == 3 else 1
        plane = tf.reshape(self._cut(tf, x), (self.rows.count, self.columns.count * channels))
        borders = [[self.rows.before, self.rows.after], [self.columns.before * channels, self.columns.after * channels]]
        plane = tf.pad(plane, borders, constant_values=tf.constant(fill, x.dtype))
        shape = (*self.size, channels)[: x.shape.rank]
        return tf.ensure_shape(tf.reshape(plane, shape), _static(shape))

    def _framed(self, tf: ModuleType, x: Tensor, fill: Any) -> Tensor:
        """Put a colour around what shows of a picture."""
        color = tf.constant(fill, x.dtype)
        (height, above, shown, _), (width, before, _, _) = self.rows, self.columns
        sides = [tf.broadcast_to(color, (shown, count, 3)) for count in (before, self.columns.after)]
        x = tf.concat([sides[0], x, sides[1]], axis=1)
        ends = [tf.broadcast_to(color, (count, width, 3)) for count in (above, self.rows.after)]
        return tf.ensure_shape(tf.concat([ends[0], x, ends[1]], axis=0), _static((height, width, 3)))


def window(
    example: Example,
    top: Tensor,
    left: Tensor,
    height: Tensor,
    width: Tensor,
    *,
    mean: Sequence[float] | None = None,
    ignore_label: int = 255,
) -> Example:
    """View an example through a window, which may reach over its borders; what lies outside is unknown.

    Args:
        example: as for `mirror`.
        top, left: position of the window's first pixel in the picture, negative above and left of it.
        height, width: size of the window.
        mean: BGR colour of the outside; default VOC's.
        ignore_label: label of the outside.

    Returns:
        the example of `(height, width)`; image and HHA float32.
    """
    return View.of(example).window(top, left, height, width).shown(outside(mean, ignore_label))


def filled(x: Tensor, inside: Tensor, color: Sequence[float]) -> Tensor:
    """Put a colour where a batch of padded pictures shows what lies outside, in one pass that XLA compiles for a shape.

    Args:
        x: `(B, H, W, 3)`, of `View.padded`.
        inside: `(B, 4)`, the same.
        color: of three numbers.

    Returns:
        `(B, H, W, 3)` float32.
    """
    return _compiled()(x, inside, import_tensorflow().constant(color, "float32"))


@functools.cache
def _compiled() -> Any:
    return import_tensorflow().function(_fill, jit_compile=True, autograph=False)


def _fill(x: Tensor, inside: Tensor, color: Tensor) -> Tensor:
    tf = import_tensorflow()
    rows, columns = tf.range(tf.shape(x)[1]), tf.range(tf.shape(x)[2])
    in_rows = (rows >= inside[:, 0:1]) & (rows < inside[:, 1:2])
    in_columns = (columns >= inside[:, 2:3]) & (columns < inside[:, 3:4])
    shows = in_rows[:, :, None, None] & in_columns[:, None, :, None]
    return tf.where(shows, tf.cast(x, tf.float32), color)


def _seen(tf: ModuleType, span: Span, start: Tensor, size: Tensor, flipped: Tensor | None = None) -> Span:
    """Show `size` pixels of a view's axis from `start` on; `flipped` tells whether the picture's run the other way."""
    first = _clip(tf, start - span.before, span.count)
    last = _clip(tf, start + size - span.before, span.count)
    hidden = first if flipped is None else tf.where(flipped, span.count - last, first)
    return Span(size, _clip(tf, span.before - start, size), last - first, span.first + hidden)


def _clip(tf: ModuleType, x: Tensor, most: Tensor) -> Tensor:
    """Clip to 0 and `most`: an int if both are."""
    return min(max(x, 0), most) if isinstance(x, int) and isinstance(most, int) else tf.clip_by_value(x, 0, most)


def _static(shape: tuple[Tensor, ...]) -> list[int | None]:
    return [n if isinstance(n, int) else None for n in shape]
