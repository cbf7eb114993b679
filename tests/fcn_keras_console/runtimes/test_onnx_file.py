"""Files of other tools are run as ours are: by the names of their inputs and outputs."""

import numpy as np
from onnx import TensorProto, helper, save

from fcn_keras_console.runtimes.onnx_file import runner


def test_an_image_or_two_and_answers_by_head(tmp_path):
    shape = [None, None, None, 3]
    inputs = [helper.make_tensor_value_info(name, TensorProto.UINT8, shape) for name in ("rgb", "hha")]
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("sem_scores", "scores")]
    nodes = [
        helper.make_node("Cast", [x], [y], to=TensorProto.FLOAT) for x, y in (("rgb", "sem_scores"), ("hha", "scores"))
    ]
    model = helper.make_model(
        helper.make_graph(nodes, "net", inputs, outputs), opset_imports=[helper.make_opsetid("", 17)]
    )
    model.ir_version = 8
    helper.set_model_props(model, {"classes": "sky\nroad\ncar", "author": "nobody"})
    save(model, tmp_path / "net.onnx")
    image = np.arange(18).reshape(2, 3, 3)
    for lean in (False, True):
        loaded = runner(tmp_path / "net.onnx", lean=lean)
        assert loaded.inputs == {"rgb": (None, None, None, 3), "hha": (None, None, None, 3)}
        assert list(loaded.outputs) == ["sem_scores", "scores"]
        assert loaded.classes == {"": ("sky", "road", "car")}
        answer = loaded({"rgb": image, "hha": image + 1})
        np.testing.assert_array_equal(answer["sem"], image)
        np.testing.assert_array_equal(answer[""], image + 1)
        assert answer[""].dtype == np.float32
