"""A photograph through the exported SavedModel: seconds a pixel, and memory above the idle server."""

import io
import time
from pathlib import Path

import numpy as np

MIB = 2**20


class Served:
    """Load the SavedModel, and let it answer a small image.

    Args:
        folder: of its versions.
    """

    def __init__(self, folder):
        from fcn_keras_console import start_tensorflow

        start_tensorflow()
        import tensorflow as tf

        (version,) = Path(folder).iterdir()
        self.tf = tf
        self.answer = tf.saved_model.load(str(version)).signatures["serving_default"]
        self.label(64, 64)
        _forget_peak()
        self.idle = _memory("VmRSS")

    def label(self, height, width):
        """Label a drawn photograph.

        Returns:
            dict: `seconds`; `status`; `above`, the largest memory since the process was idle, in MiB above that.
        """
        contents = self.tf.constant([_jpeg(height, width)])
        started = time.perf_counter()
        status = self.answer(image_bytes=contents)["status"].numpy()[0].decode()
        seconds = time.perf_counter() - started
        return {"seconds": seconds, "status": status, "above": _memory("VmHWM") - getattr(self, "idle", 0)}


def _jpeg(height, width):
    from PIL import Image

    small = np.random.default_rng(0).integers(0, 256, (height // 16 + 1, width // 16 + 1, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(small).resize((width, height), Image.Resampling.BILINEAR).save(file, "JPEG")
    return file.getvalue()


def _forget_peak():
    """Let Linux measure the process's peak of memory from now on."""
    Path("/proc/self/clear_refs").write_text("5")


def _memory(name):
    """Read a line of Linux's account of the process, in MiB."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines[name].split()[0]) * 1024 / MIB
