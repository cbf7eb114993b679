"""A probe is run by the file's own runtime, as that computes by itself."""

import numpy as np
import pytest

from fcn_keras_console.exported.find import OPENVINO, SAVED_MODEL, Exported, find_exported
from fcn_keras_console.runtimes.loaded import Loaded
from fcn_keras_console.runtimes.quiet_openvino import load_openvino, openvino_core
from serving import probe as probes
from serving.check import answers
from serving.check.command import main
from tests.serving.probed import IMAGE, probed_onnx, write_probe
from tests.training.exported.files import onnx_file, scores_of


@pytest.fixture
def openvino_file(tmp_path):
    network = openvino_core().read_model(onnx_file(tmp_path / "net.onnx"))
    load_openvino().save_model(network, tmp_path / "net.xml", compress_to_fp16=False)
    write_probe(tmp_path / "net.xml.probe.json")
    return find_exported(tmp_path / "net.xml")


def test_openvino_says_what_it_computes_in(openvino_file):
    found, computes_in = answers.deviation_of(openvino_file, probes.read(openvino_file.probe))
    capabilities = openvino_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    assert computes_in == ("bf16" if "BF16" in capabilities else "f32")
    assert found.difference < (3e-2 if computes_in == "bf16" else 1e-6)
    assert answers.deviation_as_told(openvino_file, probes.read(openvino_file.probe)).difference < 1e-6


def test_bfloat16_is_the_reason_that_is_told_first(openvino_file, monkeypatch, capsys):
    """As on a processor with AMX: what is kept of a score are 8 bits."""

    def load(exported, by_itself=False):
        def answer(image):
            scores = scores_of(image)
            return {"": scores if not by_itself else (scores.view(np.uint32) & 0xFFFF0000).view(np.float32)}

        return Loaded(answer, {}, {}, computes_in="bf16" if by_itself else "f32")

    monkeypatch.setattr(answers, "load_file", load)
    assert main([str(openvino_file.path)]) == 2
    first, *others = capsys.readouterr().err.splitlines()[-4:]
    assert first.startswith(
        "OpenVINO computes in bf16 on this processor by itself. With INFERENCE_PRECISION_HINT=f32 it computes in "
        "float32: scores differ by 0.0e+00 of the largest (1.0e-04 is allowed), 100.00 % of the labels agree"
    )
    assert [line.partition(":")[0] for line in others] == ["runtime", "processor", "threads"]


def test_the_probe_of_another_model(tmp_path):
    exported = find_exported(probed_onnx(tmp_path / "net.onnx"))
    other = probes.make({"image": IMAGE}, {"sem": scores_of(IMAGE)})
    with pytest.raises(
        ValueError, match=r"net.onnx.probe.json is the probe of another model. Its heads are \[''\], and"
    ):
        answers.deviation_of(exported, other)


@pytest.mark.parametrize(
    ("images", "said"),
    [
        ({"rgb": IMAGE, "hha": IMAGE}, "no image is for input image; the images are for rgb, hha."),
        ({"image": IMAGE[..., :2]}, ""),
    ],
)
def test_a_probe_of_other_inputs(tmp_path, images, said):
    exported = find_exported(probed_onnx(tmp_path / "net.onnx"))
    other = probes.make(images, {"": scores_of(IMAGE)})
    with pytest.raises(
        ValueError, match=rf"net.onnx cannot be run on its probe, .*net.onnx.probe.json: {said}[^\n]* Export the"
    ):
        answers.deviation_of(exported, other)


def test_what_cannot_be_loaded(tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"\xff" * 9)
    probe = probes.make({"image": IMAGE}, {"": scores_of(IMAGE)})
    with pytest.raises(ValueError, match=r"^TensorFlow cannot run .*: Cannot parse file[^\n]*$"):
        answers.deviation_of(Exported(tmp_path, SAVED_MODEL), probe)
    (tmp_path / "net.xml").write_text("<net>")
    with pytest.raises(ValueError, match="OpenVINO cannot read"):
        answers.deviation_of(Exported(tmp_path / "net.xml", OPENVINO), probe)
