"""Files that are not those of the export are refused; where nothing tells, that is said."""

import pytest

from fcn_keras_console.digests import digests_below, write_sealed
from fcn_keras_console.exported.find import OPENVINO, SAVED_MODEL, Exported
from fcn_keras_console.exported.integrity import require_as_exported
from serving.export.model_card import write_file_card
from tests.serving.export.test_model_card import FACTS

UNKNOWN = "has no digests of its files: damage would not be noticed. Export it again to get them"


def test_files_of_two_exports(tmp_path, caplog):
    found = {name: Exported(tmp_path / name / "net.xml", OPENVINO) for name in "ab"}
    for name, exported in found.items():
        (tmp_path / name).mkdir()
        exported.path.write_text("of any")
        (tmp_path / name / "net.bin").write_text(f"of {name}")
        require_as_exported(exported)
        assert caplog.messages.pop() == f"{exported.path} {UNKNOWN}"
        caplog.clear()
        write_file_card(exported.path, "for OpenVINO", FACTS, ["| a |"], "")
        require_as_exported(exported)
        assert caplog.messages == []
    (tmp_path / "a" / "net.bin").write_text("of b")
    with pytest.raises(ValueError, match=f"{tmp_path}/a/net.bin is not what was exported: its SHA-256 is"):
        require_as_exported(found["a"])
    (tmp_path / "a" / "net.bin").unlink()
    with pytest.raises(ValueError, match=r"net\.bin is not what was exported: it is missing"):
        require_as_exported(found["a"])
    (tmp_path / "b" / "net.xml.md").unlink()
    (tmp_path / "b" / "net.xml.probe.json").write_text("{}")
    write_file_card(found["b"].path, "for OpenVINO", FACTS, ["| a |"], "")
    (tmp_path / "b" / "net.xml.probe.json").unlink()
    require_as_exported(found["b"])  # by the probe nothing is labelled
    with pytest.raises(ValueError, match=r"net\.xml\.probe\.json is not what was exported: it is missing"):
        require_as_exported(found["b"], probe=True)
    with (tmp_path / "b" / "net.xml.md").open("a") as card:
        card.write("What people add.\n")
    require_as_exported(found["b"])


def test_a_version(tmp_path, caplog):
    exported = Exported(tmp_path, SAVED_MODEL)
    (tmp_path / "variables").mkdir()
    for name in ("saved_model.pb", "variables/data", "batching_params.pbtxt"):
        (tmp_path / name).write_text(name)
    require_as_exported(exported)
    assert caplog.messages.pop() == f"{tmp_path} {UNKNOWN}"
    caplog.clear()
    write_sealed(tmp_path / "model.json", {"name": "fcn"}, digests_below(tmp_path))
    (tmp_path / "batching_params.pbtxt").write_text("an operator's")
    require_as_exported(exported)
    assert caplog.messages == []
    (tmp_path / "variables" / "data").write_text("cut")
    with pytest.raises(ValueError, match=r"variables/data is not what was exported: it has 3 bytes, and 14 were"):
        require_as_exported(exported)
