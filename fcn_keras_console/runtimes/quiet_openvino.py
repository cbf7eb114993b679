"""Import OpenVINO without what it tells others, and keep its core."""

import functools
import sys


def load_openvino():
    """Import OpenVINO so that it reports nothing.

    By default its Python package sends events to Google Analytics, the import itself being one, unless the user ran
    `opt_in_out --opt_out`. It does without where the package `openvino_telemetry` cannot be imported, so for the time
    of the import it cannot.

    Returns:
        The module.

    Raises:
        ImportError: if it is missing.
    """
    name = "openvino_telemetry"
    hidden = name not in sys.modules
    if hidden:
        sys.modules[name] = None
    try:
        import openvino
    except ImportError as error:
        raise ImportError(f'OpenVINO needs {error.name}. Install it with: pip install "fcn_keras[openvino]"') from None
    finally:
        if hidden:
            del sys.modules[name]
    return openvino


def openvino_core():
    """Return the process's only `openvino.Core`, which stays to its end.

    The first to compile on a thread gives it an alternate signal stack, and its end puts back what was there. Of two
    that end in the order they began, the second puts back the first one's, which is no memory any more, and the next
    signal, a Ctrl-C, ends the process with a segmentation fault (openvino 2026.4).

    Raises:
        ImportError: if openvino is missing.
    """
    return _core(load_openvino())


@functools.cache
def _core(openvino):
    return openvino.Core()
