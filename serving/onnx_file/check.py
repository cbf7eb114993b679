"""Run a written ONNX file beside the model that it was made of."""

import numpy as np

from ..saved_model.warmup import drawn

SIZES = ((97, 131), (64, 96))  # off the network's grid and on it
LARGEST_ERROR = 1e-4  # of the largest score
LEAST_AGREEMENT = 0.999  # of labels: two scores that nearly tie may change places


def check(path, model, *, labels):
    """Check the file's structure, and its answers on drawn images.

    Args:
        path: of the file.
        model: the Keras model.
        labels: whether the file answers labels, or scores.

    Returns:
        The largest error of a score, as a share of the largest score; or the share of pixels with the same label.

    Raises:
        ValueError: if the file does not answer as the model does.
    """
    import onnx
    import onnxruntime

    onnx.checker.check_model(str(path))
    options = onnxruntime.SessionOptions()
    # What makes it fast also copies the weights, twice over.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.add_session_config_entry("session.disable_prepacking", "1")
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    worst = [_compare(session, model, size, labels) for size in SIZES]
    figure = min(worst) if labels else max(worst)
    if labels and figure < LEAST_AGREEMENT:
        wrong = f"labels of which {100 * figure:.2f} % agree; {100 * LEAST_AGREEMENT:g} % have to"
    elif not labels and figure > LARGEST_ERROR:
        wrong = f"scores that are off by {figure:.1e} of the largest; {LARGEST_ERROR:g} is allowed"
    else:
        return figure
    raise ValueError(f"{path.name} gives {wrong}. Nothing was written. Please report this.")


def _compare(session, model, size, labels):
    import fcn_keras as fcn

    images = {value.name: drawn(*size, value.shape[-1]) for value in session.get_inputs()}
    types = {"tensor(uint8)": np.uint8, "tensor(uint16)": np.uint16, "tensor(float)": np.float32}
    feeds = {value.name: images[value.name][None].astype(types[value.type]) for value in session.get_inputs()}
    names = [value.name for value in session.get_outputs()]
    answers = dict(zip(names, session.run(names, feeds), strict=True))
    kind = "label" if labels else "scores"
    expected = fcn.predict(
        model, images if len(images) > 1 else images["image"], output="labels" if labels else "scores"
    )
    expected = expected if isinstance(expected, dict) else {"": expected}
    pairs = [(answers[f"{head}_{kind}".lstrip("_")][0], theirs) for head, theirs in expected.items()]
    if labels:
        return min(float(np.mean(ours == theirs)) for ours, theirs in pairs)
    return max(float(np.abs(ours - theirs).max() / np.abs(theirs).max()) for ours, theirs in pairs)
