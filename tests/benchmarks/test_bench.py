"""The benchmark of speed: its sections with a tiny net, and the parts that compute something."""

import dataclasses
import json
import os
import subprocess
import sys
from types import SimpleNamespace

import bench
import numpy as np
import pytest
from speed import accelerator, amx, cost, forward, memory, nets, steps, targets, training, turns, work, worker
from speed.turns import Contender, Failed, Field, Worker

import fcn_keras as fcn

WIDTH = 0.02
SETTINGS = bench.Settings(rounds=2, size=64, width=WIDTH, threads=1, images=None, contenders=None)


class InProcess:
    """A `Worker` without a process, which would start TensorFlow again: calls and answers are the same."""

    def __init__(self, contender, arguments, *, threads, backend="tensorflow"):
        self.contender = None
        self.built = self.ask(contender, **arguments)

    def ask(self, name, **arguments):
        call = json.loads(json.dumps({"name": name, "arguments": arguments}))
        self.contender, answer = worker.respond(self.contender, call)
        answer = json.loads(json.dumps(answer))
        if "error" in answer:
            raise Failed(answer["error"])
        return turns.Answer(**answer)

    def close(self):
        self.contender = None

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


@pytest.fixture
def in_process(monkeypatch):
    for module in (turns, work, memory):
        monkeypatch.setattr(module, "Worker", InProcess)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The work folder that these tests share."""
    return work.Work(tmp_path_factory.mktemp("work"), WIDTH, threads=1)


def run(files, folder, *options):
    """Run the benchmark on the shared folder, and return its JSON; see that the picture is there."""
    fixed = ["--output", folder, "--work", files.folder, "--width", WIDTH, "--size", 64, "--rounds", 2, "--threads", 1]
    assert bench.main([*map(str, fixed), *options]) == 0
    assert (folder / "bench.png").stat().st_size > 5000
    return json.loads((folder / "bench.json").read_text())


def test_sections_that_need_no_peer(in_process, files, tmp_path, capsys):
    report = run(files, tmp_path, "--sections", "sizes", "evaluation", "memory")
    sizes, evaluation, large = (report["sections"][name] for name in ("sizes", "evaluation", "memory"))
    assert len(sizes["stalls"]) == len(sizes["sizes"]) > 0
    assert evaluation["share"] == evaluation["seconds"]["update"] / evaluation["seconds"]["forward"]
    assert large["stages"]["same"] == 1
    assert large["stages"]["difference"] < 1e-5
    assert large["command"]["peak"] > 0.1
    assert "reason" not in large["command"]
    assert "reason" not in large["served"]
    assert large["served"]["ratio"] > 0
    # The promises are those of the real net.
    assert len(report["targets"]) == 6
    assert {row["met"] for row in report["targets"]} == {None}
    out = capsys.readouterr().out
    assert "ConfusionMatrix.update_state" in out
    assert out.startswith("fcn.predict over sizes")


def test_forward_beside_pytorch(in_process, files, tmp_path, capsys):
    pytest.importorskip("torch")
    report = run(files, tmp_path, "--sections", "forward", "--contenders", "Keras", "PyTorch")
    rows = report["sections"]["forward"]["rows"]
    assert len(rows) == 8
    # One network: whatever the framework and the layout, the labels are those of Keras with the same padding.
    labels = [row["agree"] for name, row in rows.items() if name.startswith(("Keras", "PyTorch"))]
    assert len(labels) == 6
    assert min(labels) > 0.999
    assert len(np.unique(np.load(files.folder / "labels" / "Keras predict.npy"))) > 5
    reference = rows[report["sections"]["forward"]["reference"]]
    assert reference["ratio"] == 1
    assert reference["padding"] == "caffe"
    assert all(len(row["seconds"]["run"]) == 2 for name, row in rows.items() if "product" not in name)
    assert "PyTorch pad 100, NCHW" in capsys.readouterr().out


ON_JAX = """
import json, sys
sys.modules["tensorflow"] = None  # as on a machine that has none
from speed import accelerated, device

accelerated.Training.STEPS = 2
found = {"accelerator": device.has_accelerator()}
found["matrix"] = accelerated.Matrix("bfloat16", 0.01, True).run()
for name, policy in (("Forward", "mixed_bfloat16"), ("Training", "float32")):
    contender = getattr(accelerated, name)(0.02, policy, (32, 40), True)
    found[name] = {**contender.run(2), "operations": contender.operations()}
print(json.dumps(found))
"""


@pytest.mark.early
def test_accelerators_are_measured_without_tensorflow():
    quick = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"  # to compile
    environment = {**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": str(turns.BENCHMARKS), "XLA_FLAGS": quick}
    words = [sys.executable, "-c", ON_JAX]
    found = json.loads(subprocess.run(words, check=True, capture_output=True, text=True, env=environment).stdout)
    assert found["accelerator"] is False
    assert found["matrix"] > 0
    assert found["Training"]["operations"] == 3 * found["Forward"]["operations"] > 0
    for name in ("Forward", "Training"):
        assert found[name]["seconds"] > 0
        assert found[name]["first"] > 0
        assert found[name]["memory"] is None  # a processor has none of its own


class Device:
    """A `Worker` of a device that computes 100 operations a second and takes 4 images."""

    def __init__(self, contender, arguments, *, threads, backend):
        assert backend == "tensorflow"

    def ask(self, name, batch=None):
        if batch is None:
            return turns.Answer(0.0, 100.0 if name == "run" else 10, 0.1)
        if batch > 4:
            raise Failed("out of memory")
        return turns.Answer(0.0, {"seconds": batch / 5, "first": 3.0, "memory": batch * 1.5}, 0.1)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        pass


def test_an_accelerators_table(monkeypatch):
    monkeypatch.setattr(accelerator, "Worker", Device)
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    names = ["forward 64x64, float16", "training 16x16, float32, XLA"]
    found = accelerator.measure(dataclasses.replace(SETTINGS, contenders=names), None, {})
    rows = {(row["name"], row["batch"]): row for row in found["rows"]}
    assert [batch for name, batch in rows if name == "forward 64x64, float16"] == [1, 2, 4, 8]
    assert {name for name, _ in rows} == {*names, "forward 64x64, float16, XLA"}
    largest = rows["forward 64x64, float16", 4]
    assert (largest["median"], largest["images"], largest["share"]) == (0.8, 5, 0.5)
    text = accelerator.tabulate(found)
    assert "forward 64x64, float16, batch 8: not available (out of memory)" in text
    assert "Keras on tensorflow. Matrix product: float16 0.0 TFLOP/s, float32 0.0 TFLOP/s." in text


def test_the_steps_of_keras_and_pytorch_are_one_step(in_process, files):
    pytest.importorskip("torch")
    common = {"sizes": [(64, 96), (40, 33)], "dropout": 0}
    contenders = [Contender("Keras", "speed.steps:KerasSteps", {"net": files.net(), **common})]
    arguments = {"arrays": files.arrays(), "layout": "channels_last", **common}
    contenders.append(Contender("PyTorch", "speed.steps:TorchSteps", arguments))
    losses = {contender.name: [] for contender in contenders}
    with Field(SETTINGS, contenders) as field:
        for _ in range(3):
            for index in (0, 1):
                field.round(index=index)
                for name, found in losses.items():
                    found.append(field.ask(name, "last_loss").value)
    assert losses["Keras"] == pytest.approx(losses["PyTorch"], rel=1e-4)
    assert losses["Keras"][4] < losses["Keras"][0]  # it learns, so that the weights matter


def by_hand(blocks, last, side):
    """Operations of FCN-8s with 21 classes, two for a multiply-add."""
    before, total, sides = 3, 0, [side // 2**i for i in range(6)]
    for (filters, count), length in zip(blocks, sides, strict=False):
        for _ in range(count):
            total += 2 * 9 * before * filters * length**2
            before = filters
    total += 2 * (49 * before * last + last * last + last * 21) * sides[5] ** 2
    total += 2 * 21 * (blocks[3][0] * sides[4] ** 2 + blocks[2][0] * sides[3] ** 2)  # the skips' scores
    # Kernels of 4, 4 and 16 at every pixel of what they enlarge.
    return total + 2 * 21 * 21 * (4**2 * sides[5] ** 2 + 4**2 * sides[4] ** 2 + 16**2 * sides[3] ** 2)


def test_the_operations_are_counted():
    assert nets.operations(nets.build(WIDTH), 64, 64) == by_hand(*nets.narrowed(WIDTH), 64)
    assert nets.narrowed(1) == fcn.VGG16
    assert by_hand(*fcn.VGG16, 512) / 1e9 == pytest.approx(222, abs=1)


CONTENDER = """
import os, signal, sys

class Contender:
    def __init__(self, number=1.5):
        if number is None:
            raise ImportError("left_out is missing: pip install left_out")
        self.number = number

    def run(self):
        print("this is not an answer")
        os.write(1, b"nor is this")

    def kinds(self):
        return {"one": self.number, "two": 2.0}

    def fail(self):
        raise ValueError("no\\nsuch luck")

    def die(self):
        print("the last words", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def contender(tmp_path, monkeypatch):
    """A function that makes contenders which need no library."""
    (tmp_path / "told.py").write_text(CONTENDER)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return lambda name, **arguments: Contender(name, "told:Contender", arguments, {"padding": "same"})


def test_contenders_take_turns(contender):
    with Field(SETTINGS, [contender("a"), contender("b", number=3.5), contender("c", number=None)]) as field:
        assert [name in field for name in "abc"] == [True, True, False]
        field.warm_up()
        field.rounds(2)
        field.rounds(3, "kinds")
        rows = field.rows
    assert rows["c"]["reason"] == "left_out is missing: pip install left_out"
    assert rows["a"]["padding"] == "same"
    assert set(rows["a"]["first"]) == {"run"}
    assert {kind: len(seconds) for kind, seconds in rows["a"]["seconds"].items()} == {"run": 2, "one": 3, "two": 3}
    assert turns.median(rows["a"], "one") == 1.5
    assert turns.median(rows["b"], "one") == 3.5
    assert 0.005 < rows["a"]["peak"] < 0.1  # a bare Python, whatever its parent has grown to


def test_a_contender_that_fails_leaves_and_the_others_go_on(contender):
    with Field(SETTINGS, [contender("a"), contender("b")]) as field:
        field.rounds(1)
        field.round("missing")
        assert field.rows["a"]["reason"].startswith("AttributeError: ")
        field.rounds(2)
    assert len(field.rows["b"]["seconds"]["run"]) == 1
    assert turns.median(field.rows["b"]) is None  # it cannot answer any more


def test_a_worker_says_why_it_failed(contender):
    told = contender("a")
    with Worker(told.build, {}, threads=1) as worker:
        with pytest.raises(Failed, match=r"^ValueError: no such luck$"):
            worker.ask("fail")
        assert worker.ask("kinds").value["two"] == 2  # it lives on
        with pytest.raises(Failed, match=r"^its process ended with -9: the last words$"):
            worker.ask("die")
    with pytest.raises(Failed, match=r"^nothing is missing$"):
        Worker("nothing:At", {}, threads=1)


def test_medians_are_compared_with_the_faster_peer():
    rows = {
        "Keras": {"seconds": {"run": [4.0, 1.0, 2.0]}},
        "PyTorch, NCHW": {"seconds": {"run": [9.0, 4.0, 8.0]}},
        "PyTorch, channels_last": {"seconds": {"run": [4.0, 4.0, 5.0]}},
        "gone": {"seconds": {"run": [1.0]}, "reason": "it fell"},
    }
    found = turns.compared(rows, "run")
    assert found["reference"] == "PyTorch, channels_last"
    assert [row.get("ratio") for row in found["rows"].values()] == [0.5, 2, 1, None]


def test_groups_are_equal_and_small_enough():
    assert [len(group) for group in forward.grouped(list(range(13)), 5)] == [5, 4, 4]
    assert forward.grouped([1, 2], 9) == [[1, 2]]
    assert forward.grouped([], 9) == [[]]


def test_the_best_matrix_product_counts():
    seconds = {"square": [0.5, 0.25, 9.0], "tall": [1.0, 1.0, 1.0]}
    rows = {"matrix product, torch": {"seconds": seconds}}
    assert forward.matrix_rate(rows, 1) == pytest.approx(max(2 * 27 / 0.5, 2 * 40 / 1))
    assert forward.matrix_rate({}, 1) is None


def test_an_exponent():
    assert cost.exponent([128, 256, 512], [3.0, 12.0, 48.0]) == pytest.approx(2)


def test_a_command_is_stopped_before_it_takes_the_memory():
    greedy = "import time; x = bytearray(300_000_000); time.sleep(60)"
    found = memory.watched([sys.executable, "-c", greedy], most=0.2)
    assert found["seconds"] < 30
    assert found["peak"] > 0.2
    assert found["reason"].startswith("stopped at 0.")
    failed = memory.watched(
        [sys.executable, "-c", "import time; time.sleep(0.3); raise SystemExit('no such image')"], 1
    )
    assert failed["reason"] == "exit code 1: no such image"
    assert "reason" not in memory.watched([sys.executable, "-c", "pass"], 1)


@pytest.fixture
def processor(tmp_path, monkeypatch):
    """A function that says what the processor can do."""

    def has(flags):
        (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nflags\t\t: fpu {flags}\n")
        monkeypatch.setattr(amx, "FLAGS", tmp_path / "cpuinfo")

    return has


def test_bfloat16_is_judged_where_the_processor_has_amx(processor):
    settings = dataclasses.replace(SETTINGS, width=1.0, size=512)
    rows = {"SavedModel": {"ratio": 0.5}, "SavedModel bf16": {"ratio": 0.17}, "OpenVINO int8": {"ratio": 0.07}}
    of_training = {"Keras": {"ratio": 0.6}, training.HALF: {"ratio": 0.3}}
    found = {"forward": {"rows": rows}, "training": {"rows": of_training}}
    processor("avx512f amx_tile amx_bf16")
    judged = {row["what"]: row for row in targets.judge(found, settings)}
    assert judged["SavedModel bf16, with AMX: of SavedModel float32"]["measured"] == pytest.approx(0.34)
    told = ("SavedModel bf16", "OpenVINO bf16", "OpenVINO int8")
    assert [judged[f"{name}, with AMX: of SavedModel float32"]["met"] for name in told] == [True, False, False]
    assert judged["training step, mixed_bfloat16, with AMX: of float32"]["met"] is False
    processor("avx512f avx512_bf16")
    judged = {row["what"]: row for row in targets.judge(found, settings)}
    assert [judged[f"{name}, with AMX: of SavedModel float32"]["met"] for name in told] == [None] * 3
    files = SimpleNamespace(export=None)  # nothing is exported that is not to run
    assert work.prepared(files, work.Export("openvino", precision="bf16")) == (None, amx.NONE)


def test_a_step_in_bfloat16(files):
    contender = steps.KerasSteps(files.net(), [(64, 64)], policy="mixed_bfloat16")
    contender.run()
    kept = contender.model.get_layer("conv1_1")
    assert (kept.compute_dtype, kept.kernel.dtype, contender.model.output.dtype) == ("bfloat16", "float32", "float32")


def test_targets():
    settings = dataclasses.replace(SETTINGS, width=1.0, size=512)
    rows = {"SavedModel": {"ratio": 0.4, "share": 0.8}, "ONNX Runtime int8": {"ratio": 0.2}}
    rows["OpenVINO int8"] = {"ratio": 0.15}
    found = {
        "forward": {"rows": rows},
        "evaluation": {"share": 0.01},
        "sizes": {"stalls": [0.5, 3.0]},
        "memory": {"side": 4096, "command": {"peak": 4.2}, "stages": {"same": 1.0}},
    }
    found["memory"]["served"] = {"above": 700.0, "ratio": 1.3}
    judged = {row["what"]: row for row in targets.judge(found, settings)}
    assert judged["SavedModel: of PyTorch pad 100"]["met"] is True
    assert judged["SavedModel: of the matrix product"]["met"] is False
    assert judged["SavedModel, pad 100: of PyTorch pad 100"]["met"] is False  # not measured: not kept
    assert judged["int8, the faster of two: of PyTorch pad 100"]["measured"] == 0.15
    assert judged["metric update: of the forward pass"]["met"] is True
    assert judged["fcn.predict: stall of a new size, s"]["met"] is False
    assert judged["fcn-predict on 4096x4096: GiB"]["met"] is True  # 4.2 GB are 3.9 GiB
    assert judged["labels that stages change, share"]["met"] is True
    assert judged["SavedModel, a phone's photograph: GiB above idle"]["met"] is True
    assert judged["SavedModel, a phone's photograph: seconds a pixel, of a small image's"]["met"] is False
    lines = {line.split(": ")[0]: line for line in targets.tabulate(list(judged.values())).splitlines()}
    assert lines["metric update"].split()[-3:] == ["0.01", "0.02", "yes"]
    assert all(row["met"] is None for row in targets.judge(found, SETTINGS))


def test_the_input_pipelines_give_batches_of_one_kind(files, tmp_path):
    torch = pytest.importorskip("torch")
    from speed import peer_input
    from speed.drawn import Drawn
    from speed.pipelines import KerasPipeline, TorchPipeline

    folder = tmp_path / "photographs"
    Drawn().photographs(str(folder), count=9, height=40, width=70)
    for pipeline in (KerasPipeline(folder, 2), TorchPipeline(folder, 2)):
        images, labels = next(pipeline.stream())
        assert tuple(images.shape) == (8, 128, 128, 3)
        assert tuple(labels.shape) == (8, 128, 128)
        assert ("float32" in str(images.dtype), "uint8" in str(labels.dtype)) == (True, True)
        np.testing.assert_allclose(images.numpy()[:, 127, 127], [fcn_mean()] * 8, rtol=1e-6)
        assert pipeline.run()["image"] > 0
    # The peer's window against the library's, which the library's own tests hold to a marked pixel.
    from fcn_keras.augment import window

    example = KerasPipeline(folder, 2).examples[0]
    pairs = peer_input.Pairs([], [(128, 128)], 32)
    for down, right in ((5, -7), (-5, 7), (0, 0)):
        ours = window(example, -down, -right, 40, 70)
        ours = window(ours, 0, 0, 128, 128)
        image, label = (torch.from_numpy(example[key]) for key in ("image", "label"))
        theirs = pairs.placed(image, label, down, right, (128, 128))
        np.testing.assert_allclose(ours["image"], theirs[0], rtol=1e-6)
        np.testing.assert_array_equal(ours["label"], theirs[1])


def fcn_mean():
    """The colour that pads an image: VOC's mean, RGB."""
    return [122.67892, 116.66877, 104.00699]


def test_a_bucket_fills_before_it_is_drawn():
    pytest.importorskip("torch")
    from speed.peer_input import Grouped

    buckets = ["wide"] * 5 + ["high"] * 4
    drawn = list(Grouped(buckets, size=3, count=20))
    assert len(drawn) == 20
    assert all(len({buckets[index] for index in batch}) == 1 and len(batch) == 3 for batch in drawn)
    assert {index for batch in drawn for index in batch} == set(range(9))


def test_files_are_written_again_only_if_they_no_longer_match(files, tmp_path):
    other = work.Work(tmp_path, WIDTH, threads=1)
    calls = []

    def write(name="made.txt"):
        calls.append(name)
        (tmp_path / name).write_text("made")
        return {"seconds": 1.0}

    for key in (["one"], ["one"], ["two"]):
        assert other._made("made", ["made.txt"], key, write)["seconds"] == 1
    assert len(calls) == 2
    (tmp_path / "made.txt").unlink()
    other._made("made", ["made.txt"], ["two"], write)
    assert len(calls) == 3


def test_an_export_that_cannot_be_had_says_why():
    def export(wanted):
        if wanted.format == "litert":
            raise Failed("litert is missing")
        return f"/work/{wanted.file}"

    files = SimpleNamespace(export=export)
    assert work.prepared(files, work.Export("onnx", precision="int8")) == ("/work/onnx-same-int8.onnx", None)
    assert work.prepared(files, work.Export("litert", "caffe")) == (None, "litert is missing")


def test_messages(tmp_path, capsys, monkeypatch):
    assert bench.main(["--output", str(tmp_path), "--rounds", "0"]) == 2
    assert capsys.readouterr().err == "bench: --rounds is more than 0. Received: 0.\n"
    monkeypatch.setattr(bench.importlib.util, "find_spec", lambda name: None)
    assert bench.main(["--output", str(tmp_path), "--sections", "evaluation", "training"]) == 2
    expected = "bench: training compares with PyTorch. Install it with: pip install -r benchmarks/requirements.txt\n"
    assert capsys.readouterr().err == expected
    assert list(tmp_path.iterdir()) == []


def test_missed_targets_fail_where_they_are_required(tmp_path, monkeypatch):
    section = SimpleNamespace(
        TITLE="A section",
        NEEDS_TORCH=False,
        measure=lambda *_: {"share": 0.5},
        tabulate=lambda result: "its table",
        draw=lambda axes, result: axes.plot([1, 2]),
    )
    monkeypatch.setattr(bench.importlib, "import_module", lambda name: section)
    options = ["--output", str(tmp_path), "--sections", "evaluation"]
    assert bench.main(options) == 0
    assert bench.main([*options, "--require"]) == 1
    assert "metric update: of the forward pass       0.5     0.02   NO" in (tmp_path / "bench.txt").read_text()
