"""Run a module's tests on every mutant that cosmic-ray makes of it, and name those that no test kills.

    python tests/mutation/mutate.py metrics losses geometry caffemodel --json mutants.json

cosmic-ray's own loop edits the file in place and starts TensorFlow anew for each mutant. Here a mutant is imported in
place of the module in a forked process that has TensorFlow loaded, and no file is touched.
"""

import argparse
import ast
import difflib
import gc
import importlib.util
import itertools
import json
import os
import resource
import signal
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Module -> its tests, the quick ones first: the first that fails ends a mutant.
TESTS = {
    "metrics": ["tests/test_metrics.py", "tests/properties/test_metric_properties.py"],
    "losses": ["tests/test_losses.py", "tests/properties/test_loss_properties.py"],
    "geometry": ["tests/test_geometry.py", "tests/properties/test_crop_algebra.py", "tests/test_receptive_field.py"],
    "caffemodel": ["tests/test_caffemodel.py"],
}
SWAPS = {
    "Add": ("Sub", "Mul"),
    "Sub": ("Add", "Mul"),
    "Mul": ("Add", "Div"),
    "Div": ("Mul", "FloorDiv"),
    "FloorDiv": ("Mul", "Div"),
    "Mod": ("Mul", "FloorDiv"),
    "Pow": ("Mul", "Add"),
    "BitAnd": ("BitOr", "BitXor"),
    "BitOr": ("BitAnd", "BitXor"),
    "LShift": ("RShift",),
    "RShift": ("LShift",),
}
CPU_SECONDS = 60  # a mutant that runs longer is taken for an endless loop: killed
WALL_SECONDS = 300


class MutantFinder:
    """Import one module from mutated source."""

    def __init__(self, name, path, source):
        self.name, self.path, self.source = name, path, source

    def find_spec(self, name, path=None, target=None):
        return importlib.util.spec_from_loader(name, self, origin=str(self.path)) if name == self.name else None

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        module.__file__ = str(self.path)
        exec(compile(self.source, str(self.path), "exec"), module.__dict__)


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
    """Leave out what needs to be told a variable, and swaps that no program survives (a matrix product for a minus)."""
    kind, _, swap = operator.removeprefix("core/").partition("_")
    if kind == "ReplaceBinaryOperator":
        old, new = swap.split("_")
        return new in SWAPS.get(old, ())
    if kind == "ReplaceComparisonOperator":
        old, new = swap.split("_")
        return ("Is" in old) == ("Is" in new) and ("In" in old) == ("In" in new)
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


def survives(module, source):
    """Return whether all tests pass on a mutant."""
    pid = os.fork()
    if pid == 0:
        os._exit(_child(module, source))
    end = time.monotonic() + WALL_SECONDS
    while time.monotonic() < end:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return status == 0
        time.sleep(0.02)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return False


def _child(module, source):
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    sys.meta_path.insert(0, MutantFinder(f"fcn_keras.{module}", ROOT / "fcn_keras" / f"{module}.py", source))
    import pytest

    try:
        return int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", *TESTS[module]]))
    except BaseException:
        return 1


def difference(source, mutated):
    lines = difflib.unified_diff(source.splitlines(), mutated.splitlines(), lineterm="", n=0)
    return [line for line in lines if not line.startswith(("---", "+++"))]


def run(module):
    """Mutate one module; return `{"mutants": int, "survivors": [...]}`."""
    source = (ROOT / "fcn_keras" / f"{module}.py").read_text(encoding="utf-8")
    if not survives(module, source):
        raise SystemExit(f"mutate: the tests of {module} fail without a mutation. Mend them first: {TESTS[module]}.")
    count, survivors = 0, []
    for name, mutated in mutants(source):
        count += 1
        if survives(module, mutated):
            survivors.append({"operator": name, "difference": difference(source, mutated)})
            print(module, name, *survivors[-1]["difference"], sep="\n  ", file=sys.stderr, flush=True)
    return {"mutants": count, "survivors": survivors}


def main():
    parser = argparse.ArgumentParser(description="Name the mutants that no test kills.")
    parser.add_argument("modules", nargs="+", choices=TESTS)
    parser.add_argument("--json", type=Path, help="file for the counts and the survivors")
    arguments = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.chdir(ROOT)
    # What every mutant needs, loaded once. TensorFlow starts its threads at the first operation, after the fork.
    for name in ("tensorflow", "keras", "hypothesis.extra.numpy", "sklearn.metrics", "pytest"):
        importlib.import_module(name)
    gc.freeze()  # so that collections in the forks copy no pages
    found = {}
    print(f"{'module':<12}{'mutants':>8}{'killed':>8}{'survived':>10}")
    for module in arguments.modules:
        found[module] = run(module)
        count, left = found[module]["mutants"], len(found[module]["survivors"])
        print(f"{module:<12}{count:>8}{count - left:>8}{left:>10}", flush=True)
        if arguments.json is not None:
            arguments.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
