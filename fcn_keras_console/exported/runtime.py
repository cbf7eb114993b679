"""What runs an exported network: the package, its version, and a file loaded by it."""

from ..environment import versions
from ..run import one_line, start_tensorflow
from ..runtimes import litert_file
from .find import LITERT, ONNX, OPENVINO, SAVED_MODEL

# Format -> the package that runs it, and what that is called.
RUNTIMES = {
    SAVED_MODEL: ("tensorflow", "TensorFlow"),
    ONNX: ("onnxruntime", "ONNX Runtime"),
    OPENVINO: ("openvino", "OpenVINO"),
    LITERT: ("ai-edge-litert", "LiteRT"),
}


def runtime_of(format):
    """Name what runs a format here, with its version: `"ONNX Runtime 1.23.2"`."""
    package, name = RUNTIMES[format]
    if format == LITERT and litert_file.needs_tensorflow():
        package, name = "tensorflow", "TensorFlow's LiteRT"
    version = versions(package).get(package)
    return f"{name} {version}" if version else name


def load_file(exported, **options):
    """Load a file of another format than a SavedModel by its own runtime.

    Args:
        exported: `find.Exported`.
        options: of the format's `runner`.

    Returns:
        `fcn_keras_console.runtimes.loaded.Loaded`.

    Raises:
        ImportError: if its runtime is missing.
        ValueError: if it cannot be read.
    """
    if exported.format == LITERT and litert_file.needs_tensorflow():
        start_tensorflow()
    if exported.format == ONNX:
        from ..runtimes.onnx_file import runner
    elif exported.format == OPENVINO:
        from ..runtimes.openvino_files import runner
    else:
        runner = litert_file.runner
    try:
        return runner(exported.path, **options)
    except (ImportError, OSError, MemoryError):
        raise
    except Exception as error:  # each runtime has errors of its own, that share no class
        name = RUNTIMES[exported.format][1]
        raise ValueError(f"{name} cannot read {exported.path}: {one_line(error)[:200]}") from error
