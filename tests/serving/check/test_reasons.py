"""What is another here than at the export."""

from fcn_keras_console.environment import processor, threads
from fcn_keras_console.exported.find import ONNX, Exported
from serving.check.reasons import here, reasons

REST = "on this processor by itself. With INFERENCE_PRECISION_HINT=f32 it computes in float32"
FOUND = {"runtime": "OpenVINO 2026.4.1", "processor": "A (avx2)", "threads": 2}


def test_nothing_is_another():
    assert reasons(FOUND, FOUND, "f32") == []
    assert reasons({**FOUND, "precision": "bf16"}, FOUND, "bf16") == []
    assert reasons({}, FOUND, "f32") == []  # nothing is known of the export


def test_each_is_told():
    export = {"runtime": "OpenVINO 2026.3.0", "processor": "A (avx2, amx_bf16)", "threads": 8}
    assert reasons(export, FOUND, "bf16", "as before") == [
        f"OpenVINO computes in bf16 {REST}: as before.",
        "runtime: OpenVINO 2026.4.1 here, OpenVINO 2026.3.0 at the export.",
        "processor: A (avx2) here, A (avx2, amx_bf16) at the export.",
        "threads: 2 here, 8 at the export.",
    ]
    assert reasons(FOUND, FOUND, "f16") == [f"OpenVINO computes in f16 {REST}."]


def test_this_machine(tmp_path):
    found = here(Exported(tmp_path / "net.onnx", ONNX))
    assert found["runtime"].startswith("ONNX Runtime ")
    assert (found["processor"], found["threads"]) == (processor(), threads())
