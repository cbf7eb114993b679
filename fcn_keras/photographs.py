"""What photographs a network was trained on, and at which size it looks at another one."""

from __future__ import annotations

import dataclasses
import math
import numbers
from collections.abc import Iterable, Mapping
from typing import Any

# How many times as long as those of the largest that a network was trained on a photograph's sides may be before it is
# far larger. CamVid's enlarged 1.1 times score alike at their own size and reduced; from 1.25 times on, better reduced.
FAR = 1.25
LARGEST_SIDE = 10**6  # of a photograph that a file may claim

Size = tuple[int, int]  # height and width


@dataclasses.dataclass(frozen=True)
class Photographs:
    """The sizes of the photographs that a network was trained on; "smallest" and so on by their pixels.

    Args:
        smallest, median, largest: `(H, W)` of the photographs, as training took them.
        scales: the least and the largest factor by which training resized them, or None.
        crop: `(H, W)` of what was cut out of them, or None. Cutting changes no scale.
        reduced_to: pixels that training reduced larger photographs to: it showed none of their scale. Or None.

    Raises:
        ValueError: if a side is no positive int, the sizes are out of order, or a factor is not above 0.
    """

    smallest: Size
    median: Size
    largest: Size
    scales: tuple[float, float] | None = None
    crop: Size | None = None
    reduced_to: int | None = None

    def __post_init__(self) -> None:
        for name in ("smallest", "median", "largest", "crop"):
            size = getattr(self, name)
            if size is None and name == "crop":
                continue
            if not (isinstance(size, list | tuple) and len(size) == 2 and all(map(_is_side, size))):
                raise ValueError(f"`{name}` is (H, W), sides from 1 to {LARGEST_SIDE}. Received: {size!r}.")
            object.__setattr__(self, name, (int(size[0]), int(size[1])))
        if not math.prod(self.smallest) <= math.prod(self.median) <= math.prod(self.largest):
            raise ValueError(
                "`smallest`, `median` and `largest` are in the order of their pixels. "
                f"Received: {self.smallest}, {self.median}, {self.largest}."
            )
        if self.scales is not None:
            if not (isinstance(self.scales, list | tuple) and len(self.scales) == 2 and _are_factors(*self.scales)):
                raise ValueError(f"`scales` are two factors, 0 < low <= high <= 100. Received: {self.scales!r}.")
            object.__setattr__(self, "scales", (float(self.scales[0]), float(self.scales[1])))
        if self.reduced_to is not None and not _is_side(self.reduced_to, LARGEST_SIDE**2):
            raise ValueError(f"`reduced_to` is a positive number of pixels. Received: {self.reduced_to!r}.")

    @classmethod
    def of(
        cls,
        sizes: Iterable[Size],
        scales: tuple[float, float] | None = None,
        crop: Size | None = None,
        *,
        reduced_to: int | None = None,
    ) -> Photographs:
        """Sum up the sizes of all photographs; the median of an even number is the smaller of the two.

        Args:
            sizes: `(H, W)` of each.
            scales, crop, reduced_to: as for the class.

        Returns:
            `Photographs`.

        Raises:
            ValueError: if there are none.
        """
        ordered = sorted(
            ((int(height), int(width)) for height, width in sizes), key=lambda size: (math.prod(size), size)
        )
        if not ordered:
            raise ValueError("`sizes` are those of at least one photograph. Received none.")
        return cls(ordered[0], ordered[(len(ordered) - 1) // 2], ordered[-1], scales, crop, reduced_to)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Photographs:
        """Make what `config` returned.

        Returns:
            `Photographs`.

        Raises:
            ValueError: if a name in it is none of this class, or a value as above.
        """
        names = {field.name for field in dataclasses.fields(cls)}
        if not isinstance(config, Mapping) or not {"smallest", "median", "largest"} <= set(config) <= names:
            raise ValueError(f"Photographs are described by {sorted(names)}. Received: {str(config)[:100]}.")
        return cls(**config)

    def config(self) -> dict[str, Any]:
        """Return the values as JSON's types, without those that are None."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {name: list(x) if isinstance(x, tuple) else x for name, x in values.items() if x is not None}

    @property
    def most_pixels(self) -> int:
        """Of a photograph that is scored as it is: `FAR` times the sides of the largest that training showed.

        Where training reduced larger ones itself, no larger one is scored as it is.
        """
        shown = FAR**2 * math.prod(self.largest) if self.reduced_to is None else self.reduced_to
        return math.floor(self._factor**2 * shown)

    @property
    def reduced_pixels(self) -> int:
        """What a larger one is reduced to: as in training; or else as many as the median has."""
        shown = math.prod(self.median) if self.reduced_to is None else self.reduced_to
        return max(1, round(self._factor**2 * shown))

    @property
    def _factor(self) -> float:
        """The factor next to 1 by which training resized: 1, where that is among them."""
        low, high = self.scales or (1.0, 1.0)
        return min(max(1.0, low), high)


Scale = Photographs | float | int | None  # as `scaled_size` takes it


def scaled_size(size: Size, scale: Scale) -> Size:
    """Tell at which size a photograph is scored. It is never enlarged.

    Args:
        size: its `(H, W)`.
        scale: what the network was trained on: a photograph that is far larger gets as many pixels as those had. Or a
            factor above 0 and up to 1; or a whole number above 1, the longer side in pixels. None keeps the size.

    Returns:
        `(h, w)`, sides rounded, half up, and at least 1; of the same shape up to that.
    """
    height, width = size
    if scale is None:
        return size
    if isinstance(scale, Photographs):
        if height * width <= scale.most_pixels:
            return size
        return size_within(size, scale.reduced_pixels)
    elif scale <= 1:
        sides = (side * scale for side in size)
    else:
        longer = max(size)
        sides = (side * (min(int(scale), longer) / longer) for side in size)
    return _rounded(size, sides)


def size_within(size: Size, pixels: int) -> Size:
    """Tell the size of a photograph with about so many pixels, and its own shape.

    Args:
        size: its `(H, W)`.
        pixels: at least 1.

    Returns:
        `(h, w)`, sides rounded, half up, and at least 1; the photograph's own where that has no more pixels.
    """
    height, width = size
    if height * width <= pixels:
        return size
    return _rounded(size, (math.sqrt(pixels * a / b) for a, b in ((height, width), (width, height))))


def require_scale(scale: float | int | None) -> None:
    """Refuse a scale that is neither None, a factor nor a longer side.

    Raises:
        ValueError: if it is none of them.
    """
    if scale is None:
        return
    known = isinstance(scale, numbers.Real)
    if not known or not (0 < scale <= 1 or (1 < scale <= LARGEST_SIDE and scale == math.floor(scale))):
        raise ValueError(
            f"`scale` is a factor above 0 and up to 1, or the longer side, a whole number above 1. Received: {scale!r}."
        )


def scale_from_text(text: str) -> float | int | None:
    """Read the text of the option `--scale` of the commands: `trained`, `none`, a factor or a longer side.

    Returns:
        a factor or the longer side, as `scaled_size` takes them; `none` is the factor 1, `trained` is None.

    Raises:
        ValueError: if it is none of the four.
    """
    if text == "trained":
        return None
    try:
        number = 1.0 if text == "none" else float(text)
    except ValueError:
        number = 0.0
    if 0 < number <= 1:
        return number
    if 1 < number <= LARGEST_SIDE and number == math.floor(number):
        return int(number)
    raise ValueError(
        "--scale is trained, none, a factor above 0 and up to 1, such as 0.25, or the longer side in whole pixels, "
        f"such as 640. Received: {text}."
    )


def _rounded(size: Size, sides: Iterable[float]) -> Size:
    down, across = (min(side, max(1, math.floor(new + 0.5))) for side, new in zip(size, sides, strict=True))
    return down, across


def _is_side(value: Any, most: int = LARGEST_SIDE) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most


def _are_factors(low: Any, high: Any) -> bool:
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (low, high))
    return numbers and 0 < low <= high <= 100
