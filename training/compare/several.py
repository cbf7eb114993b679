"""Show how more than two models compare: which differences stand once every pair has been looked at."""

from dataclasses import asdict
from itertools import combinations

from fcn_keras_console.words import percent

from ..scoring.bootstrap import FEW, LEVEL, draw_metrics, holding, interval
from ..scoring.image_sums import metrics
from .bootstrap import LETTERS, pair
from .table import p_text, signed, title_of


def several(sums, widths, class_names, *, times, seed, progress=None):
    """Compare every pair of models on the same draws of the images.

    Mean IU decides. Its p is corrected for the number of pairs by Holm's method, and its intervals are those of all
    pairs together (Bonferroni): where no two models differ, 95 of 100 splits show no difference in any pair.

    Args:
        sums: of every model `(N, R, C)`, as `image_sums.metrics` takes them.
        widths: of the trimaps in them.
        class_names: of the classes.
        times, seed, progress: of the draws, as for `draw_metrics`.

    Returns:
        dict of JSON's types: `models` by letter, each metric's `value`, `low` and `high`, and `per_class_iu` alike by
        name; `pairs`, the best against the worst first, with `a`, `b` (letters), `difference` (b minus a), `low`,
        `high`, `p` and `p_corrected` of mean IU; `verdict`, a sentence; `images` with a labelled pixel.

    Reference: Holm, A simple sequentially rejective multiple test procedure, 1979.
    """
    images, of_class = holding(sums[0])
    drawn = draw_metrics(sums, widths, times=times if images > 1 else 1, seed=seed, progress=progress)
    models = {
        letter: _model(rows, draws, widths, class_names, images, of_class)
        for letter, rows, draws in zip(LETTERS, sums, drawn, strict=False)
    }
    places = list(combinations(range(len(sums)), 2))
    level = 1 - (1 - LEVEL) / len(places)
    compared = [pair(sums[a], sums[b], drawn[a], drawn[b], widths, level=level)["mean_iu"] for a, b in places]
    pairs = [
        {"a": LETTERS[a], "b": LETTERS[b], **_difference(found)} for (a, b), found in zip(places, compared, strict=True)
    ]
    _correct(pairs)
    pairs.sort(key=lambda x: -abs(x["difference"] or 0))
    return {"models": models, "pairs": pairs, "images": images, "verdict": _verdict(models, pairs, images)}


def table(result):
    """Lay out what `several` returned as aligned text, in percent."""
    names = [name for name in next(iter(result["models"].values())) if name != "per_class_iu"]
    width = max(12, *(len(title_of(name)) for name in names))
    lines = []
    for name in sorted(names, key=lambda x: x != "mean_iu"):  # what decides stands first
        lines += [f"{title_of(name):<{width}}  {'value':>7}  {'95 % interval':>16}"]
        lines += [f"{letter:<{width}}  {_value(model[name])}" for letter, model in result["models"].items()] + [""]
    lines.append(f"{'mean IU':<{width}}  {'by':>7}  {'interval of all':>17}  {'p':>6}  corrected")
    for each in result["pairs"]:
        found = "-" if each["low"] is None else f"{signed(each['low'])} to {signed(each['high'])}"
        p, corrected = p_text(each["p"]), p_text(each["p_corrected"])
        what = f"{each['b']} - {each['a']}"
        lines.append(f"{what:<{width}}  {signed(each['difference']):>7}  {found:>17}  {p:>6}  {corrected:>9}")
    return "\n".join([*lines, "", result["verdict"]])


def _model(rows, drawn, widths, class_names, images, of_class):
    values = metrics(rows.sum(axis=0), widths)
    classes = zip(class_names, values.pop("per_class_iu"), drawn["per_class_iu"].T, of_class, strict=True)
    return {
        **{name: _sure(value, drawn[name], images) for name, value in values.items()},
        "per_class_iu": {name: _sure(value, draws, count) for name, value, draws, count in classes},
    }


def _sure(value, drawn, images):
    low, high = interval(drawn, images) or (None, None)
    return {"value": None if value != value else float(value), "low": low, "high": high}


def _difference(found):
    return {name: value for name, value in asdict(found).items() if name not in ("a", "b", "images")}


def _correct(pairs):
    """Give every pair its `p_corrected`: Holm's."""
    least, known = 0.0, sorted((x for x in pairs if x["p"] is not None), key=lambda x: x["p"])
    for done, each in enumerate(known):
        least = each["p_corrected"] = max(least, min(1.0, each["p"] * (len(known) - done)))
    for each in pairs:
        each.setdefault("p_corrected", None)


def _verdict(models, pairs, images):
    order = sorted(models, key=lambda letter: -(models[letter]["mean_iu"]["value"] or 0))
    best, others = order[0], order[1:]
    if images < 2:
        return f"{best} has the highest mean IU on this image; one image does not tell chance."
    beaten = {x["a"] if x["b"] == best else x["b"] for x in pairs if best in (x["a"], x["b"]) and _sure_of(x)}
    few = f" {images} images are few: the intervals are too narrow." if images < FEW else ""
    if len(beaten) == len(others):
        return f"{best} is better than all others.{few}"
    if not any(x["difference"] for x in pairs):
        return f"{' and '.join(models)} have the same mean IU.{few}"
    equal = [x for x in others if models[x]["mean_iu"]["value"] == models[best]["mean_iu"]["value"]]
    open_ones = " and ".join(x for x in others if x not in beaten and x not in equal)
    surely = f" It is better than {' and '.join(x for x in others if x in beaten)}." if beaten else ""
    leads = f"{' and '.join([best, *equal])} {'have' if equal else 'has'} the highest mean IU"
    chance = f"; that it is above {open_ones} may be chance" if open_ones else ""
    return f"{leads}{chance}.{surely}{few}"


def _sure_of(each):
    return each["p_corrected"] is not None and each["p_corrected"] < 1 - LEVEL


def _value(found):
    low, high = found["low"], found["high"]
    return f"{percent(found['value']):>7}  {'-' if low is None else f'{percent(low)} to {percent(high)}':>16}"
