"""Networks of one layer in the formats of other runtimes, laid out as `fcn-export` lays them out, at once."""

import numpy as np

NAMES = ("sky", "road", "car", "tree")
KERNEL = np.random.default_rng(0).normal(0, 1, (3, 4)).astype(np.float32)  # RGB to the scores of four classes


def scores_of(image):
    """Score pixels as the networks do, in NumPy."""
    return image.astype(np.float32) @ KERNEL + np.array([200, 0, 100, 50], np.float32)


def onnx_file(path, *, labels=False, names=NAMES, classes=4, heads=("",), inputs=("image",), palette=None):
    """Write an ONNX file. Each further head scores the classes in another order; a second input is added."""
    from onnx import TensorProto, helper, numpy_helper, save

    kind = TensorProto.UINT8 if labels else TensorProto.FLOAT
    given = [helper.make_tensor_value_info(name, kind, ["N", "H", "W", 3]) for name in inputs]
    nodes = [helper.make_node("Cast", [name], [f"{name}_f"], to=TensorProto.FLOAT) for name in inputs]
    summed = "summed"
    nodes.append(helper.make_node("Sum", [f"{name}_f" for name in inputs], [summed]))
    weights, outputs = [], []
    bias = np.array([200, 0, 100, 50], np.float32)
    for number, head in enumerate(heads):
        name = f"{head}_" if head else ""
        for key, array in (("kernel", KERNEL), ("bias", bias)):
            weights.append(numpy_helper.from_array(np.roll(array, number, -1)[..., :classes], f"{name}{key}"))
        nodes += [
            helper.make_node("MatMul", [summed, f"{name}kernel"], [f"{name}mapped"]),
            helper.make_node("Add", [f"{name}mapped", f"{name}bias"], [f"{name}scores"]),
            helper.make_node("ArgMax", [f"{name}scores"], [f"{name}best"], axis=-1, keepdims=0),
            helper.make_node("Cast", [f"{name}best"], [f"{name}label"], to=TensorProto.UINT8),
        ]
        shapes = {
            "label": (TensorProto.UINT8, ["N", "H", "W"]),
            "scores": (TensorProto.FLOAT, ["N", "H", "W", classes]),
        }
        answer = "label" if labels else "scores"
        outputs.append(helper.make_tensor_value_info(name + answer, *shapes[answer]))
        nodes = nodes if labels else nodes[:-2]
    graph = helper.make_graph(nodes, "net", given, outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    if names:
        helper.set_model_props(model, {"classes": "\n".join(names)} | ({"palette": palette} if palette else {}))
    path.parent.mkdir(parents=True, exist_ok=True)
    save(model, path)
    return path
