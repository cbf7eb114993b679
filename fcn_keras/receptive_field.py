"""What a model's pixels see of the image, and how many there are, followed layer by layer through the model itself."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import keras
from keras import layers

from fcn_keras.geometry import Grid
from fcn_keras.layers import CeilMaxPooling2D, CropLike, PadToMultiple, Preprocess

WINDOWED = (layers.Conv2DTranspose, layers.Conv2D, layers.MaxPooling2D, layers.AveragePooling2D)
PIXELWISE = (
    layers.InputLayer,
    layers.Activation,
    layers.BatchNormalization,
    layers.Dropout,
    layers.Rescaling,
    layers.ReLU,
    PadToMultiple,  # at the bottom and right only: nothing moves
    Preprocess,
)


@dataclass(frozen=True)
class Field:
    """Pixel `i` of a map is centred on image coordinate `grid.start + grid.stride * i` and sees `radius` to each side.

    Args:
        grid: where the map's pixels are centred.
        radius: in image pixels, from a pixel's centre to the last one that it sees.
        phase: largest stride of any map on the way, in image pixels: a part of the image gives the same map pixels
            as the whole only if it starts at a multiple of it.
    """

    grid: Grid
    radius: float
    phase: float


def receptive_field(model: keras.Model) -> Field:
    """Follow a functional model from its inputs to its output.

    Returns:
        `Field` of the output; of several outputs, which must lie on one grid, the widest.

    Raises:
        ValueError: on a layer whose geometry is not known, or depends on the size of the image.
    """
    fields = fields_of(model)
    return _merge("the outputs", [fields[id(x)] for x in keras.tree.flatten(model.output)])


def fields_of(model: keras.Model) -> dict[int, Field]:
    """Follow a functional model from its inputs to each of its tensors.

    Returns:
        `Field` by the `id` of the tensor.

    Raises:
        ValueError: as `receptive_field`.
    """
    fields: dict[int, Field] = {}
    for layer in model.layers:
        inputs = keras.tree.flatten(layer.input)
        if isinstance(layer, layers.InputLayer):
            field = Field(Grid(), 0.0, 1.0)
        elif unknown := [x.name for x in inputs if id(x) not in fields]:
            raise ValueError(
                f"{layer.name} takes {unknown[0]}, which no layer of known geometry gives. Make a layer of what does."
            )
        else:
            field = through(layer, [fields[id(x)] for x in inputs])
        fields.update({id(x): field for x in keras.tree.flatten(layer.output)})
    return fields


def through(layer: keras.Layer, seen: Sequence[Field]) -> Field:
    """Follow one layer.

    Args:
        layer: of any kind that this module knows.
        seen: of its inputs.

    Returns:
        `Field` of its output.

    Raises:
        ValueError: as `receptive_field`.
    """
    if isinstance(layer, CropLike):
        grid = seen[0].grid
        return replace(seen[0], grid=Grid(grid.stride, grid.start + layer.offset * grid.stride))
    if isinstance(layer, layers.ZeroPadding2D):
        (top, bottom), (left, right) = layer.padding
        _square(layer, bottom, right)
        grid = seen[0].grid
        return replace(seen[0], grid=Grid(grid.stride, grid.start - _square(layer, top, left) * grid.stride))
    if isinstance(layer, WINDOWED):
        return _window(layer, seen[0])
    if isinstance(layer, (layers.Add, layers.Average, layers.Concatenate)):
        return _merge(f"the inputs of {layer.name}", seen)
    if isinstance(layer, PIXELWISE):
        return seen[0]
    raise ValueError(f"The receptive field of {type(layer).__name__} layers is not known. Received: {layer.name}.")


def length_after(layer: keras.Layer, lengths: Sequence[int]) -> int:
    """Count the rows, or the columns, of a layer's output.

    Args:
        layer: of any kind that `through` knows.
        lengths: of its inputs.
    """
    first = lengths[0]
    if isinstance(layer, CropLike):
        return lengths[1]
    if isinstance(layer, layers.ZeroPadding2D):
        return first + int(sum(layer.padding[0]))
    if isinstance(layer, PadToMultiple):
        multiple: int = layer.multiple
        return -(-first // multiple) * multiple
    if not isinstance(layer, WINDOWED):
        return first
    kernel, stride = kernel_and_stride(layer)
    if stride == 1 and layer.padding == "same":
        return first
    if isinstance(layer, layers.Conv2DTranspose):
        return first * stride + (max(kernel - stride, 0) if layer.padding == "valid" else 0)
    if layer.padding == "same":
        return -(-first // stride)
    if isinstance(layer, CeilMaxPooling2D):
        return -(-(first - kernel) // stride) + 1
    return (first - kernel) // stride + 1


def kernel_and_stride(layer: keras.Layer) -> tuple[int, int]:
    """Return the sides of a layer's window, dilated, and of its step.

    Args:
        layer: one of `WINDOWED`.

    Raises:
        ValueError: if one of them is not square.
    """
    pools = hasattr(layer, "pool_size")
    kernel = _square(layer, *(layer.pool_size if pools else layer.kernel_size))
    if not pools:
        kernel = 1 + (kernel - 1) * _square(layer, *layer.dilation_rate)
    return kernel, _square(layer, *layer.strides)


def _window(layer: keras.Layer, field: Field) -> Field:
    pools = hasattr(layer, "pool_size")
    kernel, stride = kernel_and_stride(layer)
    same = layer.padding == "same"
    if isinstance(layer, layers.Conv2DTranspose):
        if same and (kernel - stride) % 2:
            raise ValueError(f"`same` pads {layer.name} unequally. Make its kernel twice its stride.")
        grid = field.grid.transposed(kernel, stride, (kernel - stride) / 2 if same else 0)
        return replace(field, grid=grid, radius=field.radius + grid.stride * (kernel - 1) / 2)
    if same and (kernel % 2 == 0 or stride > 1) and not (pools and kernel == stride == 2):
        raise ValueError(
            f"How `same` pads {layer.name} depends on the image's size. Use an odd kernel and stride 1, 2x2/2 pooling, "
            "or padding of your own."
        )
    grid = field.grid.window(kernel, stride, (kernel - 1) / 2 if same and stride == 1 else 0)
    radius = field.radius + field.grid.stride * (kernel - 1) / 2
    return Field(grid, radius, max(field.phase, grid.stride))


def _square(layer: keras.Layer, height: int, width: int) -> int:
    if height != width:
        raise ValueError(f"Only square windows, strides and pads are followed. Received: {layer.name}.")
    return height


def _merge(what: str, fields: Sequence[Field]) -> Field:
    if len({field.grid for field in fields}) > 1:
        raise ValueError(f"Maps of different grids meet in {what}. Received: {[field.grid for field in fields]}.")
    return Field(fields[0].grid, max(f.radius for f in fields), max(f.phase for f in fields))
