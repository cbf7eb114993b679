"""Names of inputs, outputs and lists of classes; batches of one image."""

import numpy as np

from fcn_keras_console.runtimes.tensors import class_list_name, feeds, head_of, names_by_head, shape_of


def test_names_by_head():
    assert [head_of(name) for name in ("label", "sem_label", "a_b_scores")] == ["", "sem", "a_b"]
    assert [class_list_name(head) for head in ("", "sem")] == ["classes", "classes_sem"]
    lists = {class_list_name(head): ["sky", head] for head in ("", "a_b")}
    assert names_by_head({**lists, "classesx": [], "palette": []}) == {"": ("sky", ""), "a_b": ("sky", "a_b")}


def test_what_is_free_in_a_shape_is_none():
    assert shape_of(["batch", None, -1, np.int32(3)]) == (None, None, None, 3)


def test_a_batch_of_one_image():
    image = np.arange(12).reshape(2, 2, 3)
    (batch,) = feeds({"image": np.float32}, image).values()
    assert (batch.shape, batch.dtype) == ((1, 2, 2, 3), np.float32)
    pair = feeds({"rgb": np.uint8, "hha": np.uint8}, {"hha": image + 1, "rgb": image})
    np.testing.assert_array_equal(pair["hha"][0], image + 1)
    np.testing.assert_array_equal(pair["rgb"][0], image)
