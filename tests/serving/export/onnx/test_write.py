"""A file whose weights follow the model is the file that holds them."""

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from serving.export.onnx.write import write


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_onnx_reads_what_its_own_writer_would_have_written(dtype, tmp_path):
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    values = [helper.make_tensor_value_info(name, kind, [2, 3]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Sum", ["x", "a", "b"], ["y"])], "net", values[:1], values[1:])
    proto = helper.make_model(graph)
    weights = {"a": np.arange(6, dtype=dtype).reshape(2, 3), "b": np.full((2, 3), 0.5, dtype)}
    write(tmp_path / "net.onnx", proto, weights.items())
    proto.graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in weights.items())
    assert onnx.load(tmp_path / "net.onnx") == proto
    onnx.checker.check_model(str(tmp_path / "net.onnx"), full_check=True)
