"""What a program that a test starts does without.

TensorFlow and Keras import JAX, scikit-learn and IPython where they find them: a third of their own start, for nothing
here. Most users have none of them; the tests do. Python imports a module of this name as it starts.
"""

import os
import sys

_ABSENT = {"IPython", "jax", "sklearn"}

for _name in _ABSENT - {os.environ.get("KERAS_BACKEND")}:
    sys.modules[_name] = None
