"""See what a written LiteRT file is made of, rather than what the converter was asked for."""

import mmap


def check_structure(path, *, integers):
    """Check that a file holds one graph of LiteRT's own operators.

    Args:
        path: of the file, which is read in place.
        integers: whether every tensor but the inputs and outputs has to hold integers.

    Raises:
        ValueError: otherwise.
    """
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        foreign, floats = _survey(content)
    if foreign:
        raise ValueError(f"{path.name} needs operators that LiteRT lacks: {foreign}. Nothing was written.")
    if integers and floats:
        raise ValueError(
            f"This network has no int8 form: {floats[0]} stays a float. Nothing was written. Export it as fp16."
        )


def _survey(content):
    """Return the names of operators that are not LiteRT's own, and those of float tensors within the graph."""
    from tensorflow.lite.python import schema_py_generated as schema

    model = schema.Model.GetRootAs(content)
    codes = [model.OperatorCodes(i) for i in range(model.OperatorCodesLength())]
    foreign = sorted(code.CustomCode().decode() for code in codes if code.CustomCode())
    graph = model.Subgraphs(0)
    ends = {graph.Inputs(i) for i in range(graph.InputsLength())}
    ends |= {graph.Outputs(i) for i in range(graph.OutputsLength())}
    within = (graph.Tensors(i) for i in range(graph.TensorsLength()) if i not in ends)
    kinds = (schema.TensorType.FLOAT32, schema.TensorType.FLOAT16)
    floats = sorted(tensor.Name().decode() for tensor in within if tensor.Type() in kinds)
    return foreign, floats
