"""A probe keeps an image, its labels and some of its scores; and says how far answers are from them."""

import json

import numpy as np
import pytest

from fcn_keras_console.digests import write_sealed
from serving import probe
from serving.probe import Deviation

GENERATOR = np.random.default_rng(0)
IMAGES = {"image": GENERATOR.integers(0, 256, (64, 64, 3), np.uint8)}
SCORES = {"": GENERATOR.normal(size=(64, 64, 40)).astype(np.float32)}


@pytest.fixture
def kept():
    """Two rows of three pixels, of two classes; the largest score is 4."""
    scores = np.zeros((2, 3, 2), np.float32)
    scores[..., 1] = [[1, -1, 2], [-4, 3, 1]]
    return probe.make({"image": np.zeros((2, 3, 3), np.uint8)}, {"": scores}), scores


def test_by_hand(kept):
    made, scores = kept
    assert made.labels[""].tolist() == [[1, 0, 1], [0, 1, 1]]
    assert made.deviation({"": scores}) == Deviation(0.0, 1.0)
    other = scores.copy()
    other[1, 2] = [1.5, 0.5]
    found = made.deviation({"": other})
    assert found == pytest.approx((1.5 / 4, 5 / 6))
    assert made.deviation({"": other.argmax(-1)}) == Deviation(None, pytest.approx(5 / 6))
    assert found.is_within(Deviation(0.4, 0.8))
    assert not found.is_within(Deviation(0.3, 0.8))
    assert not found.is_within(Deviation(0.4, 0.9))
    assert Deviation(None, 0.9).is_within(Deviation(None, 0.9))
    assert found.against(Deviation(0.4, 0.9)) == (
        "scores differ by 3.8e-01 of the largest (4.0e-01 is allowed), 83.33 % of the labels agree (90.00 % have to)"
    )
    assert Deviation(None, 1.0).against(Deviation(None, 0.999)) == "100.00 % of the labels agree (99.90 % have to)"


def test_no_number_is_never_alike(kept):
    made, scores = kept
    other = scores.copy()
    other[0, 0] = np.nan
    found = made.deviation({"": other})
    assert np.isnan(found.difference)
    assert not found.is_within(Deviation(1e9, 0.0))


def test_the_worst_head_counts(kept):
    _, scores = kept
    two = probe.make({"image": np.zeros((2, 3, 3), np.uint8)}, {"a": scores, "b": 2 * scores})
    assert two.deviation({"a": scores * 1.5, "b": -2 * scores}) == (2.0, 0.0)


def test_another_model_is_seen(kept):
    made, scores = kept
    for answers, message in [
        ({"sem": scores}, r"Its heads are \['sem'\], and those of the probe \[''\]"),
        ({"": scores[..., :1]}, r"It answers \(2, 3, 1\), and the probe is \(2, 3, 2\)"),
        ({"": scores[:1]}, r"It answers \(1, 3, 2\), and the probe is \(2, 3, 2\)"),
        ({"": scores[:1].argmax(-1)}, r"It answers \(1, 3\), and the probe is \(2, 3\)"),
    ]:
        with pytest.raises(ValueError, match=message):
            made.deviation(answers)
    with pytest.raises(ValueError, match="It answers scores, and the probe is of a file that answers labels"):
        made._replace(allowed=Deviation(None, 1.0)).deviation({"": scores})


def test_a_file_is_small_and_holds_what_was_kept(tmp_path):
    made = probe.make(IMAGES, SCORES)._replace(allowed=Deviation(None, 0.5), facts={"precision": "int8"})
    probe.write(tmp_path / "probe.json", made)
    assert (tmp_path / "probe.json").stat().st_size < 100_000
    found = probe.read(tmp_path / "probe.json")
    assert found.step == 4
    np.testing.assert_array_equal(found.pixels, IMAGES["image"])
    np.testing.assert_array_equal(found.labels[""], SCORES[""].argmax(-1))
    np.testing.assert_array_equal(found.scores[""], SCORES[""][::4, ::4])
    assert (found.allowed, found.facts) == (Deviation(None, 0.5), {"precision": "int8"})
    assert found.deviation(found.labels) == (None, 1.0)


def test_a_model_is_asked_by_the_names_of_its_signature(kept):
    two = kept[0]._replace(images={"rgb": np.ones((2, 3, 3), np.uint8), "hha": np.zeros((2, 3, 3), np.uint8)})

    def run(signature, inputs):
        assert (signature, sorted(inputs)) == ("predict_scores", ["hha", "rgb"])
        assert all(x.dtype == np.float32 for x in inputs.values())
        return {"sem_scores": inputs["rgb"]}

    assert two.ask(run)["sem"].shape == (2, 3, 3)
    assert two.pixels is two.images


def _damages():
    whole = {"images": {}, "labels": {}, "scores": {}, "step": 1, "allowed": {"difference": 0, "agreement": 1}}
    array = {"dtype": "float32", "shape": [3], "data": "AAAA"}
    yield {}
    yield {**whole, "images": {"image": array}}
    yield {**whole, "images": {"image": {**array, "dtype": "object"}}}
    yield {**whole, "labels": {"": {**array, "shape": [0], "data": ""}}}
    yield {**whole, "allowed": 1}
    yield {**whole, "allowed": {"difference": "0", "agreement": []}}
    yield {**whole, "step": 0}
    yield {**whole, "step": 10**9}
    yield whole
    yield {**whole, "images": {"image": array | {"data": "AAAAAAAAAAAAAAAA"}}}


@pytest.mark.parametrize("facts", list(_damages()))
def test_no_probe_is_refused_with_its_name(tmp_path, facts):
    write_sealed(tmp_path / "probe.json", facts, {})
    with pytest.raises(ValueError, match=r"probe\.json is damaged: it is no probe of fcn-export"):
        probe.read(tmp_path / "probe.json")


@pytest.mark.parametrize(
    "changes",
    [
        {"allowed": Deviation(np.inf, 1.0)},
        {"allowed": Deviation(0.0, -1.0)},
        {"allowed": Deviation(np.nan, np.nan)},
        {"allowed": Deviation(0.0, None)},
        {"allowed": Deviation("0", 1.0)},
        {"step": 2.0},
        {"step": -1},
        {"step": 4},
        {"images": {"image": np.zeros((3, 3, 3), np.uint8)}},
        {"images": {"image": np.zeros((2, 3, 3), np.float32)}},
        {"labels": {"": np.zeros((2, 3), np.float32)}},
        {"labels": {"": np.full((2, 3), 2, np.uint16)}},
        {"scores": {"": np.full((2, 3, 2), np.nan, np.float32)}},
        {"scores": {"": np.zeros((2, 3, 0), np.float32)}},
        {"scores": {"sem": np.zeros((2, 3, 2), np.float32)}},
    ],
)
def test_what_was_altered_and_sealed_anew_is_refused(tmp_path, kept, changes):
    path = tmp_path / "probe.json"
    probe.write(path, kept[0])
    assert probe.read(path).deviation({"": kept[1]}) == (0.0, 1.0)
    probe.write(path, kept[0]._replace(**changes))
    with pytest.raises(ValueError, match="it is no probe of fcn-export"):
        probe.read(path)


def test_damage_is_refused_with_the_name(tmp_path):
    path = tmp_path / "probe.json"
    probe.write(path, probe.make(IMAGES, SCORES))
    text = path.read_text()
    path.write_text(text.replace('"step": 4', '"step": 2'))
    with pytest.raises(ValueError, match=r"probe\.json was damaged or changed"):
        probe.read(path)
    path.write_text(text[:-9])
    with pytest.raises(ValueError, match=r"probe\.json is damaged"):
        probe.read(path)
    path.write_text(json.dumps({"step": 1}))  # without a seal
    with pytest.raises(ValueError, match="it is no probe of fcn-export"):
        probe.read(path)
