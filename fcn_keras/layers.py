"""The layers Keras does not have: raw pixels in, padding to a multiple, cropping to alignment, wide convolutions.

And two operations of AlexNet that VGG16 does not have.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
from keras import ops

from fcn_keras.photographs import Photographs

VOC_MEAN = (104.00699, 116.66877, 122.67892)  # BGR, of the VOC training images; voc_layers.py of the release
HHA_MEAN = (132.431, 94.076, 118.477)  # in file order; nyud_layers.py of the release
LOG_DEPTH_MEAN = 7.844  # mean of ln(depth in mm) over NYUDv2; nyud_layers.py of the release

Tensor = Any  # of any backend: Keras names no type for it
Shape = tuple[int | None, ...]

LRN_SIZE, LRN_ALPHA, LRN_BETA = 5, 1e-4, 0.75  # of AlexNet, as Caffe's CaffeNet has them

CHANNELS = {"rgb": 3, "hha": 3, "rgbd": 4}  # modality -> input channels


@keras.saving.register_keras_serializable("fcn_keras")
class Preprocess(keras.layers.Layer):
    """Turn raw pixels into what the convolutionalised VGG expects; a model's first layer.

    `"rgb"`: RGB 0-255 -> BGR minus the mean. `"hha"`: HHA 0-255 minus its mean, channels in their order.
    `"rgbd"`: RGB 0-255 and depth in millimetres -> BGR minus the mean, and ln(depth) minus 7.844. A depth of 0
    means unknown and becomes 0, the mean. Computes in float32 under every dtype policy: a half-precision float
    cannot hold millimetres.

    Args:
        modality: `"rgb"`, `"hha"` or `"rgbd"`.
        mean: three numbers on the 0-255 scale, BGR for colour and H, H, A for HHA; `None` is VOC's (colour) or
            NYUDv2's (HHA).
        photographs: what the network was trained on, a `Photographs` or its `config()`; None where nobody knows. It
            changes no pixel: `fcn_keras.predict_scaled` and the commands look at photographs of other sizes by it.

    Raises:
        ValueError: on an unknown modality, a mean that is not three numbers, or photographs that cannot be.
    """

    def __init__(
        self,
        modality: str = "rgb",
        mean: Sequence[float] | None = None,
        photographs: Photographs | Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs["autocast"] = False
        super().__init__(**kwargs)
        if modality not in CHANNELS:
            raise ValueError(f"`modality` is one of {sorted(CHANNELS)}. Received: {modality!r}.")
        mean = (HHA_MEAN if modality == "hha" else VOC_MEAN) if mean is None else tuple(float(m) for m in mean)
        if len(mean) != 3 or not all(map(math.isfinite, mean)):
            raise ValueError(f"`mean` is three numbers, one a channel, on the 0-255 scale. Received: {mean}.")
        self.modality = modality
        self.mean = mean
        if photographs is not None and not isinstance(photographs, Photographs):
            photographs = Photographs.from_config(photographs)
        self.photographs: Photographs | None = photographs

    def call(self, image: Tensor) -> Tensor:
        image = ops.cast(image, "float32")
        if self.modality == "hha":
            pixels = image - ops.convert_to_tensor(self.mean, "float32")
        else:
            pixels = ops.flip(image[..., :3], axis=-1) - ops.convert_to_tensor(self.mean, "float32")
        if self.modality == "rgbd":
            depth = image[..., 3:]
            known = depth > 0
            log_depth = ops.log(ops.where(known, depth, 1.0)) - LOG_DEPTH_MEAN
            pixels = ops.concatenate([pixels, ops.where(known, log_depth, 0.0)], axis=-1)
        return ops.cast(pixels, self.compute_dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.pop("autocast", None)
        known = {} if self.photographs is None else {"photographs": self.photographs.config()}
        return {**config, "modality": self.modality, "mean": self.mean, **known}


@keras.saving.register_keras_serializable("fcn_keras")
class PadToMultiple(keras.layers.Layer):
    """Pad height and width with zeros at the bottom and right up to the next multiple.

    An all-`"same"` net is geometrically aligned only at multiples of its stride.

    Args:
        multiple: of pixels, such as 32.
    """

    def __init__(self, multiple: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.multiple = multiple

    def call(self, x: Tensor) -> Tensor:
        height, width = ops.shape(x)[1:3]
        # Not `-height % multiple`: ONNX divides integers towards 0, and converters of graphs forget that.
        bottom, right = ((self.multiple - n % self.multiple) % self.multiple for n in (height, width))
        padded = ops.pad(x, [[0, 0], [0, bottom], [0, right], [0, 0]])
        # It says again how many channels there are: by computed widths of padding converters of graphs lose the number,
        # and the convolution behind it becomes one that LiteRT lacks.
        return ops.reshape(padded, (-1, height + bottom, width + right, x.shape[-1]))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        batch, *sides, channels = input_shape
        return (batch, *(None if n is None else n + -n % self.multiple for n in sides), channels)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "multiple": self.multiple}


@keras.saving.register_keras_serializable("fcn_keras")
class CropLike(keras.layers.Layer):
    """Crop the first of two maps to the height and width of the second, from `offset` on in both axes.

    Args:
        offset: leading rows and columns to leave out; `Grid.offset_to` derives it.
    """

    def __init__(self, offset: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.offset = offset

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        x, reference = inputs
        height, width = ops.shape(reference)[1:3]
        return x[:, self.offset : self.offset + height, self.offset : self.offset + width, :]

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> Shape:
        x, reference = input_shape
        return (x[0], reference[1], reference[2], x[3])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "offset": self.offset}


@keras.saving.register_keras_serializable("fcn_keras")
class MatrixConv2D(keras.layers.Conv2D):
    """A convolution of stride 1 as one matrix product of its input's patches: for kernels of millions of weights.

    fc6 and fc7 hold nine tenths of the network's weights and see small maps. On a CPU, TensorFlow's own convolution
    rearranges its kernel at every call, forward and backward: 411 MB for fc6. A matrix product reads it as it is. The
    patches take `height * width` times the memory of the input's map.

    Arguments, weights and result are those of `keras.layers.Conv2D`, up to the order in which floats are added.

    Raises:
        ValueError: on strides, dilation or groups other than 1, or channels first.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        plain = self.strides == self.dilation_rate == (1, 1) and self.groups == 1
        if not plain or self.padding not in ("same", "valid") or self.data_format != "channels_last":
            raise ValueError(
                "`MatrixConv2D` has stride, dilation and groups of 1, padding `same` or `valid`, and channels last. "
                f"Received: {self.name} with strides={self.strides}, dilation_rate={self.dilation_rate}, "
                f"groups={self.groups}, padding={self.padding!r}, data_format={self.data_format!r}."
            )

    def convolution_op(self, inputs: Tensor, kernel: Tensor) -> Tensor:
        matrix = ops.reshape(kernel, (-1, self.filters))
        return self.multiply(inputs, self.padding, lambda patches: ops.matmul(patches, matrix))

    def multiply(self, inputs: Tensor, padding: str, product: Callable[[Tensor], Tensor]) -> Tensor:
        """Convolve a map by a function that multiplies its patches with the kernel; without bias and activation.

        Args:
            inputs: `(B, H, W, C)`.
            padding: `"same"`, or `"valid"` for the windows that lie in the map.
            product: from `(M, h * w * C)` patches, the channels of a window's pixels row by row, to `(M, K)`.

        Returns:
            `(B, H, W, K)`, or `(B, H - h + 1, W - w + 1, K)`.
        """
        height, width = self.kernel_size
        if padding == "same":
            (top, left), (bottom, right) = ((n - 1) // 2 for n in (height, width)), (height // 2, width // 2)
            inputs = ops.pad(inputs, [[0, 0], [top, bottom], [left, right], [0, 0]])
        windows = [
            inputs[:, i : i + 1 - height or None, j : j + 1 - width or None]
            for i in range(height)
            for j in range(width)
        ]
        patches = ops.concatenate(windows, axis=-1) if len(windows) > 1 else inputs  # (B, H', W', height*width*C)
        batch, rows, columns, length = ops.shape(patches)
        return ops.reshape(product(ops.reshape(patches, (-1, length))), (batch, rows, columns, self.filters))


@keras.saving.register_keras_serializable("fcn_keras")  # type: ignore[untyped-decorator]  # Keras has no types
def local_response_normalization(x: Tensor) -> Tensor:
    """Divide each channel by `(1 + 1e-4 / 5 * sum of the squares of 5 channels around it) ** 0.75`.

    As Caffe's LRN, which divides alpha by the window; channels beyond the ends count as 0. In float32 under every
    dtype policy: the squares of activations leave half precision.

    Args:
        x: `(B, H, W, C)` activations.

    Returns:
        the same shape and dtype.

    Reference: Krizhevsky, Sutskever, Hinton, NIPS 2012, section 3.3.
    """
    wide = ops.cast(x, "float32")
    channels, reach = x.shape[-1], LRN_SIZE // 2
    squares = ops.pad(ops.square(wide), [[0, 0], [0, 0], [0, 0], [reach, reach]])
    total = sum(squares[..., i : i + channels] for i in range(LRN_SIZE))
    return ops.cast(wide * ops.power(1.0 + LRN_ALPHA / LRN_SIZE * total, -LRN_BETA), x.dtype)


@keras.saving.register_keras_serializable("fcn_keras")
class CeilMaxPooling2D(keras.layers.MaxPooling2D):
    """Pool so that the last window may stand out over the bottom and right edges, as Caffe counts windows.

    Keras's `"same"` would also pad at the top and left of an odd map. For maps no smaller than the window.
    """

    def call(self, x: Tensor) -> Tensor:
        pads = [
            [0, -(n - size) % stride]
            for n, size, stride in zip(ops.shape(x)[1:3], self.pool_size, self.strides, strict=True)
        ]
        return super().call(ops.pad(x, [[0, 0], *pads, [0, 0]], constant_values=-float("inf")))

    def compute_output_shape(self, input_shape: Shape) -> Any:
        batch, *sides, channels = input_shape
        padded = (
            None if n is None else n + -(n - size) % stride
            for n, size, stride in zip(sides, self.pool_size, self.strides, strict=True)
        )
        return super().compute_output_shape((batch, *padded, channels))
