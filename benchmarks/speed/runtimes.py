"""The contenders of the forward pass: each labels one image, uint8 pixels in, uint8 labels out.

Built and called in worker processes (`speed.worker`); a runtime is imported where it is used.
"""

import time

import numpy as np

SHAPES = {"square": (3000, 3000, 3000), "tall": (20000, 2000, 1000)}


class Runtime:
    """Label the image of `path` with what a subclass loads; `write_labels` shows that it is the same network."""

    def __init__(self, image):
        self.image = np.load(image)
        self.labels, self.noises = None, {}

    def run(self):
        self.labels = self.label(self.image)

    def write_labels(self, path):
        np.save(path, self.labels)

    def run_at(self, height, width):
        """Label noise of a size."""
        if (height, width) not in self.noises:
            self.noises[height, width] = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
        self.labels = self.label(self.noises[height, width])


class Keras(Runtime):
    """`fcn_keras.predict` on a `.keras` file."""

    def __init__(self, net, image):
        super().__init__(image)
        from speed import nets

        self.model = nets.load(net)

    def label(self, image):
        import fcn_keras as fcn

        return fcn.predict(self.model, image)


class SavedModel(Runtime):
    """The signature `predict_tensors` of the newest version in a folder."""

    def __init__(self, path, image):
        super().__init__(image)
        from pathlib import Path

        import tensorflow as tf

        self.model = tf.saved_model.load(max(Path(path).iterdir(), key=lambda version: int(version.name)))
        self.signature = self.model.signatures["predict_tensors"]

    def label(self, image):
        import tensorflow as tf

        return self.signature(image=tf.constant(image[None]))["label"].numpy()[0]


class OnnxRuntime(Runtime):
    """ONNX Runtime on the processor."""

    def __init__(self, path, image, threads):
        super().__init__(image)
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def label(self, image):
        return self.session.run(["label"], {"image": image[None]})[0][0]


class LiteRT(Runtime):
    """LiteRT's interpreter, which lays its tensors out for one size at a time."""

    def __init__(self, path, image, threads):
        super().__init__(image)
        from ai_edge_litert.interpreter import Interpreter

        self.interpreter = Interpreter(model_path=path, num_threads=threads)
        self.laid_out = None

    def label(self, image):
        interpreter = self.interpreter
        (given,), (found,) = interpreter.get_input_details(), interpreter.get_output_details()
        if self.laid_out != image.shape:
            interpreter.resize_tensor_input(given["index"], (1, *image.shape))
            interpreter.allocate_tensors()
            self.laid_out = image.shape
        interpreter.set_tensor(given["index"], image[None].astype(given["dtype"], copy=False))
        interpreter.invoke()
        return interpreter.get_tensor(found["index"])[0]


class OpenVino(Runtime):
    """OpenVINO on the processor, in float32 or bfloat16 where the file is not int8.

    Args:
        path, image, threads: as of the others.
        hint: `"f32"`, or `"bf16"`, which OpenVINO would choose by itself where the processor has it.
    """

    def __init__(self, path, image, threads, hint="f32"):
        super().__init__(image)
        from fcn_keras_console.runtimes.quiet_openvino import load_openvino

        openvino = load_openvino()  # without its telemetry
        options = {
            "INFERENCE_NUM_THREADS": threads,
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": hint,
        }
        self.model = openvino.Core().compile_model(path, "CPU", options)

    def label(self, image):
        return next(iter(self.model([image[None]]).values()))[0]


class PyTorch(Runtime):
    """The peer (`speed.peer`), in evaluation mode."""

    def __init__(self, arrays, pad, layout, image):
        super().__init__(image)
        from speed import peer

        self.format = peer.laid_out(layout)
        self.net = peer.FCN8s(arrays, pad).eval().to(memory_format=self.format)

    def label(self, image):
        import torch

        with torch.inference_mode():
            pixels = torch.from_numpy(image).permute(2, 0, 1)[None]
            scores = self.net(pixels.to(torch.float32, memory_format=self.format))
            return scores.argmax(1)[0].to(torch.uint8).numpy()


def shapes_at(scale):
    """Return rows, inner side and columns of the matrix products, by name."""
    return {name: tuple(max(8, round(side * scale)) for side in sides) for name, sides in SHAPES.items()}


class Matrix:
    """The machine's matrix product by one library, float32.

    Args:
        library: `"tensorflow"` or `"torch"`.
        scale: factor on the sides.
    """

    def __init__(self, library, scale=1.0):
        self.product = self._product_of(library)
        generator = np.random.default_rng(0)
        self.operands = {}
        for name, (rows, inner, columns) in shapes_at(scale).items():
            arrays = [generator.normal(size=shape).astype("float32") for shape in ((rows, inner), (inner, columns))]
            self.operands[name] = [self.convert(array) for array in arrays]

    def _product_of(self, library):
        if library == "tensorflow":
            import tensorflow as tf

            self.convert = tf.constant
            return tf.function(tf.matmul)
        import torch

        self.convert = torch.from_numpy
        return torch.inference_mode()(torch.matmul)

    def run(self):
        """Return the seconds of one product of every shape."""
        return {name: self._seconds(operands) for name, operands in self.operands.items()}

    def _seconds(self, operands):
        started = time.perf_counter()
        self.product(*operands)
        return time.perf_counter() - started
