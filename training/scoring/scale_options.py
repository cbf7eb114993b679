"""The option `--scale`, which several commands have: at which size photographs are scored."""

from fcn_keras.photographs import scale_from_text, scaled_size
from fcn_keras_console.words import counted


def add_option(parser, default):
    """Add `--scale`, with the default `"trained"`, or None for that of `usual_scale`."""
    parser.add_argument(
        "--scale",
        default=default,
        metavar="SCALE",
        help="at which size photographs are scored: trained, which reduces what is far larger than the photographs "
        "that the model was trained on; none, their own; a factor, such as 0.25; or the longer side, such as 640. "
        "Labels have the photograph's own size (default: "
        + (default or "none; trained, if training reduced the photographs")
        + ")",
    )


def usual_scale(photographs):
    """Return at which scale a model is scored by default: at images' own, unless its training reduced them.

    Args:
        photographs: `fcn_keras.photographs.Photographs` that it was trained on, or None.

    Returns:
        1, or None for the model's own scale.
    """
    return None if photographs is not None and photographs.reduced_to is not None else 1


def scale_of(arguments):
    """Return the scale that was given, as `fcn_keras.scaled_inference.scale_for` takes it.

    Raises:
        ValueError: if it is none.
    """
    return scale_from_text(arguments.scale)


def arrow(own, size):
    """Say how a photograph of `(H, W)` was scaled: `scaled 4000x3000 -> 480x360`."""
    return f"scaled {own[1]}x{own[0]} -> {size[1]}x{size[0]}"


def far_larger(photographs, sizes, scale):
    """Say how many images are scored at their own size though a model knows a far smaller one; "" where none is.

    Args:
        photographs: that the model was trained on, or None.
        sizes: `(H, W)` of the images.
        scale: at which they were scored.
    """
    if photographs is None or scale != 1:
        return ""
    far = sum(scaled_size(size, photographs) != size for size in sizes)
    height, width = photographs.median
    if not far:
        return ""
    return f"; {counted(far, 'image')} far larger than the {width}x{height} that the model was trained on: see --scale"
