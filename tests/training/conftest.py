"""What the tests of several commands share: nets, images with their labels, and where annotations are read from."""

import pytest

from fcn_keras_console.files import sha256_of
from tests.training.small_run import TINY
from tests.training.tiny import NAMES, data_set, randomize


@pytest.fixture(scope="module")
def eagerly():
    """Run without graphs: of a few batches, tracing is most of the time."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def in_graphs(eagerly):
    """Run one test of those `eagerly` as users do."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(False)
    yield
    tf.config.run_functions_eagerly(True)


@pytest.fixture
def source(tmp_path):
    """Where the tests of `fcn-doctor --import` read annotations from."""
    folder = tmp_path / "annotated"
    folder.mkdir()
    return folder


@pytest.fixture
def out(tmp_path):
    """Where their data set goes."""
    return tmp_path / "photos"


@pytest.fixture(scope="session")
def nets(tmp_path_factory):
    """Untrained nets, saved: `coarse` and `fine` of four classes, `heads` and `other_heads` of two heads.

    The last two score `geo` alike.
    """
    from fcn_keras.models import FCN8s, FCN32s

    folder = tmp_path_factory.mktemp("nets")
    heads = {"sem": 8, "geo": 3}
    models = {
        "coarse": randomize(FCN32s(4, channels=TINY)),
        "fine": randomize(FCN8s(4, channels=TINY)),
        "heads": randomize(FCN32s(heads, channels=TINY)),
        "other_heads": randomize(FCN32s(heads, channels=TINY)),
    }
    kernel = models["other_heads"].get_layer("score_fr_sem").kernel
    kernel.assign(-kernel)
    for name, model in models.items():
        model.save(folder / f"{name}.keras")
    return {name: folder / f"{name}.keras" for name in models}


@pytest.fixture(scope="session")
def four_classes(tmp_path_factory):
    """A data set whose split `val` holds three images, whose truth is of classes 0 to 2 of four."""
    folder = data_set(tmp_path_factory.mktemp("data"), 4, used=3)
    (folder / "classes.txt").write_text("\n".join(NAMES))
    return folder


_MODELS = {}  # by what is in the file


@pytest.fixture(scope="module")
def models_once():
    """Read each net once, however often and from wherever it is loaded: its first prediction takes most of a test.

    Returns:
        function from a path to the model.
    """
    from fcn_keras import keras_files

    load = keras_files.load_model

    def once(path, **options):
        if options:  # to train on
            return load(path, **options)
        key = sha256_of(path)
        if key not in _MODELS:
            _MODELS[key] = load(path)
        return _MODELS[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras_files, "load_model", once)
        yield once


@pytest.fixture
def two_heads(monkeypatch):
    """A recipe `two` that draws scenes with two heads of labels: the name of the recipe."""
    from dataclasses import replace

    from fcn_keras.datasets.synthetic import Synthetic
    from training.recipes import catalogue

    def scenes(directory, split):
        return Synthetic(2, seed=5, height=33, width=40, heads=True)

    monkeypatch.setitem(catalogue.RECIPES, "two", replace(catalogue.SYNTHETIC_FCN8S, name="two", data=scenes))
    return "two"
