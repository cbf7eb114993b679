"""Trained models on disk: find and load one, and what `fcn-train` wrote beside it."""

from pathlib import Path

from .stage import Stage, read_json


def find_model(given):
    """Return the `.keras` file that a path means: itself, or the best model of a stage's folder.

    Raises:
        ValueError: if there is none, saying where one may be.
    """
    path = Path(given)
    if path.is_dir():
        best = Stage(path).best
        if best.is_file():
            return best
        stages = sorted(folder.name for folder in path.iterdir() if Stage(folder).best.is_file())
        hint = (
            f"Choose one of its stages: {', '.join(stages)}." if stages else "Name a stage's folder or a .keras file."
        )
        raise ValueError(f"{path} holds no {best.name}. {hint}")
    if not path.exists():
        raise ValueError(f"{path} is missing. Name a .keras file, or the folder of a stage that fcn-train wrote.")
    if path.suffix != ".keras":
        raise ValueError(
            f"{path} is not a .keras file. Turn a .caffemodel into one with fcn-import-weights; "
            "an exported SavedModel is for serving."
        )
    return path


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


def decisions_beside(path):
    """Return what `fcn-train` decided for the model at `path`, or an empty dict if something else wrote it."""
    settings = Stage(Path(path).parent).settings
    return read_json(settings).get("decisions", {}) if settings.is_file() else {}


def class_names_beside(path, head=""):
    """Return the class names in the `classes.txt` or `classes_HEAD.txt` beside the model at `path`, or None."""
    from fcn_keras.datasets.classes import ClassTable

    listed = Stage(Path(path).parent).classes_of(head)
    return ClassTable(listed).names if listed.is_file() else None
