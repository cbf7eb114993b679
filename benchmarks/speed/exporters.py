"""Export the network with the project's own exporters; one process an export, as memory is the process's peak."""

from speed import nets

CALIBRATION = 100  # images, the fewest that the exporters take
CALIBRATION_SIZE = (192, 256)


class Exporter:
    """Load the network; `write` exports it.

    Args:
        net: path of the `.keras` file.
        path: of the exported file or folder.
        format: `"savedmodel"`, `"onnx"`, `"litert"` or `"openvino"`.
        precision: `"fp32"`, `"bf16"` or `"int8"`.
    """

    def __init__(self, net, path, format, precision):
        from fcn_keras_console import start_tensorflow

        start_tensorflow()
        self.model = nets.load(net)
        self.path, self.write_as, self.options = path, getattr(self, f"_{format}"), {}
        if precision != "fp32":
            # Labels of weights drawn at random tie more often than a trained network's: the table shows how many agree.
            self.options = {"precision": precision, "least_agreement": 0}
        if precision == "int8":
            self.options["calibration"] = calibration()

    def write(self):
        self.write_as()

    def _savedmodel(self):
        from fcn_keras_serving.export import export

        export(self.model, self.path, **self.options)

    def _onnx(self):
        from fcn_keras_serving.export.onnx.export import export_onnx

        export_onnx(self.model, self.path, labels=True, **self.options)

    def _litert(self):
        from fcn_keras_serving.export.litert.export import export_litert

        export_litert(self.model, self.path, labels=True, **self.options)

    def _openvino(self):
        from fcn_keras_serving.export.openvino.export import export_openvino

        export_openvino(self.model, self.path, labels=True, **self.options)


def calibration():
    """Draw the images that int8 is calibrated on: `(H, W, 3)` uint8 arrays."""
    from fcn_keras.datasets.synthetic import Synthetic

    height, width = CALIBRATION_SIZE
    scenes = Synthetic(CALIBRATION, seed=1, height=height, width=width)
    return [scenes[i]["image"] for i in range(len(scenes))]
