"""What an order of labelling is worth: mean IU by how many photographs are labelled, for four ways to choose them.

    python benchmarks/active_learning.py --output DIR --data CAMVID --weights VGG16.npz

CAMVID holds train/images, train/labels, val/images, val/labels. A run starts from the same 20 labelled photographs of
train, drawn at random, and takes 20 more in every round: as `fcn-rank` orders the others (mean entropy times the
distance to those taken before), by either of both alone, or at random. After every round a net is trained from scratch
on all labelled photographs, and scored on val. Runs of one seed share their first photographs and first weights.

So that this takes minutes: photographs are reduced to 180x240; a frozen VGG16 of ImageNet is computed once, its pool3,
pool4 and pool5 at stride 8, brought down to 256 components; what is trained is a head of one hidden layer on those.
The hidden layer takes the part of fc7, whose means `fcn-rank` compares. Labels are scored at 180x240.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from results import add_output, table, write

import fcn_keras_console as console

SIZE = 180, 240
CELLS = -(-SIZE[0] // 8), -(-SIZE[1] // 8)
CHOICES = "ranking", "entropy", "distance", "random"
COLORS = {"ranking": "#c44e52", "entropy": "#4878a8", "distance": "#55a868", "random": "#888888"}
COMPONENTS, HIDDEN, BATCH = 256, 128, 2048


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_output(parser)
    parser.add_argument("--data", type=Path, required=True, help="folder with train and val")
    parser.add_argument("--weights", type=Path, required=True, help="VGG16 weights of ImageNet, RGB as torch has it")
    parser.add_argument("--classes", type=int, default=11, help="default: CamVid's 11; ids above are void")
    parser.add_argument(
        "--by-films",
        action="store_true",
        help="score on the last quarter of every film of train, and label of the rest, as CamVid's val is of one film; "
        "a film is what stands before _ in a file's name",
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--labels", type=int, default=100, help="photographs labelled at the end (default: 100)")
    parser.add_argument("--step", type=int, default=20, help="labelled first, and in every round (default: 20)")
    parser.add_argument("--steps", type=int, default=600, help="of Adam, in every training (default: 600)")
    return console.run("active_learning", _measure, parser.parse_args(argv))


def _measure(arguments):
    for name in ("seeds", "labels", "step", "steps"):
        if getattr(arguments, name) < 1:
            raise ValueError(f"--{name} is at least 1. Received: {getattr(arguments, name)}.")
    (train, val), counts = prepared(arguments.data, arguments.weights, arguments.classes), {}
    if arguments.by_films:
        train, val = by_films(train)
    for seed in range(arguments.seeds):
        for choice in CHOICES:
            scores = rounds(train, val, choice, seed, arguments)
            counts.setdefault(choice, []).append(scores)
            print(f"seed {seed}, {choice}: {', '.join(f'{100 * x:.1f}' for x in scores)}", flush=True)
    labelled = [arguments.step * (i + 1) for i in range(len(counts["random"][0]))]
    whole = [score_of(train, val, range(len(train.maps)), seed, arguments)[1] for seed in range(arguments.seeds)]
    print(f"all {len(train.maps)} labelled: {', '.join(f'{100 * x:.1f}' for x in whole)}", flush=True)
    images = {"train": len(train.maps), "val": len(val.maps)}
    report = {"labelled": labelled, "mean_iu": counts, "mean_iu_of_all": whole, "images": images}
    write(arguments.output, "active_learning", report, draw(labelled, counts), tabulate(labelled, counts))


class Split:
    """What is known of a split: maps, labels and films.

    Args:
        maps: `(N, h, w, D)` float32.
        cells: labels of the maps' cells, `(N, h, w)`.
        labels: of the pixels, `(N, H, W)`.
        films: what each photograph is a frame of.
    """

    def __init__(self, maps, cells, labels, films):
        self.maps, self.cells, self.labels, self.films = maps, cells, labels, np.asarray(films)

    def taken(self, chosen):
        return Split(self.maps[chosen], self.cells[chosen], self.labels[chosen], self.films[chosen])


def by_films(split):
    """Divide a split into the first three quarters of every film, and the last one."""
    last = np.zeros(len(split.films), bool)
    for film in np.unique(split.films):
        places = np.flatnonzero(split.films == film)
        last[places[len(places) - len(places) // 4 :]] = True
    return split.taken(~last), split.taken(last)


def prepared(data, weights, classes):
    """Read both splits, with the components of the frozen layers' maps."""
    console.start_tensorflow()
    network = frozen(weights)
    read = {split: photographs(data / split, classes) for split in ("train", "val")}
    maps = {split: np.stack([features_of(network, image) for image in images]) for split, (images, *_) in read.items()}
    generator = np.random.default_rng(0)
    flat = maps["train"].reshape(-1, maps["train"].shape[-1])
    sample = flat[np.sort(generator.choice(len(flat), min(len(flat), 20_000), replace=False))].astype(np.float32)
    mean = sample.mean(0)
    sample -= mean
    _, directions = np.linalg.eigh(sample.T @ sample / len(sample))
    directions = directions[:, ::-1][:, :COMPONENTS]
    spread = (sample @ directions)[:, 0].std() / 4  # the first components keep their weight, of a few units
    splits = []
    for split, (_, labels, films) in read.items():
        small = np.stack([(x.astype(np.float32) - mean) @ directions / spread for x in maps[split]])
        splits.append(Split(small, np.stack([cells_of(x) for x in labels]), np.stack(labels), films))
    return splits


def photographs(folder, classes):
    """Read images and labels of one split at `SIZE`, 255 where they are void; and the film of each."""
    from PIL import Image

    images, labels, films = [], [], []
    for path in sorted((folder / "images").iterdir()):
        films.append(path.stem.partition("_")[0])
        with Image.open(path) as image:
            images.append(np.asarray(image.convert("RGB").resize(SIZE[::-1], Image.Resampling.BOX)))
        with Image.open(folder / "labels" / f"{path.stem}.png") as mask:
            ids = np.asarray(mask.resize(SIZE[::-1], Image.Resampling.NEAREST))
        labels.append(np.where(ids < classes, ids, 255).astype(np.uint8))
    if not images:
        raise ValueError(f"{folder / 'images'} holds no image.")
    return images, labels, films


def cells_of(labels):
    """Return the label at the middle of every cell of 8x8."""
    rows, columns = (np.minimum(8 * np.arange(n) + 4, side - 1) for n, side in zip(CELLS, labels.shape, strict=True))
    return labels[rows[:, None], columns]


def frozen(weights):
    """Build VGG16's convolutions to pool5 with the weights of a file."""
    import keras

    with np.load(weights) as file:
        stored = {name: file[name] for name in file.files}
    x = given = keras.Input((None, None, 3))
    outputs = []
    for block, convolutions in enumerate((2, 2, 3, 3, 3), 1):
        for number in range(1, convolutions + 1):
            name = f"conv{block}_{number}"
            filters = stored[f"{name}_b"].size
            x = keras.layers.Conv2D(filters, 3, padding="same", activation="relu", name=name)(x)
        x = keras.layers.MaxPooling2D(2, padding="same")(x)
        outputs += [x] if block >= 3 else []
    model = keras.Model(given, outputs)
    for layer in model.layers:
        if layer.weights:
            layer.set_weights([stored[f"{layer.name}_W"].astype("f4"), stored[f"{layer.name}_b"].astype("f4")])
    return model


def features_of(network, image):
    """Return pool3, pool4 and pool5 of one image at stride 8 as float16, each of mean square 1."""
    from PIL import Image

    scaled = (image.astype(np.float32) / 255 - (0.485, 0.456, 0.406)) / np.float32((0.229, 0.224, 0.225))
    parts = []
    for x in network.predict_on_batch(scaled[None]):
        x = x[0] / max(np.sqrt(np.mean(x**2)), 1e-6)
        if x.shape[:2] != CELLS:
            channels = [Image.fromarray(channel) for channel in np.moveaxis(x, -1, 0)]
            x = np.stack([channel.resize(CELLS[::-1], Image.Resampling.BILINEAR) for channel in channels], -1)
        parts.append(x / np.sqrt(x.shape[2] / 256))
    return np.concatenate(parts, -1).astype(np.float16)


def rounds(train, val, choice, seed, arguments):
    """Label `step` photographs in every round, and return the mean IU on val after each."""
    from fcn_keras_training.rank.choosing import in_order

    generator = np.random.default_rng([seed, 1])
    labelled = list(generator.permutation(len(train.maps))[: arguments.step])
    scores = []
    while True:
        head, score = score_of(train, val, labelled, seed, arguments)
        scores.append(score)
        if len(labelled) + arguments.step > min(arguments.labels, len(train.maps)):
            return scores
        rest = np.setdiff1d(np.arange(len(train.maps)), labelled)
        if choice == "random":
            labelled += list(generator.choice(rest, arguments.step, replace=False))
            continue
        entropy, features = zip(*(head.seen(train.maps[i]) for i in rest), strict=True)
        if choice == "entropy":
            features = np.eye(len(rest))  # no two alike: the order by entropy alone
        elif choice == "distance":
            entropy = np.ones(len(rest))
        labelled += [rest[found.index] for found in in_order(entropy, features, arguments.step)]


def score_of(train, val, labelled, seed, arguments):
    """Train a head on some photographs, and return it and its mean IU on val."""
    head = Head(train.maps.shape[-1], arguments.classes, np.random.default_rng([seed, 2]))
    head.fit(train.maps[labelled], train.cells[labelled], arguments.steps)
    return head, mean_iu(head, val, arguments.classes)


class Head:
    """One hidden layer and scores, on the maps of cells, trained by Adam."""

    def __init__(self, inputs, classes, generator):
        self._generator, self._classes = generator, classes
        draws = (generator.normal(0, np.sqrt(2 / n), (n, m)) for n, m in ((inputs, HIDDEN), (HIDDEN, classes)))
        first, last = (x.astype(np.float32) for x in draws)
        self._weights = [first, np.zeros(HIDDEN, np.float32), last, np.zeros(classes, np.float32)]

    def hidden(self, x):
        return np.maximum(x @ self._weights[0] + self._weights[1], 0)

    def probabilities(self, hidden):
        scores = hidden @ self._weights[2] + self._weights[3]
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        return scores / scores.sum(-1, keepdims=True)

    def seen(self, maps):
        """Return the mean entropy of one photograph, and the means of its hidden layer."""
        hidden = self.hidden(maps)
        p = self.probabilities(hidden)
        return float(-(p * np.log(p + 1e-12)).sum(-1).mean()), hidden.mean((0, 1))

    def fit(self, maps, cells, steps, rate=2e-3, decay=1e-4):
        """Minimise the cross-entropy of the cells that are not void."""
        known = cells != 255
        x, y = maps[known], cells[known]
        moments = [[np.zeros_like(w), np.zeros_like(w)] for w in self._weights]
        for step in range(1, steps + 1):
            chosen = self._generator.integers(0, len(x), BATCH)
            gradients = self._gradients(x[chosen], y[chosen])
            now = rate * (1 - (step - 1) / steps)
            for weight, gradient, (m, v) in zip(self._weights, gradients, moments, strict=True):
                m += 0.1 * (gradient - m)
                v += 0.001 * (gradient**2 - v)
                weight -= now * (m / (1 - 0.9**step) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8) + decay * weight)

    def _gradients(self, x, y):
        hidden = self.hidden(x)
        error = self.probabilities(hidden)
        error[np.arange(len(y)), y] -= 1
        error /= len(y)
        below = (error @ self._weights[2].T) * (hidden > 0)
        return x.T @ below, below.sum(0), hidden.T @ error, error.sum(0)


def mean_iu(head, split, classes):
    """Score the labels of a split, of scores brought up bilinearly to the photographs' size."""
    import fcn_keras as fcn
    from fcn_keras.confusion import confusion
    from fcn_keras.scaling import labels_at

    counts = np.zeros((classes, classes), np.int64)
    for number, (maps, truth) in enumerate(zip(split.maps, split.labels, strict=True)):
        p = head.probabilities(head.hidden(maps)).astype(np.float32)
        counts += confusion(truth, labels_at(p, truth.shape), classes, f"photograph {number} of val")
    return float(fcn.scores(counts)["mean_iu"])


def tabulate(labelled, scores):
    rows = []
    for choice, runs in scores.items():
        columns = zip(*runs, strict=True)
        rows.append([choice, *(f"{100 * np.mean(x):.1f} ({100 * min(x):.1f}-{100 * max(x):.1f})" for x in columns)])
    return table(["mean IU, percent", *(f"{n} labelled" for n in labelled)], rows)


def draw(labelled, scores):
    """Draw the mean of the seeds by how many photographs are labelled, and their span."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axis = figure.subplots()
    for choice, runs in scores.items():
        values = 100 * np.array(runs)
        axis.plot(labelled, values.mean(0), color=COLORS[choice], marker="o", label=choice)
        axis.fill_between(labelled, values.min(0), values.max(0), color=COLORS[choice], alpha=0.15, linewidth=0)
    seeds = len(scores["random"])
    axis.set(xlabel="photographs labelled", ylabel="mean IU on val, percent", title=f"mean and span of {seeds} seeds")
    axis.set_xticks(labelled)
    axis.grid(alpha=0.3)
    axis.legend()
    return figure


if __name__ == "__main__":
    sys.exit(main())
