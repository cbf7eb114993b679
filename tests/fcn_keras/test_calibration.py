"""Calibration against float64 loops over pixels, against scikit-learn's definitions, and cases worked by hand."""

import math

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from fcn_keras.calibration import CalibrationScores, fit_temperature, log_probabilities

VOID = 255


def drawn(seed, shape=(7, 9), classes=4, sharpness=2.0):
    """Scores whose softmax at the temperature `sharpness` is how often each class is true."""
    generator = np.random.default_rng(seed)
    honest = generator.normal(0, 1.5, (*shape, classes))
    chances = softmax(honest, axis=-1)
    truth = (generator.random((*shape, 1)) > chances.cumsum(axis=-1)).sum(axis=-1).clip(0, classes - 1)
    return (honest * sharpness).astype(np.float32), truth


def by_hand(scores, truth, bins, temperature=1.0):
    """One pixel at a time."""
    cells, brier, nll, hits, sure = {}, 0.0, 0.0, 0, 0.0
    pixels = [(s, t) for s, t in zip(scores.reshape(-1, scores.shape[-1]), truth.ravel(), strict=True) if t != VOID]
    for s, t in pixels:
        p = softmax(s.astype(float) / temperature)
        label = int(np.argmax(s))
        cell = max(math.ceil(p[label] * bins) - 1, 0)
        cells.setdefault(cell, []).append((p[label], label == t))
        brier += sum((p[c] - (c == t)) ** 2 for c in range(len(p)))
        nll -= math.log(p[t])
        hits, sure = hits + (label == t), sure + p[label]
    n = len(pixels)
    ece = sum(abs(sum(p for p, _ in x) - sum(r for _, r in x)) for x in cells.values()) / n
    return {"accuracy": hits / n, "confidence": sure / n, "ece": ece, "brier": brier / n, "nll": nll / n}


@pytest.mark.parametrize(("bins", "temperature"), [(15, 1.0), (1, 1.0), (7, 2.5), (10, 0.3)])
def test_figures_are_those_of_a_loop(bins, temperature):
    scores, truth = drawn(0)
    truth[0, :3] = VOID
    found = CalibrationScores(4, bins=bins, temperature=temperature)
    found.update(scores[:3], truth[:3])
    found.update(scores[3:], truth[3:])
    result, expected = found.result(), by_hand(scores, truth, bins, temperature)
    assert {name: result[name] for name in expected} == pytest.approx(expected, rel=1e-6)
    assert result["pixels"] == found.pixels == 60 == result["bins"]["pixels"].sum()
    assert np.isnan(result["per_class_ece"]).all()


def test_brier_and_nll_are_scikit_learns():
    """`brier_score_loss` and `log_loss` of scikit-learn 1.7 for several classes are these sums."""
    scores, truth = drawn(3, (50,), 3)
    found = CalibrationScores(3)
    found.update(scores, truth)
    p, one_hot = softmax(scores.astype(float), axis=-1), np.eye(3)[truth]
    assert found.result()["brier"] == pytest.approx(np.mean(np.sum((p - one_hot) ** 2, axis=1)))
    assert found.result()["nll"] == pytest.approx(-np.mean(np.sum(one_hot * np.log(p), axis=1)))


def test_classes_apart():
    """Two classes; class 1 gets 0.8 in four pixels and is there in one of them: off by 0.55, as is class 0."""
    scores = np.log([[0.2, 0.8]] * 4)
    found = CalibrationScores(2, bins=10, by_class=True)
    found.update(scores, np.array([0, 0, 1, 0]))
    np.testing.assert_allclose(found.result()["per_class_ece"], [0.55, 0.55])
    assert found.result()["ece"] == pytest.approx(0.55)


def test_bins_are_closed_above():
    """Of two bins, one half belongs to the lower; certainty to the upper."""
    found = CalibrationScores(2, bins=2)
    found.update(np.array([[0.0, 0.0], [1000.0, -1000.0]]), np.array([0, 0]))
    assert found.result()["bins"]["pixels"].tolist() == [1, 1]
    assert found.result()["nll"] == pytest.approx(math.log(2) / 2)


def test_nothing_that_counts():
    found = CalibrationScores(2)
    found.update(np.zeros((2, 2, 2)), np.full((2, 2), VOID))
    result = found.result()
    assert result["pixels"] == 0
    assert all(math.isnan(result[name]) for name in ("ece", "brier", "nll", "accuracy", "confidence"))


def test_the_temperature_that_was_drawn_is_found():
    scores, truth = drawn(1, (40_000,), sharpness=2.0)
    found = fit_temperature(scores, truth)
    assert found == pytest.approx(2, rel=0.05)

    def nll(temperature):
        return -log_softmax(scores.astype(float) / temperature, axis=-1)[np.arange(len(truth)), truth].mean()

    assert nll(found) < min(nll(found * 1.01), nll(found / 1.01))
    before, after = CalibrationScores(4), CalibrationScores(4, temperature=found)
    for each in (before, after):
        each.update(scores, truth)
    assert after.result()["ece"] < 0.02 < before.result()["ece"]
    assert after.result()["accuracy"] == before.result()["accuracy"]


def test_scores_that_are_always_right_or_tell_nothing_end_at_the_limits():
    scores = np.array([[3.0, 0.0], [0.0, 3.0]])
    assert fit_temperature(scores / 60, np.array([0, 1])) == pytest.approx(0.02, rel=0.01)
    assert fit_temperature(scores, np.array([0, 1])) < 0.1
    assert fit_temperature(scores, np.array([1, 0])) == pytest.approx(50, rel=0.01)
    large = fit_temperature(1e30 * scores.repeat(3, axis=0), np.array([0, 0, 1, 1, 1, 0]))
    assert math.isfinite(large)


def test_logarithms_of_large_scores():
    np.testing.assert_allclose(log_probabilities(np.array([1e30, 0.0])), [0, -1e30])


def test_what_is_refused():
    found = CalibrationScores(2)
    with pytest.raises(ValueError, match=r"`scores` are \(\.\.\., 2\), one of every class.*Received: scores \(2, 3\)"):
        found.update(np.zeros((2, 3)), np.zeros(2, int))
    with pytest.raises(ValueError, match="`scores` must be finite"):
        found.update(np.array([[np.nan, 0]]), np.zeros(1, int))
    with pytest.raises(ValueError, match=r"`label` may hold 0..1 or 255 \(void\). Received: 2."):
        found.update(np.zeros((1, 2)), np.array([2]))
    for temperature in (0, -1, 1e-4, 1e4, math.inf, math.nan, True, "1"):
        with pytest.raises(ValueError, match=r"`temperature` is a number from 0.001 to 1000"):
            CalibrationScores(2, temperature=temperature)
    for name in ("num_classes", "bins"):
        with pytest.raises(ValueError, match=f"`{name}` is a positive int"):
            CalibrationScores(**{"num_classes": 2, name: 0})
    with pytest.raises(ValueError, match="Received: none that count"):
        fit_temperature(np.zeros((0, 2)), np.zeros(0, int))
