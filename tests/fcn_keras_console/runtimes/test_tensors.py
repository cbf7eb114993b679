"""Names of inputs, outputs and lists of classes; batches of one image."""

import numpy as np
import pytest

from fcn_keras_console.runtimes.tensors import (
    class_list_name,
    colors_by_head,
    feeds,
    head_of,
    lists_of,
    names_by_head,
    shape_of,
)


def test_names_by_head():
    assert [head_of(name) for name in ("label", "sem_label", "a_b_scores")] == ["", "sem", "a_b"]
    assert [class_list_name(head) for head in ("", "sem")] == ["classes", "classes_sem"]
    lists = {class_list_name(head): ["sky", head] for head in ("", "a_b")}
    assert names_by_head({**lists, "classesx": [], "palette": []}) == {"": ("sky", ""), "a_b": ("sky", "a_b")}


def test_what_a_file_says_about_its_classes():
    colors = {"": np.array([[1, 2, 3], [255, 0, 9]], np.uint8), "geo": [(7, 7, 7)]}
    lists = lists_of({"": ("sky", "road")}, colors)
    assert lists == {"classes": ["sky", "road"], "palette": ["1 2 3", "255 0 9"], "palette_geo": ["7 7 7"]}
    assert names_by_head(lists) == {"": ("sky", "road")}
    found = colors_by_head(lists)
    assert {head: x.tolist() for head, x in found.items()} == {"": [[1, 2, 3], [255, 0, 9]], "geo": [[7, 7, 7]]}
    assert found[""].dtype == np.uint8
    assert lists_of(None, None) == colors_by_head({"classes": ["1 2 3"]}) == {}
    for line in ("1 2", "1 2 256", "red"):
        with pytest.raises(ValueError, match="palette holds a line that is no colour"):
            colors_by_head({"palette": ["1 2 3", line]})


def test_what_is_free_in_a_shape_is_none():
    assert shape_of(["batch", None, -1, np.int32(3)]) == (None, None, None, 3)


def test_a_batch_of_one_image():
    image = np.arange(12).reshape(2, 2, 3)
    (batch,) = feeds({"image": np.float32}, image).values()
    assert (batch.shape, batch.dtype) == ((1, 2, 2, 3), np.float32)
    pair = feeds({"rgb": np.uint8, "hha": np.uint8}, {"hha": image + 1, "rgb": image})
    np.testing.assert_array_equal(pair["hha"][0], image + 1)
    np.testing.assert_array_equal(pair["rgb"][0], image)
    with pytest.raises(ValueError, match="no image is for input rgb; the images are for hha, image"):
        feeds({"rgb": np.uint8, "hha": np.uint8}, {"hha": image, "image": image})
