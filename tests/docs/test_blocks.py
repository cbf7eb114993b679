"""Every code block of README.md and docs/: run as printed, or read against the code, or listed here with the reason."""

import functools
import itertools
import json
import re
from fnmatch import fnmatch

import pytest

from tests.docs.blocks import PAGES, ROOT, Block, all_blocks, blocks, commands
from tests.docs.workshop import Workshop, make_small, prepare
from tools.pages import parsers
from training.recipes.catalogue import RECIPES

ROAD = "fcn-export runs/road/best.keras"
# (page, how the command begins) -> why it is not run here. Commands of ours are parsed all the same, targets of make,
# files, modules and extras have to exist.
NOT_RUN = {
    ("*", "make "): "runs for minutes to hours, or installs",
    ("*", "pip install "): "fetches packages",
    ("*", ".venv/bin/python -m pip install "): "fetches packages",
    ("*", "python benchmarks/"): "measures for minutes",
    ("*", "python tests/attacks/soak.py "): "attacks for minutes",
    ("docs/testing.md", ".venv/bin/python tests/mutation/mutate.py "): "runs the tests on 600 mutants",
    ("docs/testing.md", "KERAS_BACKEND=torch "): "wants PyTorch",
    ("docs/dependencies.md", "pip-licenses "): "what it prints is that of one machine",
    (
        "docs/paper.md",
        "fcn-train voc_",
    ): "wants VOC's and SBD's originals; tests/training/recipes/test_catalogue.py runs the stand-in",
    ("docs/paper.md", "fcn-train nyud_"): "wants NYUDv2's original; the same",
    ("docs/paper.md", "fcn-train sift_flow_"): "wants SIFT Flow's original; the same",
    ("docs/paper.md", "fcn-figures "): "wants the nets of VOC; tests/training/figures/test_command.py",
    ("docs/first-hour.md", "fcn-"): "README's own, which are run there",
    ("docs/commands.md", "fcn-"): "examples of --help, of which README and serving.md run what can be run",
    ("docs/commands.md", "cat "): "the same",
    (
        "docs/recipes.md",
        "fcn-",
    ): "trains for hours; see tests/training/recipes/test_catalogue.py",
    ("docs/results.md", "fcn-train "): "wants data that is not ours to give, and trains for half an hour",
    ("docs/results.md", "fcn-evaluate "): "the same",
    ("docs/results.md", "fcn-predict "): "the same",
    ("docs/results.md", "fcn-export "): "what serving.md runs, at full width",
    ("docs/results.md", "python -c \nimport io, resource"): "times the model that this writes",
    ("docs/results.md", "python -c \nimport time, fcn_keras as fcn\nfrom fcn_keras.datasets"): "wants CamVid",
    ("docs/performance.md", "fcn-export "): "wants CamVid; tests/serving/export/onnx/test_export.py calibrates",
    (
        "docs/labelling-tools.md",
        "cvat-cli ",
    ): "wants CVAT's server; see tests/training/labelling/test_cvat.py",
    ("docs/doctor.md", "fcn-doctor photos --folds "): "trains five nets; see tests/training/doctor/test_folds.py",
    ("docs/doctor.md", "fcn-doctor photos --model "): "wants a net; see tests/training/doctor/test_asked_net.py",
    ("docs/labelling-tools.md", "fcn-label-studio "): "serves; see tests/training/label_studio/test_command.py",
    ("docs/tiny-devices.md", "fcn-train "): "test_the_narrow_net_of_the_command_line in test_catalogue.py",
    ("docs/tiny-devices.md", "fcn-evaluate "): "follows it, as on README",
    ("docs/tiny-devices.md", "fcn-export "): "int8: see tests/serving/export/litert/test_export.py",
    ("docs/training.md", "fcn-train "): "README's, with options that tests/training/ runs",
    ("docs/training.md", "KERAS_BACKEND=jax fcn-train "): "wants two hosts; test_devices.py has two processes",
    ("docs/serving.md", f"{ROAD} models/road.tflite "): "int8: see tests/serving/export/litert/test_export.py",
    (
        "docs/serving.md",
        f"{ROAD} models/road.onnx --format onnx --labels --precision int8 ",
    ): "see tests/serving/export/onnx/test_export.py",
    ("docs/serving.md", f"{ROAD} models/road_bf16"): "see tests/serving/export/saved_model/test_frozen_network.py",
    ("docs/serving.md", "fcn-batch "): "tests/serving/batch/test_command.py runs the pipeline",
    ("docs/serving.md", "docker "): "wants Docker; tests/docs/test_serving.py compares the image's version",
    ("docs/serving.md", "cd kit"): "leads to Docker's files",
    ("docs/serving.md", "MODELS=$PWD/../models docker "): "wants Docker; the file is read in tests/serving/kit",
    ("docs/serving.md", "bash ready.sh "): "asks the container; run in tests/serving/kit",
    ("docs/serving.md", "echo ready"): "follows it",
    ("docs/serving.md", "kubectl "): "wants a cluster; the files are read in tests/serving/kit",
}
# Blocks that are neither run nor parsed: where they are compared instead.
COMPARED = {
    ("docs/serving.md", "textproto"): "tests/docs/test_serving.py rolls a version out with them",
    ("docs/first-hour.md", "text"): "what a run of ten minutes printed",
    ("docs/training.md", "text"): "tests/training/train/test_display.py compares the display's lines",
    ("README.md", ""): "test_the_drawn_folder_is_the_one_that_is_trained_on",
}
# (page, what a Python block holds) -> where it is run instead.
ELSEWHERE = {
    (
        "docs/serving.md",
        "HandleReloadConfigRequest",
    ): "tests/docs/test_serving.py sends it; fcn-serve takes no folder from it",
}
SHELL, PYTHON = "sh", "python"
READ = {"json": json.loads}
FOUND = all_blocks()
KNOWN = functools.cache(parsers)
SHELL_COMMANDS = [(block, command) for block in FOUND if block.language == SHELL for command in commands(block)]


def reason(page, command):
    """Say why a command is not run, or None."""
    told = " ".join(command.words) + " "
    return next(
        (why for (where, start), why in NOT_RUN.items() if fnmatch(page, where) and told.startswith(start)), None
    )


def elsewhere(block):
    return any(block.page == page and text in block.text for page, text in ELSEWHERE)


def runs(block):
    return block.language == PYTHON or (
        block.language == SHELL and any(reason(block.page, command) is None for command in commands(block))
    )


@pytest.mark.early
@pytest.mark.parametrize("page", [page for page in PAGES if any(runs(block) for block in blocks(page))])
def test_what_is_printed_runs(page, tmp_path, tmp_path_factory, monkeypatch, capsys):
    make_small(monkeypatch, tmp_path_factory.mktemp("weights"), page)
    workshop = Workshop(prepare(tmp_path, page))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PWD", str(tmp_path))
    ran = set()
    try:
        for block in blocks(page):
            if block.language == PYTHON and not elsewhere(block):
                workshop.python(block)
            elif block.language == SHELL:
                for command in commands(block):
                    if reason(page, command) is None and command.words not in ran:
                        workshop.run(command)
                        ran.add(command.words)
    finally:
        workshop.close()


@pytest.mark.parametrize(("block", "command"), SHELL_COMMANDS, ids=lambda x: str(x) if isinstance(x, Block) else "")
def test_commands_are_known(block, command, capsys):
    check_command(command.words, KNOWN(), (ROOT / "Makefile").read_text())


def check_command(words, known, makefile):
    """Fail on a command with an unknown option, recipe, target, file, module or extra."""
    words = list(itertools.dropwhile(lambda word: re.match(r"[A-Z_]+=", word), words))
    name, arguments = words[0], words[1:]
    name = name.removeprefix(".venv/bin/")
    if name in known:
        given = known[name].parse_args(arguments)  # exits on what it does not know
        assert name != "fcn-train" or given.recipe in RECIPES or (given.data and not given.recipe)
    elif name == "make":
        targets = re.search(r"^\.PHONY:(.*)$", makefile, re.MULTILINE)[1].split()
        assert {word for word in arguments if "=" not in word} <= set(targets)
    elif name == "pip" or arguments[:2] == ["-m", "pip"]:
        check_requirements(arguments[arguments.index("install") + 1 :])
    elif name == "python" and arguments[:2] == ["-m", "pytest"]:
        assert all((ROOT / word).exists() for word in arguments[2:] if "/" in word)
    elif name == "python" and arguments[0] == "-m":
        assert (ROOT / arguments[1].replace(".", "/")).with_suffix(".py").is_file()
    elif name == "python" and arguments[0] != "-c":
        assert (ROOT / arguments[0]).is_file()
    elif name.startswith("fcn-"):
        raise AssertionError(f"{name} is no command of ours")


def check_requirements(arguments):
    extras = re.search(r"extras_require=\{(.*?)\n    \}", (ROOT / "setup.py").read_text(), re.DOTALL)[1]
    for word in arguments:
        wanted = re.fullmatch(r"(?:fcn_keras|\.)\[(.*)\]", word)
        for extra in wanted[1].split(",") if wanted else ():
            assert f'"{extra}": [' in extras, word
        if word.endswith(".txt"):
            assert (ROOT / word).is_file()


@pytest.mark.parametrize(
    "line",
    [
        "fcn-train no_such_recipe --workdir runs",
        "fcn-train voc_fcn8s --data DIR --workdir runs --no-such-option",
        "fcn-fly away",
        "make no-such-target",
        'pip install "fcn_keras[no-such-extra]"',
        "pip install -r no/such/requirements.txt",
        "python benchmarks/no_such_file.py",
        "python -m tests.no_such_module",
        ".venv/bin/python -m pytest tests/no_such_test.py",
        "FCN_TOKEN=x fcn-query --nowhere",
    ],
)
def test_unknown_commands_are_caught(line, capsys):
    (command,) = commands(Block("page.md", 1, SHELL, line))
    with pytest.raises((AssertionError, SystemExit)):
        check_command(command.words, KNOWN(), (ROOT / "Makefile").read_text())


@pytest.mark.parametrize("block", FOUND, ids=str)
def test_every_block_is_of_a_kind_that_is_checked(block):
    if block.language in READ:
        READ[block.language](block.text)
    else:
        assert block.language in (SHELL, PYTHON) or (block.page, block.language) in COMPARED, (
            f"{block} is {block.language or 'of no language'}: name sh, python or json, or list it in COMPARED"
        )


def test_every_reason_is_needed():
    for where, start in NOT_RUN:
        told = [" ".join(command.words) + " " for block, command in SHELL_COMMANDS if fnmatch(block.page, where)]
        assert any(line.startswith(start) for line in told), f"nothing begins with {start!r} on {where}"
    for why in (*NOT_RUN.values(), *COMPARED.values(), *ELSEWHERE.values()):
        for path in re.findall(r"[\w/]*test_\w+\.py", why):
            assert list((ROOT / "tests").rglob(path.rpartition("/")[2])), why
    for page, text in ELSEWHERE:
        assert any(block.page == page and text in block.text for block in FOUND), (page, text)
    for page, language in COMPARED:
        assert any((block.page, block.language) == (page, language) for block in FOUND), (page, language)


def test_the_drawn_folder_is_the_one_that_is_trained_on(tmp_path):
    prepare(tmp_path, "README.md")
    (drawn,) = (block.text for block in blocks("README.md") if block.language == "")
    root, *entries = (re.split(r"\s{2,}", line.strip())[0] for line in drawn.splitlines())
    for entry in ", ".join(entries).split(", "):
        assert list((tmp_path / root).glob(entry)), entry


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b  # why\n\nc\n", [("a", "b"), ("c",)]),
        ("a \\\n  --b\n", [("a", "--b")]),
        ("a && b 'x && y'\n", [("a",), ("b", "x && y")]),
        ('python -c "one\ntwo # no comment"  # GB\n', [("python", "-c", "one\ntwo # no comment")]),
    ],
)
def test_shell_blocks_are_split_as_a_shell_does(text, expected):
    assert [command.words for command in commands(Block("page.md", 1, SHELL, text))] == expected


def test_an_open_quotation_is_refused():
    with pytest.raises(ValueError, match=r"page\.md:7: a quotation is not closed"):
        list(commands(Block("page.md", 7, SHELL, "echo 'half\n")))
