"""What setup.py declares and the two lists of requirements pin, read without running either."""

import ast
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]


def declared():
    """Return `{extra: [Requirement]}` of setup.py, under "" what is always installed."""
    tree = ast.parse((ROOT / "setup.py").read_text(encoding="utf-8"))
    [call] = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "setup"]
    options = {keyword.arg: keyword.value for keyword in call.keywords}
    lists = {"": ast.literal_eval(options["install_requires"]), **ast.literal_eval(options["extras_require"])}
    return {extra: [Requirement(line) for line in lines] for extra, lines in lists.items()}


def bound(requirement, operator):
    """Return the version that a requirement names behind the operator, None where it names none."""
    return next((part.version for part in requirement.specifier if part.operator == operator), None)


def pins(name):
    """Return the lines of `requirements.txt` or `requirements-tests.txt` as requirements."""
    lines = (line.partition("#")[0].strip() for line in (ROOT / name).read_text(encoding="utf-8").splitlines())
    return [Requirement(line) for line in lines if line]
