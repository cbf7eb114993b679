"""A loaded file is a function of an image."""

from fcn_keras_console.runtimes.loaded import Loaded


def test_it_is_called_as_its_function_is():
    loaded = Loaded(lambda image: {"": image + 1}, {"image": (None, None, None, 3)}, {"label": (None, None, None)})
    assert loaded(1) == {"": 2}
    assert loaded.classes == {}
