"""What a machine says of its processor decides the order of products."""

import keras
import pytest

from fcn_keras.inference import processor


@pytest.mark.parametrize(
    ("flags", "lacks"),
    [("fma avx avx2 ssse3", True), ("avx avx2 avx512f avx512bw amx_tile", False), ("sse4_2 avx", False), ("", False)],
)
def test_avx512_is_told_by_the_flags(flags, lacks, tmp_path, monkeypatch):
    file = tmp_path / "cpuinfo"
    file.write_text(f"processor\t: 0\nmodel name\t: A\nflags\t\t: fpu {flags}\n\nprocessor\t: 1\n")
    monkeypatch.setattr(processor, "_FLAGS", file)
    assert processor.lacks_avx512.__wrapped__() is (lacks and processor.is_processor())


def test_a_machine_that_says_nothing_gets_the_usual_order(tmp_path, monkeypatch):
    monkeypatch.setattr(processor, "_FLAGS", tmp_path / "none")
    assert processor.lacks_avx512.__wrapped__() is False
    assert processor.has_amx.__wrapped__() is False


@pytest.mark.parametrize(("flags", "has"), [("avx512_bf16 amx_tile amx_bf16", True), ("avx512_bf16 amx_int8", False)])
def test_amx_is_told_by_the_flags(flags, has, tmp_path, monkeypatch):
    (tmp_path / "cpuinfo").write_text(f"flags\t\t: fpu {flags}\n")
    monkeypatch.setattr(processor, "_FLAGS", tmp_path / "cpuinfo")
    assert processor.has_amx.__wrapped__() is (has and processor.is_processor())


def test_other_backends_and_gpus_are_no_processor(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    assert processor.is_processor.__wrapped__() is False
    monkeypatch.setattr(keras.backend, "backend", lambda: "tensorflow")
    monkeypatch.setattr(keras.distribution, "list_devices", lambda kind: ["gpu:0"])
    assert processor.is_processor.__wrapped__() is False
