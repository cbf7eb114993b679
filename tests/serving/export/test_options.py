"""Options that do not go together, before anything is read."""

import pytest

from serving.export.options import build_parser, check, share


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("net.onnx --format onnx --model-version 2", "--model-version does not go with --format onnx"),
        ("net.onnx --format onnx --extra color", "--extra does not go with --format onnx"),
        ("net.onnx", "net.onnx is a file's name, and a SavedModel is a folder. Add --format onnx."),
        ("served --labels", "--labels does not go with --format savedmodel"),
        ("served --format onnx", r"name of a file for --format onnx ends in \.onnx\. Received: served"),
        ("net.xml --format litert", r"ends in \.tflite\. Received: net\.xml"),
        ("net.onnx --format openvino", r"ends in \.xml\. Received: net\.onnx"),
        ("served --precision int8", r"A SavedModel computes in float32 or bfloat16\. Received: --precision int8"),
        ("served --least-agreement 0.9", "--least-agreement does not go with --format savedmodel"),
        ("net.onnx --format onnx --precision bf16", "ONNX Runtime has no convolution of bfloat16 for processors. Take"),
        ("net.tflite --format litert --precision bf16", "LiteRT has no convolution of bfloat16. Take --format saved"),
        ("net.onnx --format onnx --precision int8", "int8 needs images to calibrate on: --calibrate DIR"),
        ("net.onnx --format onnx --calibrate .", "--calibrate goes with --precision int8"),
        ("net.onnx --format onnx --any-images", "--any-images goes with --precision int8"),
        ("net.xml --format openvino --fewer-multiplications", "--fewer-multiplications goes with --format onnx and"),
        ("served --fewer-multiplications", "--fewer-multiplications does not go with --format savedmodel"),
        ("net.onnx --format onnx --split val", "--split says how to read the folder of --validate"),
        ("net.onnx --format onnx --ignore-label 0", "--ignore-label says how to read the folder of --validate"),
    ],
)
def test_what_does_not_go_together(arguments, message):
    with pytest.raises(ValueError, match=message):
        check(build_parser().parse_args(["net.keras", *arguments.split()]))


def test_what_goes_together(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in ("photos", "data/images", "data/labels"):
        (tmp_path / folder).mkdir(parents=True)
    int8 = "net.xml --format openvino --precision int8 --calibrate photos --validate data --split test"
    bfloat16 = ("served --precision bf16 --least-agreement 0.9", "net.xml --format openvino --precision bf16")
    less = "net.onnx --format onnx --precision fp16 --fewer-multiplications"
    for arguments in (less, "served --extra color --size 9x9", int8, "net.tflite --format litert --labels", *bfloat16):
        check(build_parser().parse_args(["net.keras", *arguments.split()]))


def test_a_share():
    assert share("--least-agreement", None) is None
    assert share("--least-agreement", "0.97") == 0.97
    for text in ("99", "-0.1", "x", "nan"):
        with pytest.raises(ValueError, match=f"--least-agreement is a share from 0 to 1. Received: {text}"):
            share("--least-agreement", text)
