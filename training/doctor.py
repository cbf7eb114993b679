"""`fcn-doctor`: look a data set over before anyone trains on it, and say what is wrong in words."""

import argparse
import sys
from dataclasses import asdict
from pathlib import Path

from . import command

DESCRIPTION = """Look a data set over before anyone trains on it: its folders, files, masks, ids, sizes, classes and
duplicates. Exit code 0: no error (there may be notes); 1: errors; 2: DIR is no data set. With --fix the code is that of
the corrected copy."""


def main(argv=None):
    arguments, verdict = _parser().parse_args(argv), []
    return command.run("fcn-doctor", lambda given: verdict.append(_doctor(given)), arguments) or verdict[0]


def _parser():
    parser = argparse.ArgumentParser(prog="fcn-doctor", description=DESCRIPTION)
    parser.add_argument("directory", type=Path, metavar="DIR", help="folder of the data set, as fcn-train --data takes")
    parser.add_argument("--classes", help="class file, or number of classes (default: classes.txt; else from the ids)")
    parser.add_argument("--ignore-label", type=int, default=255, help="void id besides 255")
    parser.add_argument("--json", action="store_true", help="print JSON, not the table")
    parser.add_argument("--output", type=Path, help="folder for doctor.json, doctor.txt and doctor.png")
    parser.add_argument("--fix", type=Path, metavar="OUT", help="write a corrected copy to this new folder")
    return parser


def _doctor(arguments):
    from . import recipes
    from .checkup.examination import examination, examine
    from .checkup.report import picture, text
    from .outputs import require_folder, written
    from .report import to_json
    from .stage import write_text

    classes = None if arguments.classes is None else recipes.classes_of(arguments.classes)
    if arguments.output is not None:
        require_folder(arguments.output)
    progress = _progress(arguments.json)
    result = examination(arguments.directory, classes=classes, ignore_label=arguments.ignore_label, progress=progress)
    report, said = asdict(result.report), text(result.report)
    if arguments.fix is not None:
        from .checkup.mend import mend

        mended = mend(result, arguments.fix)
        after = examine(arguments.fix, classes=mended.classes, ignore_label=mended.ignore_label, progress=progress)
        report["fix"] = {**asdict(mended), "findings": asdict(after)["findings"]}
        said += "\n\n" + mended.text(after)
    else:
        after = result.report
    if arguments.output is not None:
        with written(arguments.output / "doctor.png") as temporary:
            picture(result).savefig(temporary, format="png", dpi=120)
        write_text(arguments.output / "doctor.txt", said + "\n")
        write_text(arguments.output / "doctor.json", to_json(report) + "\n")
    print(to_json(report) if arguments.json else said)
    return 1 if after.errors else 0


def _progress(as_json):
    """Return what the reading reports to: a line on a terminal, nothing otherwise."""
    if as_json or not sys.stdout.isatty():
        return None

    def progress(done, total):
        print(f"\r{done}/{total} read", end="\n" if done == total else "", flush=True)

    return progress


if __name__ == "__main__":
    sys.exit(main())
