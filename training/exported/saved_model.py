"""Load a SavedModel of `fcn-export`. It needs TensorFlow."""

from fcn_keras_console.digests import read_sealed
from fcn_keras_console.exported.integrity import RECORD
from fcn_keras_console.runtimes.loaded import Loaded
from fcn_keras_console.runtimes.tensors import colors_by_head, feeds, head_of, names_by_head, shape_of

LABELS, SCORES = "predict_tensors", "predict_scores"
NOT_FINITE = "The scores of this image are not finite: the network's weights are too large for it."


def load(folder):
    """Load a version's folder.

    Returns:
        two `Loaded`, of `predict_tensors`, which looks at photographs as `serving_default` does, and of
        `predict_scores`.

    Raises:
        ValueError: if `fcn-export` did not write it.
    """
    import tensorflow as tf

    try:
        model = tf.saved_model.load(str(folder))
    except (tf.errors.OpError, OSError, ValueError, KeyError) as error:
        raise ValueError(f"{folder} is damaged, or no SavedModel ({str(error).splitlines()[0]}).") from error
    if lacking := [name for name in (LABELS, SCORES) if name not in model.signatures]:
        raise ValueError(
            f"fcn-export did not write {folder}: it has no signature {lacking[0]}. Name one that it wrote."
        )
    lists = {path.stem: path.read_text(encoding="utf-8").splitlines() for path in folder.glob("assets/*.txt")}
    known = names_by_head(lists), colors_by_head(lists)
    return tuple(_loaded(model, name, known) for name in (LABELS, SCORES))


def _loaded(model, name, known):
    import tensorflow as tf

    signature = model.signatures[name]
    inputs = signature.structured_input_signature[1]
    dtypes = {key: spec.dtype.as_numpy_dtype for key, spec in inputs.items()}

    def answer(image):
        given = {key: tf.constant(array) for key, array in feeds(dtypes, image).items()}
        try:
            answers = model.signatures[name](**given)  # not `signature`: the weights live as long as the model
        except tf.errors.InvalidArgumentError as error:
            raise ValueError(_reason(error)) from error
        return {head_of(output): array[0].numpy() for output, array in answers.items()}

    shapes = ({key: shape_of(spec.shape) for key, spec in x.items()} for x in (inputs, signature.structured_outputs))
    return Loaded(answer, *shapes, *known)


def _reason(error):
    """Pick the sentence out of TensorFlow's report: the last line before the node's name."""
    if "not finite" in error.message:
        return NOT_FINITE
    lines = [line.strip() for line in error.message.partition("[[{{")[0].splitlines()]
    return next(filter(None, reversed(lines)), type(error).__name__)


def own_scale(folder):
    """Return at which scale the model looks at photographs, as its `model.json` says, or None.

    Returns:
        as `fcn_keras.photographs.scaled_size` takes it.

    Raises:
        ValueError: if the file is damaged.
    """
    from fcn_keras.photographs import Photographs

    path = folder / RECORD
    scale = read_sealed(path)[0].get("scale") if path.is_file() else None
    return Photographs.from_config(scale) if isinstance(scale, dict) else scale
