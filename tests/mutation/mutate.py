"""Run a module's tests on every mutant that cosmic-ray makes of it, and name those that no test kills.

    python tests/mutation/mutate.py metrics losses.crossentropy geometry caffemodel --json build/mutants.json

cosmic-ray's own loop edits the file in place and starts TensorFlow anew for each mutant. Here the tests are collected
once, with TensorFlow loaded and idle, and each mutant takes the module's place in a forked process; no file is touched.
"""

import argparse
import ast
import difflib
import gc
import importlib
import itertools
import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROPERTIES = "tests/properties/test_"
SIGNATURES = "tests/fcn_keras/losses/test_every_loss.py::test_signatures"
# Module -> its tests, the quick ones first: the first that fails ends a mutant.
TESTS = {
    "geometry": [
        "tests/fcn_keras/test_geometry.py",
        PROPERTIES + "crop_algebra.py::test_the_derived_offsets_are_the_released_ones",
    ],
    "losses.crossentropy": ["tests/fcn_keras/losses/test_crossentropy.py", PROPERTIES + "loss_properties.py"],
    "losses.pixels": ["tests/fcn_keras/losses/test_pixels.py", "tests/fcn_keras/losses/test_crossentropy.py"],
    "losses.focal": ["tests/fcn_keras/losses/test_focal.py", SIGNATURES],
    "losses.regions": ["tests/fcn_keras/losses/test_regions.py", "tests/fcn_keras/losses/test_overlap.py"],
    "losses.overlap": ["tests/fcn_keras/losses/test_overlap.py", SIGNATURES],
    "losses.lovasz": ["tests/fcn_keras/losses/test_lovasz.py", SIGNATURES],
    "losses.weighted_sum": ["tests/fcn_keras/losses/test_weighted_sum.py", SIGNATURES],
    "metrics": ["tests/fcn_keras/test_metrics.py", PROPERTIES + "metric_properties.py"],
    "caffemodel": ["tests/fcn_keras/test_caffemodel.py"],
}
LONG = ("mutated_bytes", "any_bytes", "hostile_megabytes")  # left out: a mutant's death is not to depend on luck
# One replacement for an operator; cosmic-ray has all, and most of them nothing survives (a matrix product for a minus).
SWAPS = {
    "Add": "Sub",
    "Sub": "Add",
    "Mul": "Div",
    "Div": "Mul",
    "FloorDiv": "Mul",
    "Mod": "FloorDiv",
    "Pow": "Mul",
    "BitAnd": "BitOr",
    "BitOr": "BitAnd",
    "LShift": "RShift",
    "RShift": "LShift",
    "Eq": "NotEq",
    "NotEq": "Eq",
    "Lt": "LtE",
    "LtE": "Lt",
    "Gt": "GtE",
    "GtE": "Gt",
    "Is": "IsNot",
    "IsNot": "Is",
}
SLOWER = 5  # times what the tests take without a mutation: beyond, a mutant is taken for an endless loop, and killed


def mutants(source):
    """Yield `(operator, mutated source)` of every mutant that differs in more than annotations."""
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator, operator_names

    seen = {meaning(source)}
    for name in filter(wanted, sorted(operator_names())):
        for occurrence in itertools.count():
            try:
                mutated = mutate_code(source, get_operator(name)(), occurrence)
            except AttributeError:  # cosmic-ray 8.7 cannot replace an exception of several
                continue
            if mutated is None:
                break
            if meaning(mutated) not in seen:
                seen.add(meaning(mutated))
                yield name, mutated


def wanted(operator):
    """Leave out what has to be told a variable, and all but one swap of an operator."""
    kind, _, swap = operator.removeprefix("core/").partition("_")
    if kind in ("ReplaceBinaryOperator", "ReplaceComparisonOperator"):
        old, _, new = swap.partition("_")
        return SWAPS.get(old) == new
    return not kind.startswith("Variable")


def meaning(source):
    """Return the syntax tree as text, without annotations, which nothing reads at run time."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return "invalid"
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            node.returns = None
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            node.annotation = ast.Constant(None)
    return ast.dump(tree)


class Loop:
    """A pytest plugin that runs the collected tests once for every mutant instead of once."""

    def __init__(self, module, earlier=None):
        self.path = (ROOT / "fcn_keras").joinpath(*module.split(".")).with_suffix(".py")
        self.name = f"fcn_keras.{module}"
        self.count, self.survivors = 0, []
        self.folder = tempfile.TemporaryDirectory()
        self.limit = None  # seconds of CPU time
        self.source = self.path.read_text(encoding="utf-8")
        known = earlier is not None and earlier["source"] == self.source
        self.left = {tuple(survivor["difference"]) for survivor in earlier["survivors"]} if known else None

    def pytest_runtestloop(self, session):
        if not self.survives(session, self.source):
            raise SystemExit(f"mutate: the tests of {self.name} fail without a mutation. Mend them first.")
        gc.freeze()  # so that collections in the forks copy no pages
        for operator, mutated in mutants(self.source):
            self.count += 1
            changed, began = difference(self.source, mutated), time.monotonic()
            if (self.left is None or tuple(changed) in self.left) and self.survives(session, mutated):
                self.survivors.append({"operator": operator, "difference": changed})
            print(f"{self.name} {self.count} {time.monotonic() - began:.1f}s", file=sys.stderr, end="\r")
        return True

    def survives(self, session, source):
        """Return whether all tests pass on a mutant."""
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                self.replace(source)
                status = int(any(failed(session.items, index) for index in range(len(session.items))))
            finally:
                os._exit(status)
        _, status, used = os.wait4(pid, 0)
        self.limit = self.limit or 2 + int(SLOWER * (used.ru_utime + used.ru_stime))
        return status == 0

    def replace(self, source):
        """Run mutated source in the module, and give its names to all who imported them."""
        if self.limit:
            resource.setrlimit(resource.RLIMIT_CPU, (self.limit, self.limit))
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (1, 2):
            os.dup2(nowhere, stream)
        module = sys.modules[self.name]
        old = {name: value for name, value in vars(module).items() if not name.startswith("__")}
        # On disk, as TensorFlow's AutoGraph compiles what it reads there, not the function.
        written = Path(self.folder.name) / self.path.name
        written.write_text(source, encoding="utf-8")
        exec(compile(source, str(written), "exec"), vars(module))
        for other in list(sys.modules.values()):
            if str(ROOT) in (getattr(other, "__file__", None) or ""):
                for name, value in list(vars(other).items()):
                    if name in old and value is old[name]:
                        setattr(other, name, getattr(module, name, None))
        for name, kind in old.items():
            if (
                isinstance(kind, type)
                and kind.__module__ == self.name
                and isinstance(getattr(module, name, None), type)
            ):
                for heir in kind.__subclasses__():
                    heir.__bases__ = tuple(getattr(module, name) if base is kind else base for base in heir.__bases__)


def failed(items, index):
    """Run one collected test; return whether any part of it failed."""
    from _pytest.runner import runtestprotocol

    following = items[index + 1] if index + 1 < len(items) else None
    return any(report.failed for report in runtestprotocol(items[index], nextitem=following, log=False))


def difference(source, mutated):
    lines = difflib.unified_diff(source.splitlines(), mutated.splitlines(), lineterm="", n=0)
    return [line for line in lines if not line.startswith(("---", "+++"))]


def main():
    parser = argparse.ArgumentParser(description="Name the mutants that no test kills.")
    parser.add_argument("modules", nargs="+", choices=TESTS)
    parser.add_argument(
        "--json", type=Path, help="file for counts and survivors; where it exists, those are tried again"
    )
    arguments = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    import cosmic_ray.plugins  # noqa: F401  missing: pip install -r tests/mutation/requirements.txt
    import pytest

    found = json.loads(arguments.json.read_text()) if arguments.json and arguments.json.exists() else {}
    quick = " and ".join(f"not {name}" for name in LONG)
    for module in arguments.modules:
        loop = Loop(module, found.get(module))
        importlib.import_module(loop.name)
        status = pytest.main(
            ["-qq", "-s", "-p", "no:cacheprovider", "-p", "no:warnings", "-k", quick, *TESTS[module]], plugins=[loop]
        )
        if status:
            return status
        found[module] = {"source": loop.source, "mutants": loop.count, "survivors": loop.survivors}
        if arguments.json is not None:
            arguments.json.parent.mkdir(parents=True, exist_ok=True)
            arguments.json.write_text(json.dumps(found, indent=2) + "\n")
    print(f"{'module':<12}{'mutants':>8}{'killed':>8}{'survived':>10}")
    for module, row in found.items():
        left = len(row["survivors"])
        print(f"{module:<12}{row['mutants']:>8}{row['mutants'] - left:>8}{left:>10}")
    for module, row in found.items():
        for survivor in row["survivors"]:
            print("", f"{module}, {survivor['operator']}", *survivor["difference"], sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
