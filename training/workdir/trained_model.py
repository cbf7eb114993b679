"""Load a trained model, and the names of its classes."""

from pathlib import Path

from fcn_keras_console.workdir import StageFiles, class_names_in


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
