"""OpenVINO reports nothing, and its absence is named."""

import subprocess
import sys
from pathlib import Path

import pytest

from fcn_keras_console.runtimes.quiet_openvino import load_openvino


def test_nothing_is_reported_and_what_is_missing_is_named(monkeypatch):
    program = (
        "import sys; from fcn_keras_console.runtimes.quiet_openvino import load_openvino; load_openvino(); "
        "print([name for name in sys.modules if 'openvino_telemetry' in name], "
        "sys.modules['openvino.tools.ovc'].telemetry.__class__.__module__)"
    )
    root = Path(__file__).resolve().parents[4]
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=root)
    assert run.stdout.split() == ["[]", "openvino.tools.ovc.telemetry_stub"]
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(ImportError, match=r'OpenVINO needs openvino. Install it with: pip install "fcn_keras\[openvi'):
        load_openvino()
