"""What a program that a test starts does without.

TensorFlow and Keras import JAX, scikit-learn and IPython where they find them: a third of their own start, for nothing
here. Most users have none of them; the tests do. Python imports a module of this name as it starts; `BARE_BUT_FOR`
names what the program needs all the same. Nor does it wait for the disk, as `tests/conftest.py` says; but where
`LD_PRELOAD` names who looks at what is written.
"""

import os
import sys

_ABSENT = {"IPython", "jax", "sklearn"}
_KEPT = {os.environ.get("KERAS_BACKEND"), *os.environ.get("BARE_BUT_FOR", "").split()}

for _name in _ABSENT - _KEPT:
    sys.modules[_name] = None

if "LD_PRELOAD" not in os.environ:
    os.fsync = os.fstat
