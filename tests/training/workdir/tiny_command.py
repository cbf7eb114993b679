"""`fcn-train` of the tiny recipe, without graphs: `python -m tests.training.workdir.tiny_command ARGUMENTS...`."""

import sys

import pytest

from fcn_keras_console import start_tensorflow

if __name__ == "__main__":
    start_tensorflow()
    import tensorflow as tf

    from tests.training.workdir.tiny_recipe import use_tiny_recipe
    from training.train.command import main

    tf.config.run_functions_eagerly(True)
    use_tiny_recipe(pytest.MonkeyPatch())
    sys.exit(main(sys.argv[1:]))
