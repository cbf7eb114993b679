"""How far a network's probabilities can be believed on a split, and which temperature would mend them."""

import numpy as np

from fcn_keras.calibration import CalibrationScores, fit_temperature
from fcn_keras.examples import VOID
from fcn_keras_console.words import percent

SAMPLE = 2**20  # pixels of a split that a temperature is fitted to


class SplitCalibration:
    """Collect one head's scores, image by image.

    Args:
        num_classes: void not counted.
        images: of the split.
        temperature: that scores are divided by, or None to fit one.
        by_class: whether the classes are looked at apart.

    Attributes:
        scores: `fcn_keras.calibration.CalibrationScores` of all pixels.
    """

    def __init__(self, num_classes, images, *, temperature=None, by_class=False):
        self._options = {"num_classes": num_classes, "by_class": by_class}
        self.scores = CalibrationScores(temperature=temperature or 1.0, **self._options)
        self._each = max(1, SAMPLE // images)
        self._sample = ([], [])  # of every other image
        self._given, self._added = temperature, 0

    def add(self, scores, truth):
        """Add an image: `(H, W, C)` scores, `(H, W)` truth."""
        self.scores.update(scores, truth)
        if self._given is None:
            places = np.flatnonzero(truth != VOID)
            places = places[:: max(1, -(-len(places) // self._each))]
            part = scores.reshape(-1, scores.shape[-1])[places].astype(np.float32), truth.reshape(-1)[places]
            self._sample[self._added % 2].append(part)
        self._added += 1

    def summary(self, names):
        """Return JSON's types.

        Args:
            names: of the classes.

        Returns:
            dict: `temperature` that scores were divided by, and what `CalibrationScores.result` returns, arrays as
            lists, `per_class_ece` by name; and, unless a temperature was given, `fitted`: `temperature`, the best for
            all images; `pixels` that it was fitted to, evenly chosen; `ece`, `brier` and `nll` of them at temperatures
            that were fitted to other images (`held_out` true: each half at the other's), or else to themselves.
        """
        found = {"temperature": self.scores.temperature, **_plain(self.scores.result(), names)}
        if self._given is None and (fitted := self._fitted()) is not None:
            found["fitted"] = fitted
        return found

    def _fitted(self):
        halves = [
            (np.concatenate([x for x, _ in half]), np.concatenate([y for _, y in half]))
            for half in self._sample
            if sum(len(y) for _, y in half)
        ]
        if not halves:
            return None
        everything = [np.concatenate(part) for part in zip(*halves, strict=True)]
        whole = fit_temperature(*everything)
        # Each half is scored at a temperature that the other was fitted to.
        held_out = len(halves) == 2
        temperatures = [fit_temperature(*half) for half in reversed(halves)] if held_out else [whole]
        results = []
        for half, temperature in zip(halves, temperatures, strict=True):
            scores = CalibrationScores(self._options["num_classes"], temperature=temperature)
            scores.update(*half)
            results.append(scores.result())
        pixels = [each["pixels"] for each in results]
        means = {
            name: float(np.average([x[name] for x in results], weights=pixels)) for name in ("ece", "brier", "nll")
        }
        return {"temperature": whole, "pixels": sum(pixels), "held_out": held_out, **means}


def sentences(calibration):
    """Say what a `summary` tells, in lines of text."""
    ece, brier, nll = _figures(calibration)
    confidence, accuracy = (percent(calibration[name]) for name in ("confidence", "accuracy"))
    at = "" if calibration["temperature"] == 1 else f" at temperature {calibration['temperature']:g}"
    gap = calibration["confidence"] - calibration["accuracy"]
    sure = (
        "as sure as it is right"
        if abs(gap) < 0.01
        else "surer than it is right"
        if gap > 0
        else "less sure than it is right"
    )
    lines = [
        f"Calibration{at}: confidence {confidence}, accuracy {accuracy} over {calibration['pixels']:,} pixels, {sure};",
        f"ECE {ece}, Brier score {brier}, NLL {nll}.",
    ]
    if fitted := calibration.get("fitted"):
        ece, brier, nll = _figures(fitted)
        lines.append(
            f"Temperature {fitted['temperature']:.3f} fits these images best: ECE {ece}, Brier {brier}, NLL {nll}"
        )
        lines.append(
            "on halves of them, each at the temperature that the other was fitted to."
            if fitted["held_out"]
            else "on the image that it was fitted to itself: it tells little of others."
        )
        if fitted["nll"] >= calibration["nll"]:
            lines.append("That is no better than to leave the scores as they are.")
    else:
        lines.append("If the temperature was fitted to these images, the figures are too good.")
    per_class = {name: ece for name, ece in calibration["per_class_ece"].items() if ece is not None}
    if per_class:
        width = max(map(len, per_class))
        lines += ["", f"{'class':<{width}}      ECE"]
        lines += [f"{name:<{width}}  {percent(ece):>7}" for name, ece in per_class.items()]
    return "\n".join(lines)


def diagram(calibration):
    """Draw a `summary` as a reliability diagram, a `matplotlib` figure."""
    from fcn_keras.charts import reliability_diagram

    ece, brier, _ = _figures(calibration)
    return reliability_diagram(calibration["bins"], title=f"ECE {ece}, Brier score {brier}")


def _figures(found):
    return percent(found["ece"]), f"{found['brier']:.4f}", f"{found['nll']:.4f}"


def _plain(result, names):
    ece = dict(zip(names, (_number(x) for x in result["per_class_ece"]), strict=True))
    bins = {name: [_number(x) for x in values] for name, values in result["bins"].items()}
    plain = {name: _number(x) for name, x in result.items() if name not in ("bins", "per_class_ece")}
    return {**plain, "bins": bins, "per_class_ece": ece}


def _number(x):
    return None if x != x else x.item() if isinstance(x, np.generic) else x
