"""The notebooks run from top to bottom on this machine, and what they compute is what they say."""

import json
import os
import re
import shlex
import sys
from pathlib import Path

import pytest

from tools.pages import parsers

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
HOME = "https://github.com/fcn-keras/fcn_keras"
ADDRESS = "https://colab.research.google.com/github/fcn-keras/fcn_keras/blob/main/notebooks"
TIMEOUT = 900  # seconds a cell


def source(cell):
    return "".join(cell["source"])


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    return request.param, json.loads(request.param.read_text(encoding="utf-8"))


def test_there_are_three():
    assert [path.name for path in NOTEBOOKS] == ["1_predict.ipynb", "2_train.ipynb", "3_serve.ipynb"]


def test_nothing_of_a_run_is_committed(notebook):
    for cell in notebook[1]["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None
        assert cell["metadata"] == {}


def test_the_first_cell_opens_it_in_colab(notebook):
    path, content = notebook
    first, install = content["cells"][:2]
    badge = "[![Open In Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
    assert source(first).startswith(f"{badge}({ADDRESS}/{path.name})\n")
    assert "find_spec(" in source(install)  # nothing is installed where the package is there
    assert "%pip install" in source(install)


def test_the_extras_that_it_installs_exist(notebook):
    from tests.dependencies.declared import declared

    extras = source(notebook[1]["cells"][1]).partition('--quiet "fcn_keras')[2].partition("@")[0].strip(" []")
    assert set(filter(None, extras.split(","))) <= set(declared())


def test_no_path_of_a_machine(notebook):
    text = notebook[0].read_text(encoding="utf-8")
    for start in ("/home/", "/root", "/work", "/tmp", "/content", "/Users/", "C:\\\\"):
        assert start not in text


def test_its_links_lead_somewhere(notebook):
    path, content = notebook
    for cell in content["cells"]:
        if cell["cell_type"] == "markdown":
            for target in re.findall(r"\]\(([^)]+)\)", source(cell)):
                inside = target.removeprefix(f"{HOME}/blob/main/")
                here = ROOT / inside if inside != target else path.parent / target
                elsewhere = target.startswith("https:") and not target.startswith(HOME)
                assert here.exists() or elsewhere, target


def test_its_commands_are_known(notebook):
    known = parsers()
    text = "\n".join(source(cell) for cell in notebook[1]["cells"] if cell["cell_type"] == "markdown")
    fences = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    inline = re.findall(r"`([^`]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL))
    lines = [line for line in (*inline, *"".join(fences).splitlines()) if re.match(r"fcn-\S+\s", line)]
    assert lines or notebook[0].stem == "1_predict"
    for line in lines:
        name, *words = shlex.split(line)
        known[name].parse_args(words)  # exits on what it does not know


def run(name, folder, asked, *, before=None):
    """Execute a notebook without a GPU in a kernel of this Python, and return what `asked` evaluates to at its end.

    `before` is `(text, code)`: the code runs before the first cell that holds the text.
    """
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    notebook = nbformat.read(ROOT / "notebooks" / name, as_version=4)
    if before:
        place = next(i for i, cell in enumerate(notebook.cells) if before[0] in cell.source)
        notebook.cells.insert(place, nbformat.v4.new_code_cell(before[1]))
    ask = f"import json, sys\nprint(json.dumps([sys.executable, SMALL, {asked}]))"
    notebook.cells.append(nbformat.v4.new_code_cell(ask))
    resources = {"metadata": {"path": str(folder)}}
    environment = {
        **os.environ,
        "CUDA_VISIBLE_DEVICES": "-1",
        "IPYTHONDIR": str(folder / "i"),
        "BARE_BUT_FOR": "IPython",
    }
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "bare")])
    client = nbclient.NotebookClient(notebook, timeout=TIMEOUT, kernel_name="python3", resources=resources)
    client.execute(env=environment)
    executable, small, answer = json.loads(notebook.cells[-1].outputs[0].text)
    assert Path(executable).samefile(sys.executable)
    assert small is True
    outputs = [out for cell in notebook.cells for out in cell.get("outputs", ())]
    told = "".join(out.text for out in outputs if out.get("name") == "stderr").splitlines()
    assert not [out for out in outputs if out.output_type == "error"]
    assert not [line for line in told if not line.startswith("fcn-train: watchdog: ")]  # nor warnings
    return notebook, answer


def pictures(notebook):
    return sum("image/png" in out.get("data", {}) for cell in notebook.cells for out in cell.get("outputs", ()))


# The mean IU is beyond its bound after half the steps on half the scenes.
FEWER_STEPS = "SCENES, EPOCHS, STEPS = 16, 1, 40"


@pytest.mark.early
def test_predict(tmp_path):
    asked = (
        "[difference, list(from_map.shape), heat.shape[:2], with_margin, without_margin, "
        "scores['confusion_mean_iu'], list(map(list, sizes.items()))]"
    )
    notebook, answer = run("1_predict.ipynb", tmp_path, asked, before=("held_out = ", FEWER_STEPS))
    difference, window_map, heat, with_margin, without_margin, mean_iu, sizes = answer
    assert difference < 1e-4  # the dense classifier and the middle of its map
    assert window_map == [7, 7, 6]
    assert heat == [256 // 32, 320 // 32]
    assert with_margin == 0
    assert without_margin > 0.001  # or the margin would not matter
    assert mean_iu > 0.25  # all sky is 0.04
    assert all(given == found for given, found in sizes)
    assert pictures(notebook) == 3


# VGG16's weights are not here, and the test has no minutes.
SMALL_QUICK = """
import pytest
from fcn_keras_training.recipes import catalogue
from fcn_keras_training.train import budget, measurement
from tests.training.quick_small import make_quick_small
make_quick_small(pytest.MonkeyPatch(), catalogue, budget, measurement)
"""


@pytest.mark.early
def test_train(tmp_path):
    asked = (
        "[{name: float(result['mean_iu']) for name, result in scores.items()}, skip_mean_iu, reloaded_equal, "
        "len(train), len(val), curves]"
    )
    notebook, answer = run("2_train.ipynb", tmp_path, asked, before=("fcn_train([", SMALL_QUICK))
    mean_iu, skips, reloaded_equal, trained, validated, curves = answer
    (outputs,) = (cell.outputs for cell in notebook.cells if "fcn_train([" in cell.source)
    plan = "".join(out.text for out in outputs)
    assert "46 to train on, 13 to validate on; 8 classes" in plan
    assert re.search(r"3 is too little for 46 images .*, which is trained now, .* until about \d\d:\d\d:\d\d\n", plan)
    assert (tmp_path / "runs" / "quick_fcn8s" / "summary.json").is_file()
    assert list(mean_iu) == ["FCN-32s", "FCN-16s", "FCN-8s"]
    assert mean_iu["FCN-32s"] < mean_iu["FCN-16s"] < mean_iu["FCN-8s"]
    assert mean_iu["FCN-8s"] > 0.35
    assert skips["only fc7"] < skips["fc7 + pool4 + pool3"]
    assert skips["fc7 + pool4"] < skips["fc7 + pool4 + pool3"]
    assert skips["fc7 + pool4 + pool3"] == pytest.approx(mean_iu["FCN-8s"], abs=1e-9)  # predict and evaluate agree
    assert reloaded_equal
    assert (trained, validated) == (46, 13)  # of 48, one without a mask, one also in val
    assert curves[-1] < curves[0]
    report = json.loads((tmp_path / "report" / "doctor.json").read_text())
    found = {finding["code"] for finding in report["findings"]}
    assert found >= {"mask-is-rgb", "image-without-mask", "duplicate-across-splits"}
    assert report["fix"]["findings"] == []
    assert pictures(notebook) == 7


@pytest.mark.early
def test_serve(tmp_path):
    asked = "[rest_differs, grpc_differs, str(broken[1].error), agreement, mean_iu, sizes, list(jpeg.shape)]"
    notebook, answer = run("3_serve.ipynb", tmp_path, asked)
    rest_differs, grpc_differs, refused, agreement, mean_iu, sizes, jpeg = answer
    assert rest_differs == 0
    assert grpc_differs == 0
    assert "not a JPEG" in refused
    assert jpeg == [128, 160]
    assert agreement["ONNX float32"] >= 0.999
    assert agreement["ONNX int8"] >= 0.9
    assert abs(mean_iu["ONNX int8"] - mean_iu["Keras"]) < 0.05
    assert sizes["ONNX int8"] < 0.4 * sizes["ONNX float32"]
    assert (tmp_path / "models" / "scenes" / "1" / "saved_model.pb").is_file()
    assert pictures(notebook) == 2
