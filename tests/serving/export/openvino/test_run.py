"""OpenVINO's files are run by the names of their inputs and outputs, in float32."""

import numpy as np

from serving.export.openvino.quiet_import import load_openvino
from serving.export.openvino.run import runner

openvino = load_openvino()


def test_a_file_answers_by_head(tmp_path):
    from openvino import opset13 as ops

    image = ops.parameter([-1, -1, -1, 3], np.uint8, name="image")
    image.output(0).set_names({"image"})
    scores = ops.multiply(ops.convert(image, "f32"), ops.constant(np.float32(1 + 2**-12)))  # 13 bits, not bfloat16's 8
    scores.output(0).set_names({"sem_scores"})
    openvino.save_model(openvino.Model([scores], [image]), tmp_path / "net.xml", compress_to_fp16=False)
    pixels = np.arange(18).reshape(2, 3, 3)
    answer = runner(tmp_path / "net.xml")(pixels)
    assert list(answer) == ["sem"]
    np.testing.assert_array_equal(answer["sem"], pixels.astype(np.float32) * np.float32(1 + 2**-12))
