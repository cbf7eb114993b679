"""`fcn-check` on files of one layer: alike, not alike, without a probe, with a damaged one."""

import json
import shutil

import pytest

from fcn_keras_console.exported.find import PROBE
from serving import probe
from serving.check.command import main
from tests.serving.probed import probed_onnx, probed_version, reprobe


@pytest.fixture(scope="module")
def version(tmp_path_factory):
    return probed_version(tmp_path_factory.mktemp("served") / "net" / "1")


def test_a_machine_that_answers_alike(version, tmp_path, capsys):
    for path, shown in ((version.parent, version), (probed_onnx(tmp_path / "net.onnx"), tmp_path / "net.onnx")):
        assert main([str(path)]) == 0
        first, *others = capsys.readouterr().out.splitlines()
        assert first.startswith(f"{shown}, fp32: scores differ by ")
        assert first.endswith(" of the largest (1.0e-04 is allowed), 100.00 % of the labels agree (99.90 % have to).")
        assert [line.partition(":")[0] for line in others] == ["runtime", "processor", "threads"]
        assert others[1].endswith(" here, an abacus at the export.")


@pytest.mark.parametrize("kind", ["version", "file"])
def test_one_that_does_not(version, tmp_path, capsys, kind):
    if kind == "version":
        path = tmp_path / "1"
        shutil.copytree(version, path)
        reprobe(path, more=1e-3)
    else:
        path = probed_onnx(tmp_path / "net.onnx", more=1e-3)
    assert main([str(path), "--json"]) == 2
    output = capsys.readouterr()
    told = json.loads(output.out)
    assert told["difference"] == pytest.approx(1e-3, rel=0.01)
    assert (told["agreement"], told["alike"], told["allowed"]["difference"]) == (1.0, False, 1e-4)
    assert told["export"]["processor"] == "an abacus"
    verdict, *reasons = output.err.splitlines()[-4:]
    assert verdict.startswith(f"fcn-check: {path}, fp32: scores differ by 1.0e-03 of the largest (1.0e-04 is allowed)")
    assert verdict.endswith("This machine does not answer as the export did.")
    assert len(reasons) == 3


def test_labels_alone(tmp_path, capsys):
    assert main([str(probed_onnx(tmp_path / "net.onnx", labels=True))]) == 0
    assert "net.onnx, fp32: 100.00 % of the labels agree (99.90 % have to)." in capsys.readouterr().out
    assert main([str(probed_onnx(tmp_path / "net.onnx", labels=True, more=-2))]) == 2
    assert "fp32: 0.00 % of the labels agree" in capsys.readouterr().err


def test_without_a_probe(version, tmp_path, capsys):
    path = probed_onnx(tmp_path / "net.onnx")
    file = tmp_path / "net.onnx.probe.json"
    file.unlink()
    shutil.copytree(version, tmp_path / "1", ignore=lambda *_: ["assets.extra"])
    for given, missing in ((path, file), (tmp_path / "1", tmp_path / "1" / PROBE)):
        assert main([str(given)]) == 2
        assert capsys.readouterr().err == (
            f"fcn-check: {given} has no probe: {missing} is missing. Export the model anew, or copy the probe along "
            "with the file.\n"
        )


def test_a_damaged_probe(version, tmp_path, capsys):
    path = probed_onnx(tmp_path / "net.onnx")
    shutil.copytree(version, tmp_path / "1")
    for given, file in ((path, tmp_path / "net.onnx.probe.json"), (tmp_path / "1", tmp_path / "1" / PROBE)):
        file.write_text(file.read_text().replace('"step": 1', '"step": 2'))
        assert main([str(given)]) == 2
        wrong = capsys.readouterr().err.splitlines()[-1]
        assert wrong.startswith(f"fcn-check: {file} ")
        assert "damaged" in wrong or "is not what was exported: its SHA-256 is" in wrong


def test_a_probe_of_another_input(version, tmp_path, capsys):
    shutil.copytree(version, tmp_path / "1")
    (tmp_path / "1" / "model.json").unlink()  # which names what the probe held
    made = probe.read(version / PROBE)
    probe.write(tmp_path / "1" / PROBE, made._replace(images={"photo": made.pixels}))
    assert main([str(tmp_path / "1")]) == 2
    assert "cannot run" in (error := capsys.readouterr().err)
    assert "1: no image is for input image; the images are for photo" in error


def test_a_damaged_model(version, tmp_path, capsys):
    shutil.copytree(version, tmp_path / "1")
    (tmp_path / "1" / "saved_model.pb").write_bytes(b"cut")
    assert main([str(tmp_path / "1")]) == 2
    assert "saved_model.pb is not what was exported: it has 3 bytes" in capsys.readouterr().err
