"""docs/serving.md says which packages a machine installs that only asks: with no others, the client runs."""

import json
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).parents[3]
CHILD = """
import json, sys
refused, for_grpc, rest, rpc, path = map(json.loads, sys.argv[1:])
missing = {*refused, *for_grpc}
class Missing:
    def find_spec(name, *_):
        if name.partition(".")[0] in missing:
            raise ModuleNotFoundError(f"{name} is not installed", name=name)
sys.meta_path.insert(0, Missing)
from serving.client import Client, main
sys.stderr.isatty = lambda: True  # so that the bar is drawn
ask = lambda url: main([url, path, "--model", "model", "--output", path + ".labels"])
from PIL import Image
print(ask(rest), Client(rest).predict(Image.open(path)).shape, ask(rpc))
missing -= set(for_grpc)
print(ask(rpc))
"""


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def with_requirements(names):
    """Return packages and what pip installs with them, extras aside."""
    found, pending = set(), list(names)
    while pending:
        name = canonical(pending.pop())
        if name not in found:
            found.add(name)
            required = [line for line in metadata.requires(name) or () if "extra ==" not in line]
            pending += [re.match(r"[\w.-]+", line)[0] for line in required]
    return found


def test_the_client_needs_the_packages_that_are_documented_and_no_others(rest, rpc, tmp_path):
    text = (ROOT / "docs" / "serving.md").read_text(encoding="utf-8")
    always, for_grpc = re.search(
        r"^pip install ([\w ]+)\npip install ([\w ]+?) *#.*\npip install --no-deps fcn_keras$", text, re.MULTILINE
    ).groups()
    first, both = (with_requirements(names.split()) for names in (always, f"{always} {for_grpc}"))
    refused, later = [], []
    for name, packages in metadata.packages_distributions().items():
        packages = {canonical(package) for package in packages}
        if not packages & (both | {"fcn-keras"}):
            refused.append(name)
        elif not packages & (first | {"fcn-keras"}):
            later.append(name)
    assert {"keras", "tensorflow", "scipy", "h5py", "requests"} & set(refused)
    path = tmp_path / "a.png"
    Image.fromarray(np.zeros((5, 7, 3), np.uint8)).save(path)
    arguments = map(json.dumps, (refused, later, rest.url, rpc.url, str(path)))
    child = subprocess.run([sys.executable, "-c", CHILD, *arguments], cwd=ROOT, capture_output=True, text=True)
    labelled = f"1 image labelled in {path}.labels\n"
    assert child.stdout == f"{labelled}0 (5, 7) 2\n{labelled}0\n", child.stderr
    assert "pip install grpcio protobuf" in child.stderr
