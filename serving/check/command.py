"""Run the probe of what fcn-export wrote, and say how far this machine's answers are from those at the export.

The probe is a small image, with the scores and labels that the Keras model gave it in float32 when it was exported. It
is run by the runtime that the file is for, with that runtime's own settings. Where the answers differ by more than the
probe allows, the exit code is 2. What is another here than at the export is listed: what OpenVINO computes in, the
runtime's version, the processor, the threads.
"""

import json
from pathlib import Path

from fcn_keras_console import Parser, add_reporting, run
from fcn_keras_console.printing import in_one_line
from fcn_keras_console.run import AdvisedError

CODES = {0: "the answers are within what the probe allows", 2: "they are not, or wrong arguments or files"}


def main(argv=None):
    """Run `fcn-check` and return its exit code: 0, or 2 with one line on stderr, and a line for every reason below."""
    return run("fcn-check", _command, build_parser().parse_args(argv))


def _command(arguments):
    from fcn_keras_console.exported.find import find_exported
    from fcn_keras_console.exported.integrity import require_as_exported
    from fcn_keras_console.given import did_you_mean_path

    from ..probe import read

    exported = find_exported(arguments.path)
    if exported is None:
        path = Path(arguments.path)
        wrong = "nothing that fcn-export wrote" if path.exists() else "missing"
        raise ValueError(
            f"{path} is {wrong}. Name a version's folder, the folder of versions, or an .onnx, .xml or .tflite file."
            f"{did_you_mean_path(path)}"
        )
    if not exported.probe.is_file():
        raise ValueError(
            f"{exported.path} has no probe: {exported.probe} is missing. Export the model anew, or copy the probe "
            "along with the file."
        )
    require_as_exported(exported, probe=True)
    probe = read(exported.probe)

    from .answers import FLOAT32, deviation_as_told, deviation_of
    from .reasons import here, reasons

    found, computes_in = deviation_of(exported, probe)
    alike = found.is_within(probe.allowed)
    better = None
    if not alike and computes_in not in (FLOAT32, probe.facts.get("precision")):
        better = deviation_as_told(exported, probe).against(probe.allowed)
    why = reasons(probe.facts, machine := here(exported), computes_in, better)
    verdict = f"{exported.path}, {probe.facts.get('precision')}: {found.against(probe.allowed)}"
    if arguments.json:
        told = {**found._asdict(), "allowed": probe.allowed._asdict(), "alike": alike, "computes_in": computes_in}
        print(json.dumps({"path": str(exported.path), **told, "here": machine, "export": probe.facts}))
    if not alike:
        raise AdvisedError(f"{verdict}. This machine does not answer as the export did.", why or [_NOTHING])
    if not arguments.json:
        print("\n".join(map(in_one_line, [f"{verdict}.", *why])))


_NOTHING = "Runtime, processor and threads are those of the export: compare the files with their copies."


def build_parser():
    parser = Parser(
        "fcn-check",
        __doc__,
        examples=(("fcn-check models/fcn", "the newest version in a folder"), "fcn-check models/road.xml"),
        codes=CODES,
    )
    parser.add_argument(
        "path", help="a SavedModel's version or the folder of its versions, or an .onnx, .xml or .tflite file"
    )
    add_reporting(parser, json="the differences, what is allowed, and both machines", progress=False, steps=False)
    return parser
