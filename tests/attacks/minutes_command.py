"""`fcn-train` of runs in minutes that take seconds: `python -m tests.attacks.minutes_command EPOCH ARGUMENTS...`.

It is the real command, but for three things. The networks are narrow and start from scratch. The plan is always the
same, `EPOCH` batches an epoch, whatever the machine was measured to be. And it is measured only if `MEASURING` in the
environment names a file, which is created when that begins.
"""

import os
import sys
from dataclasses import replace
from pathlib import Path

from fcn_keras_console import start_tensorflow

NARROW = ((4, 1), (4, 1), (6, 1), (6, 1), (8, 1)), 8
STAGES = ("quick_fcn8s_head", "quick_fcn8s")
VIEWS, SCORED = 16, 2
MEASURING = "MEASURING"


def make_small(epoch):
    """Put narrow networks and a plan of `epoch` batches an epoch in the place of VGG16 and minutes."""
    from training.recipes import catalogue
    from training.train import measurement, quick
    from training.train.budget import EPOCHS, Costs, Schedule

    for name in STAGES:
        options = {"channels": NARROW, "fc6_kernel": 3, "skip_channels": (4, 3)}
        catalogue.RECIPES[name] = replace(catalogue.RECIPES[name], model_options=options, imagenet=False)
    steps = tuple(epoch * epochs for epochs in EPOCHS[0])
    parts = {"feature maps": 9.0, "head": 9.0, "last block": 9.0, "scores": 9.0, "start": 9.0}
    planned = Schedule(None, 2, VIEWS, SCORED, steps, EPOCHS[0], parts, 1.0)
    measure = measurement.measure

    def measured(*arguments, **options):
        if MEASURING in os.environ:
            Path(os.environ[MEASURING]).touch()
            measure(*arguments, **options)
        return "mixed_bfloat16", 0.5, Costs(1e-9, 1e-9, 1e-9, 1e-9, 1.0), 0.0

    measurement.measure = measured
    quick.schedule = lambda *_: planned


if __name__ == "__main__":
    start_tensorflow()
    make_small(int(sys.argv[1]))
    from training.train.command import main

    sys.exit(main(sys.argv[2:]))
