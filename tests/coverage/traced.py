"""Let coverage see what TensorFlow runs: `pytest -p tests.coverage.traced --cov`, which is what `make coverage` does.

AutoGraph runs copies of the functions that it converts, and TensorFlow's own threads start without Python's trace
function: without this, lines that ran count as missed.
"""

import sys
import threading


def pytest_configure():
    """Leave the library's functions as they are, and trace those called from TensorFlow's threads."""
    from tensorflow.python.autograph.core import config
    from tensorflow.python.ops import script_ops

    config.CONVERSION_RULES = (config.DoNotConvert("fcn_keras"), *config.CONVERSION_RULES)
    call = script_ops.FuncRegistry.__call__

    def traced(*arguments):
        if sys.gettrace() is None:
            sys.settrace(threading.gettrace())
        return call(*arguments)

    script_ops.FuncRegistry.__call__ = traced
