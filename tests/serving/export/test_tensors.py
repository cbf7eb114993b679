"""Names and types of inputs and outputs."""

import numpy as np

from serving.export.tensors import class_list_name, feeds, head_of, label_dtype, output_name, pixel_dtype


def test_names_by_head():
    assert [output_name(head, "label") for head in ("", "sem", "a_b")] == ["label", "sem_label", "a_b_label"]
    assert [head_of(name) for name in ("label", "sem_label", "a_b_scores")] == ["", "sem", "a_b"]
    assert [class_list_name(head) for head in ("", "sem")] == ["classes", "classes_sem"]


def test_integers_hold_what_they_are_for():
    assert [pixel_dtype(channels) for channels in ([3], [4], [3, 3])] == ["uint8", "uint16", "uint8"]  # depth: to 65 m
    assert [label_dtype(count) for count in (1, 256, 257)] == ["uint8", "uint8", "uint16"]


def test_a_batch_of_one_image():
    image = np.arange(12).reshape(2, 2, 3)
    (batch,) = feeds({"image": np.float32}, image).values()
    assert (batch.shape, batch.dtype) == ((1, 2, 2, 3), np.float32)
    pair = feeds({"rgb": np.uint8, "hha": np.uint8}, {"hha": image + 1, "rgb": image})
    np.testing.assert_array_equal(pair["hha"][0], image + 1)
    np.testing.assert_array_equal(pair["rgb"][0], image)
