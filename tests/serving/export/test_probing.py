"""What `fcn-export` measures and allows, and that this machine answers as itself."""

import json

import numpy as np
import pytest

from fcn_keras import inference
from fcn_keras.models import FCN8s, FCN32s, LateFusion
from fcn_keras_console.digests import digests_below, write_sealed
from fcn_keras_console.environment import processor, threads
from fcn_keras_console.exported.find import ONNX, PROBE
from serving import probe as probes
from serving.check.command import main as fcn_check
from serving.export.probing import write_probe
from tests.serving.nets import TINY, randomize


def test_a_version_carries_a_probe_and_answers_alike(net, folder, capsys):
    found = probes.read(folder / PROBE)
    expected = inference.predict(net, found.pixels, output="scores")
    assert found.pixels.shape == (64, 64, 3)
    np.testing.assert_array_equal(found.labels[""], expected.argmax(-1))
    np.testing.assert_array_equal(found.scores[""], expected[:: found.step, :: found.step])
    assert len(np.unique(found.labels[""])) > 2
    assert (found.allowed, found.facts["precision"]) == ((1e-4, 0.999), "fp32")
    assert found.facts["measured"]["difference"] < 1e-5
    assert (found.facts["processor"], found.facts["threads"]) == (processor(), threads())
    assert PROBE in json.loads((folder / "model.json").read_text())["files"]
    assert fcn_check([str(folder)]) == 0
    assert capsys.readouterr().out.startswith(f"{folder}, fp32: scores differ by ")


def test_a_version_whose_probe_says_otherwise(folder, tmp_path, capsys):
    for name in ("saved_model.pb", "variables"):
        (tmp_path / name).symlink_to(folder / name)
    (tmp_path / PROBE).parent.mkdir()
    found = probes.read(folder / PROBE)
    scores = {head: 1.001 * x for head, x in found.scores.items()}
    probes.write(tmp_path / PROBE, found._replace(scores=scores))
    write_sealed(tmp_path / "model.json", {}, digests_below(tmp_path))
    assert fcn_check([str(tmp_path)]) == 2
    said = capsys.readouterr().err.splitlines()[-2:]
    assert "scores differ by 1.0e-03 of the largest (1.0e-04 is allowed), 100.00 % of the labels agree" in said[0]
    assert said[1] == "Runtime, processor and threads are those of the export: compare the files with their copies."


@pytest.fixture
def write(tmp_path):
    """Return a function that writes the probe of a network whose file answers by a share more."""

    def write(net, precision, *, more=0.0, labels=False):
        def answer(probe):
            scores = inference.predict(net, probe.pixels, output="scores")
            scores = scores if isinstance(scores, dict) else {"": scores}
            return {head: x.argmax(-1) if labels else (1 + more) * x for head, x in scores.items()}

        write_probe(tmp_path / "probe.json", net, answer, precision=precision, format=ONNX)
        return probes.read(tmp_path / "probe.json")

    return write


@pytest.fixture(scope="module")
def small():
    return randomize(FCN32s(3, channels=TINY))


@pytest.mark.parametrize(
    ("precision", "more", "difference", "agreement"),
    [
        ("fp32", 1e-5, 1e-4, 0.999),
        ("fp32", 9e-5, 1.8e-4, 0.999),
        ("fp16", 1e-3, 3e-3, 0.995),
        ("int8", 0.03, 0.061, 0.995),
        ("bf16", 1e-6, 0.03, 0.98),
        ("bf16", 0.02, 0.041, 0.98),
    ],
)
def test_rounded_numbers_may_differ_by_twice_what_was_measured(small, write, precision, more, difference, agreement):
    allowed = write(small, precision, more=more).allowed
    assert allowed == pytest.approx((difference, agreement), rel=0.01)


def test_labels_alone(small, write):
    found = write(small, "fp32", labels=True)
    assert found.allowed == (None, 0.999)
    assert found.facts["measured"] == {"difference": None, "agreement": 1.0}


def test_depth_and_two_images_and_two_heads(write):
    rgbd = write(randomize(FCN32s(3, modality="rgbd", channels=TINY)), "fp32")
    assert (rgbd.pixels.dtype, rgbd.pixels.shape) == (np.uint16, (64, 64, 4))
    pair = write(randomize(LateFusion(3, channels=TINY)), "fp32")
    assert {name: x.dtype for name, x in pair.pixels.items()} == {"rgb": np.uint8, "hha": np.uint8}
    heads = write(randomize(FCN8s({"sem": 5, "geo": 3}, channels=TINY)), "fp32")
    assert {head: x.shape[-1] for head, x in heads.scores.items()} == {"sem": 5, "geo": 3}
