"""Fail where less than 95 % of the library's lines or branches ran.

`python -m tests.coverage.covered coverage.json`
"""

import json
import sys
from pathlib import Path

FLOOR = 95


def main(path):
    """Print both shares of a report of `coverage json` and return 1 if either is below the floor."""
    totals = json.loads(Path(path).read_text(encoding="utf-8"))["totals"]
    shares = [
        (name, totals[f"covered_{key}"], totals[f"num_{total}"])
        for name, key, total in (("lines", "lines", "statements"), ("branches", "branches", "branches"))
    ]
    for name, covered, there in shares:
        print(f"fcn_keras: {covered} of {there} {name} ran: {100 * covered / there:.1f} % (at least {FLOOR} %)")
    return int(any(100 * covered < FLOOR * there for _, covered, there in shares))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
