"""Run one attack for `soak`: `python -m tests.attacks.one_attack MODULE SECONDS WORKDIR REPORT`."""

import importlib
import json
import sys
from pathlib import Path


def main(module, seconds, workdir, report):
    """Attack for about `seconds`; raises what the attack raises, and RuntimeError where it tried nothing."""
    outcomes = importlib.import_module(module).soak(float(seconds), Path(workdir))
    if not outcomes or not all(outcome.tries for outcome in outcomes):
        raise RuntimeError(f"`{module}` tried nothing. Received: {outcomes}")
    Path(report).write_text(json.dumps([tuple(outcome) for outcome in outcomes]), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
