"""Print how far this package is from Caffe, from the outputs of real Caffe that the tests carry.

    python benchmarks/fidelity.py

Scores: the largest difference over the largest score, and the share of pixels with the same label. Training: the
largest relative difference of eight losses, and of a layer's weights relative to their change.
"""

import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the fixtures are the tests'


def main():
    from fcn_keras_console import start_tensorflow

    start_tensorflow()
    from tests.parity.test_caffe import NETS

    print(f"{'net':<18} {'difference':>10} {'labels':>8}")
    for name in NETS:
        difference, same = compare(name)
        print(f"{name:<18} {difference:>10.1e} {100 * same:>7.2f}%")
    losses, weights = compare_training()
    print(f"\neight steps of the solver: losses {losses:.1e}, weights {weights:.1e}")


def compare(name):
    """Return the largest difference over the largest score, and the share of equal labels, of a net's two images."""
    import fcn_keras as fcn
    from tests.conftest import NARROW
    from tests.parity.test_caffe import DATA, NETS

    build, classes, mean, weights = NETS[name]
    model = build(classes, padding="caffe", mean=mean, channels=NARROW)
    fcn.load_caffemodel(model, DATA / weights)
    expected = np.load(DATA / f"{name.removesuffix('-v1')}.npz")
    differences, same = [], []
    for i in (0, 1):
        found = model(expected[f"image{i}"][None])
        for head, scores in (found if isinstance(found, dict) else {"": found}).items():
            truth, scores = expected[f"score_{head}{i}" if head else f"score{i}"], np.asarray(scores)[0]
            differences.append(np.abs(scores - truth).max() / np.abs(truth).max())
            same.append((scores.argmax(-1) == truth.argmax(-1)).mean())
    return max(differences), min(same)


def compare_training():
    """Return the largest relative difference of the losses, and of the weights relative to how far they moved."""
    import fcn_keras as fcn
    from tests.conftest import NARROW
    from tests.parity.test_caffe import DATA

    run = np.load(DATA / "voc-fcn32s_train.npz")
    ours, caffes = (
        fcn.FCN32s(21, padding="caffe", learn_upsampling="none", channels=NARROW, dropout=0.0) for _ in range(2)
    )
    fcn.load_caffemodel(ours, DATA / "voc-fcn32s_train_before.caffemodel.gz")
    fcn.load_caffemodel(caffes, DATA / "voc-fcn32s_train_after8.caffemodel.gz")
    before = ours.get_weights()
    solver = (float(run[key]) for key in ("learning_rate", "momentum", "weight_decay"))
    ours.compile(fcn.CaffeSGD(*solver), fcn.PixelCrossentropy(reduction="sum"))
    losses = []
    for _ in run["loss"]:
        ours.reset_metrics()
        losses.append(float(ours.train_on_batch(run["image"][None], run["label"][None])))
    triples = zip(before, ours.get_weights(), caffes.get_weights(), strict=True)
    moved = [np.linalg.norm(a - b) / np.linalg.norm(b - start) for start, a, b in triples if (b != start).any()]
    return np.abs(np.array(losses) / run["loss"] - 1).max(), max(moved)


if __name__ == "__main__":
    main()
