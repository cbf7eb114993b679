"""The colours that a data set's classes have wherever they are painted."""

from fcn_keras.interface import heads_of

from ..workdir.trained_model import class_colors_beside


def colors_of(examples, model=None):
    """Return the colours of the classes by head, `(K, 3)` uint8.

    Args:
        examples: a data set, or label files.
        model: path of the model that labels it, beside which its colours may lie; None where there is none.

    Raises:
        ValueError: if the file beside the model is wrong.
    """
    own = getattr(examples, "colors", None)
    return {
        head: class_colors_beside(model, head, tuple(names), own)
        for head, names in heads_of(examples.class_names).items()
    }
