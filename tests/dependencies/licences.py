"""Print the licences of everything that the library and its extras bring: `python -m tests.dependencies.licences`."""

import importlib.metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.dependencies.declared import declared

# Where a package's metadata says nothing: from the LICENSE in its source.
SAID_ELSEWHERE = {"namex": "Apache-2.0"}


def licences():
    """Return `{name: (version, licence)}` of what is installed of the library's needs and their needs."""
    found, visited = {}, set()
    waiting = [need for needs in declared().values() for need in needs]
    while waiting:
        need = waiting.pop()
        name, extras = canonicalize_name(need.name), frozenset(need.extras)
        if (name, extras) in visited or (need.marker and not need.marker.evaluate({"extra": ""})):
            continue
        visited.add((name, extras))
        try:
            installed = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        found[name] = installed.version, licence(name, installed.metadata)
        waiting += brought(installed, extras)
    return dict(sorted(found.items()))


def brought(installed, extras):
    """Yield what an installed package needs, under the extras it was asked for."""
    for line in installed.requires or ():
        need = Requirement(line)
        if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in extras | {""}):
            need.marker = None
            yield need


def licence(name, metadata):
    """Return what a package's metadata says: its expression, else its classifiers, else its free text's first line."""
    if metadata.get("License-Expression"):
        return metadata["License-Expression"]
    classified = [
        line.split(" :: ")[-1] for line in metadata.get_all("Classifier") or () if line.startswith("License ::")
    ]
    text = (metadata.get("License") or SAID_ELSEWHERE.get(name, "unknown")).strip().splitlines()[0]
    return "; ".join(line for line in classified if line != "OSI Approved") or text


if __name__ == "__main__":
    print("| package | version | licence |\n|---|---|---|")
    for name, (version, terms) in licences().items():
        print(f"| {name} | {version} | {terms} |")
