"""What setup.py declares and requirements.txt pins, read without running either."""

import ast
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
TOOLS = "# Tests and linters only"  # the heading in requirements.txt of what the packages themselves do not need


def declared():
    """Return `{extra: [Requirement]}` of setup.py, under "" what is always installed."""
    tree = ast.parse((ROOT / "setup.py").read_text(encoding="utf-8"))
    [call] = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "setup"]
    said = {keyword.arg: keyword.value for keyword in call.keywords}
    lists = {"": ast.literal_eval(said["install_requires"]), **ast.literal_eval(said["extras_require"])}
    return {extra: [Requirement(line) for line in lines] for extra, lines in lists.items()}


def bound(requirement, *operators):
    """Return the version that a requirement names behind one of the operators, None where it names none."""
    return next((part.version for part in requirement.specifier if part.operator in operators), None)


def pins():
    """Return the lines of requirements.txt as requirements: those for the packages, and those for the tests alone."""
    packages, tools = (ROOT / "requirements.txt").read_text(encoding="utf-8").split(TOOLS)
    return requirements(packages), requirements(tools.partition("\n")[2])


def requirements(text):
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [Requirement(line) for line in lines if line]
