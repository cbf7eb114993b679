"""A file by its name, a version by its folder, the newest of several; and what tells a network from another."""

import shutil

import pytest

from fcn_keras_console.exported.find import SAVED_MODEL, Exported, find_exported


def version(folder, number, graph="a graph"):
    (folder / number / "variables").mkdir(parents=True)
    (folder / number / "saved_model.pb").write_text(graph)
    (folder / number / "variables" / "variables.index").write_text("weights")
    return folder / number


@pytest.mark.parametrize(("name", "format"), [("net.onnx", "ONNX"), ("net.tflite", "LiteRT"), ("net.xml", "OpenVINO")])
def test_a_file(tmp_path, name, format):
    path = tmp_path / name
    with pytest.raises(ValueError, match=f"{path} is missing"):
        find_exported(path)
    path.write_text("1")
    path.with_suffix(".bin").write_text("2")
    exported = find_exported(path)
    assert exported == Exported(path, format)
    assert exported.probe == tmp_path / f"{name}.probe.json"
    copy = tmp_path / "elsewhere"
    copy.mkdir()
    for file in exported.files:
        shutil.copyfile(file, copy / f"other{file.suffix}")
    other = find_exported(copy / f"other{path.suffix}")
    assert len(exported.identity) == 16
    assert other.identity == exported.identity  # wherever it lies
    other.files[-1].write_text("3")
    assert other.identity != exported.identity


def test_the_weights_of_openvino_are_missed(tmp_path):
    (tmp_path / "net.xml").touch()
    with pytest.raises(ValueError, match=rf"net\.bin is missing. {tmp_path}/net.xml holds no weights"):
        find_exported(tmp_path / "net.xml")


def test_the_newest_version(tmp_path, caplog):
    served = tmp_path / "fcn"
    second = version(served, "2")
    assert find_exported(served) == Exported(second, SAVED_MODEL)
    assert caplog.messages == []
    tenth = version(served, "10", "another graph")
    (served / "11").mkdir()  # which an export has begun
    (served / "notes").mkdir()
    assert find_exported(served) == Exported(tenth, SAVED_MODEL)
    assert caplog.messages == [f"{served}: taking version 10, the newest of 2, 10"]
    assert find_exported(served).probe == tenth / "assets.extra" / "probe.json"
    for given in (second, second / "saved_model.pb"):
        assert find_exported(given) == Exported(second, SAVED_MODEL)
    assert find_exported(second).identity != find_exported(tenth).identity
    assert [path.name for path in find_exported(second).files] == ["saved_model.pb", "variables.index"]


def test_something_else(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "net.keras").touch()
    assert [find_exported(tmp_path / name) for name in ("photos", "net.keras", "missing")] == [None] * 3
