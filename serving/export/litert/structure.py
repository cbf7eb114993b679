"""Look at what a written LiteRT file is made of, in place."""

import numpy as np
from tensorflow.lite.python import schema_py_generated as schema

CONV_2D, DEQUANTIZE = schema.BuiltinOperator.CONV_2D, schema.BuiltinOperator.DEQUANTIZE
DTYPES = {schema.TensorType.FLOAT32: np.float32, schema.TensorType.FLOAT16: np.float16, schema.TensorType.INT8: np.int8}


def check_structure(path, *, integers):
    """Check that a file holds nothing but LiteRT's own operators, rather than what the converter was asked for.

    Args:
        path: of the file.
        integers: whether what operators hand to each other has to be integers.

    Raises:
        ValueError: otherwise.
    """
    model = schema.Model.GetRootAs(np.memmap(path, mode="r"))
    graph = model.Subgraphs(0)
    codes = [model.OperatorCodes(i) for i in range(model.OperatorCodesLength())]
    if foreign := [code.CustomCode().decode() for code in codes if code.CustomCode()]:
        raise ValueError(f"{path.name} needs operators that LiteRT lacks: {foreign}. Nothing was written.")
    operators = [graph.Operators(i) for i in range(graph.OperatorsLength())]
    results = {operator.Outputs(i) for operator in operators for i in range(operator.OutputsLength())}
    within = [graph.Tensors(i) for i in sorted(results - {graph.Outputs(i) for i in range(graph.OutputsLength())})]
    floats = [tensor.Name().decode() for tensor in within if DTYPES.get(tensor.Type(), np.int8) != np.int8]
    if integers and floats:
        raise ValueError(
            f"This network has no int8 form: {floats[0]} stays a float. Nothing was written. Export it as fp16."
        )
