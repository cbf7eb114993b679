"""Load a trained model, and the names of its classes."""

from pathlib import Path

from fcn_keras_console.workdir import StageFiles, class_names_in, palette_in


def load_model(path):
    """Load a network of this package for prediction, without its optimizer.

    Raises:
        ValueError: if the file is damaged or hostile, or holds another model than this package's.
    """
    from fcn_keras import keras_files
    from fcn_keras.interface import modality_of

    model = keras_files.load_model(path)
    try:
        modality_of(model)
    except ValueError as error:
        raise ValueError(f"{path}: {error} Build one with fcn_keras.FCN8s, FCN16s, FCN32s or LateFusion.") from error
    return model


def class_names_beside(path, head=""):
    """Return the class names in the `classes.txt` or `classes_HEAD.txt` beside the model at `path`, or None."""
    from fcn_keras.datasets.classes import ClassTable

    listed = StageFiles(Path(path).parent).classes_of(head)
    return class_names_in(listed, lambda file: ClassTable(file).names) if listed.is_file() else None


def class_colors_beside(path, head, classes, own=None):
    """Return the colours of a model's classes, `(K, 3)` uint8.

    Those in `palette.txt` or `palette_HEAD.txt` beside it, which `fcn-train` wrote; else those of its data set; else
    those in a class file beside it; else `fcn_keras.colors.class_colors`.

    Args:
        path: of the model; None where there is none.
        head: the only head of most models is `""`.
        classes: names of the head's classes, or their number if they have no names.
        own: ids by colour of the data set, where it is at hand and has colours.

    Raises:
        ValueError: if a file is wrong.
    """
    import numpy as np

    from fcn_keras.colors import class_colors

    if path is None:
        return class_colors(classes, own)
    files = StageFiles(Path(path).parent)
    if files.palette_of(head).is_file():
        return np.array(palette_in(files.palette_of(head), class_colors(classes).shape[0]), np.uint8)
    return class_colors(classes, own or _own_colors(files, head, classes))


def _own_colors(files, head, classes):
    """Return ids by colour as a class file beside a model says them; none where it is a stage's list of names."""
    from fcn_keras.datasets.classes import ClassTable

    listed = files.classes_of(head)
    if files.settings.is_file() or not listed.is_file():
        return None
    table = ClassTable(listed)
    return table.colors if table.names == classes else None
