"""Chain augmentations into one, and tell what a chain does to sizes."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .color import color_jitter
from .maps import Example, Tensor, import_tensorflow, outside
from .moves import crop, crop_view, jitter, jitter_view, mirror, mirror_view, scale, zoom, zoom_view
from .rotation import rotate
from .views import View

Augmentation = Callable[[Example, Tensor], Example]

_SCALING: tuple[Callable[..., Example], ...] = (scale, zoom)
_KEEP_SIZE: tuple[Callable[..., Example], ...] = (mirror, jitter, rotate, color_jitter, zoom)
_CHANGE_SIZE: tuple[Callable[..., Example], ...] = (scale, crop)


def compose(*functions: Augmentation) -> Augmentation:
    """Chain augmentations into one `(example, seed)` function.

    Each gets its own seed, derived from the given one and its place in the chain. Bind options with
    `functools.partial`: `compose(mirror, partial(jitter, pixels=16))`.

    Args:
        *functions: of this module, or others of `(example, seed)` that return an example.

    Returns:
        the function, which can be pickled if they can.
    """
    return functools.partial(_chain, functions)


def _chain(functions: Sequence[Augmentation], example: Example, seed: Tensor) -> Example:
    tf = import_tensorflow()
    for position, function in enumerate(functions):
        example = function(example, tf.random.fold_in(seed, position))
    return example


def through(augment: Augmentation, view: View, seed: Tensor, fills: Mapping[str, Any]) -> View:
    """Augment what is seen of an example; moves of pixels that follow each other change the view alone.

    Args:
        augment: as for `keeps_size`. What is not of this package may hold Python's `if` and `for` of tensors: AutoGraph
            converts it.
        view: of the example.
        seed: integer tensor of shape `(2,)`.
        fills: of `outside`, what lies outside in `view` and in the result. A function with another mean or ignore_label
            gets the pixels, and its own border stays.

    Returns:
        view; shown, it is `augment(view.shown(fills), seed)`.
    """
    tf = import_tensorflow()
    if isinstance(augment, functools.partial) and augment.func is _chain and not augment.keywords:
        for position, function in enumerate(augment.args[0]):
            view = through(function, view, tf.random.fold_in(seed, position), fills)
        return view
    function, options = _bound(augment)
    own = outside(options.pop("mean", None), options.pop("ignore_label", 255))
    if function is mirror:
        return mirror_view(view, seed)
    for moves, see in ((jitter, jitter_view), (crop, crop_view)):
        if function is moves and own == fills:
            return see(view, seed, **options)
    if function is zoom and own == fills:
        return zoom_view(view, seed, fills, **options)
    function = augment if keeps_size(augment) is not None else tf.function(augment)
    return View.of(function(view.shown(fills), seed))


def _bound(augment: Any) -> tuple[Callable[..., Example], dict[str, Any]]:
    """Return a function and the options that are bound to it."""
    if isinstance(augment, functools.partial) and not augment.args:
        return augment.func, dict(augment.keywords)
    return augment, {}


def keeps_size(augment: Augmentation) -> bool | None:
    """Tell whether an augmentation of this package keeps the size of every example.

    Args:
        augment: the function, bare, with bound options, or a chain of `compose`.

    Returns:
        Whether it does; None where only tracing tells, since a function is not of this package.
    """
    if isinstance(augment, functools.partial):
        if augment.func is not _chain:
            return keeps_size(augment.func)
        answers = [keeps_size(function) for function in augment.args[0]]
        return None if None in answers else all(answers)
    if any(augment is function for function in _KEEP_SIZE):
        return True
    return False if any(augment is function for function in _CHANGE_SIZE) else None


def drawn_scales(augment: Augmentation | None) -> tuple[float, float] | None:
    """Return the least and the largest factor by which an augmentation resizes pictures; None where it resizes none.

    Args:
        augment: as for `keeps_size`, or None. Of a function that is not of this package nothing is known.
    """
    factors = [options for function, options in _steps(augment) if function in _SCALING]
    if not factors:
        return None
    low, high = 1.0, 1.0
    for options in factors:
        low, high = low * options["low"], high * options["high"]
    return low, high


def drawn_crop(augment: Augmentation | None) -> tuple[int, int] | None:
    """Return the `(H, W)` of the window that `augment` cuts out at last; None where it cuts none."""
    windows = [options for function, options in _steps(augment) if function is crop]
    return (windows[-1]["height"], windows[-1]["width"]) if windows else None


def _steps(augment: Any) -> list[tuple[Callable[..., Example], Mapping[str, Any]]]:
    """List the functions of an augmentation, each with the options that are bound to it."""
    if augment is None:
        return []
    if not isinstance(augment, functools.partial):
        return [(augment, {})]
    if augment.func is _chain:
        return [step for function in augment.args[0] for step in _steps(function)]
    return [(function, {**options, **augment.keywords}) for function, options in _steps(augment.func)]
