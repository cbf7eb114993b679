"""Compare two finished runs bit for bit."""

import csv
import io
import json
import zipfile

import h5py


def arrays(path):
    """Read every array of a `.keras` file: weights, optimizer state, counters."""
    with zipfile.ZipFile(path) as archive, h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file:
        found = {}
        file.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return found


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def differences(ours, theirs):
    """List what differs between the folders of two finished stages: models with optimizer, log, summary."""
    found = [] if rows(ours / "log.csv") == rows(theirs / "log.csv") else [f"{ours / 'log.csv'} differs"]
    for name in ("last.keras", "best.keras"):
        ours_in, theirs_in = arrays(ours / name), arrays(theirs / name)
        if ours_in.keys() != theirs_in.keys():
            found.append(f"{ours / name} holds other arrays")
        found += [
            f"{ours / name}: {key} differs"
            for key in ours_in.keys() & theirs_in.keys()
            if ours_in[key].tobytes() != theirs_in[key].tobytes()
        ]
    best = [json.loads((folder / "summary.json").read_text())["best"] for folder in (ours, theirs)]
    return found + (["summary.json: another best"] if best[0] != best[1] else [])
