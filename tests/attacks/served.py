"""A server to attack: `fcn-serve` in a process of its own, on a model that takes images and answers at once."""

import contextlib
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PIXELS = 10_000  # the largest image of the small model


class Served(NamedTuple):
    """A running server: `host:port` of both ports, and its process."""

    grpc: str
    rest: str
    process: subprocess.Popen

    def memory(self):
        """Read the resident memory in MiB."""
        return self._status("VmRSS")

    def peak(self):
        """Read the most that it was since `forget_peak`."""
        return self._status("VmHWM")

    def forget_peak(self):
        """Start measuring the peak anew."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def files(self):
        """Count the open files."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def is_alive(self):
        """Tell whether the process runs."""
        return self.process.poll() is None

    def _status(self, name):
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{name}:\s+(\d+) kB", text)[1]) / 1024


def write_model(folder):
    """Write a SavedModel with the decoder of the exported ones, and the red channel for labels."""
    import tensorflow as tf

    from serving.export.saved_model.decoding import read_image

    module = tf.Module()

    def answer(contents):
        image, status = read_image(contents, PIXELS)
        size = tf.shape(image)
        label = tf.cond(
            tf.equal(status, ""), lambda: tf.io.encode_png(image[..., :1]), lambda: tf.constant(b"", tf.string)
        )
        return {"label_png_bytes": label, "height": size[0], "width": size[1], "status": status}

    def serving_default(image_bytes):
        kinds = {"label_png_bytes": tf.string, "height": tf.int32, "width": tf.int32, "status": tf.string}
        specs = {name: tf.TensorSpec([], kind) for name, kind in kinds.items()}
        return tf.map_fn(answer, image_bytes, fn_output_signature=specs, parallel_iterations=1)

    functions = {
        "serving_default": (serving_default, tf.TensorSpec([None], tf.string, "image_bytes")),
        "predict_tensors": (
            lambda image: {"label": image[..., 0]},
            tf.TensorSpec([None, None, None, 3], tf.uint8, "image"),
        ),
        "predict_scores": (
            lambda image: {"scores": image / 2},
            tf.TensorSpec([None, None, None, 3], tf.float32, "image"),
        ),
    }
    signatures = {name: tf.function(function, [spec], autograph=False) for name, (function, spec) in functions.items()}
    signatures = {name: function.get_concrete_function() for name, function in signatures.items()}
    tf.saved_model.save(module, str(Path(folder) / "1"), signatures)
    return Path(folder)


@contextlib.contextmanager
def served(model, *options, log=subprocess.DEVNULL, environment=None):
    """Serve a folder of versions as the model `m`, on free ports; ends the process in the end."""
    command = [sys.executable, "-m", "serving.server", "--port=0", "--rest_api_port=0", "--model_name=m"]
    command += [f"--model_base_path={model}", *options]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True, env=environment)
    watchdog = threading.Timer(300, process.kill)
    watchdog.start()
    try:
        grpc, rest = (process.stdout.readline() for _ in range(2))
        watchdog.cancel()
        if not rest:
            raise RuntimeError(f"the server did not start: exit code {process.wait()}")
        yield Served(grpc.split()[-2], rest.split("at:")[1].split()[0].removeprefix("https://"), process)
    finally:
        watchdog.cancel()
        process.kill()
        process.wait()
        process.stdout.close()
