"""Names and types of inputs and outputs."""

from serving.export.tensors import label_dtype, output_name, pixel_dtype


def test_names_by_head():
    assert [output_name(head, "label") for head in ("", "sem", "a_b")] == ["label", "sem_label", "a_b_label"]


def test_integers_hold_what_they_are_for():
    assert [pixel_dtype(channels) for channels in ([3], [4], [3, 3])] == ["uint8", "uint16", "uint8"]  # depth: to 65 m
    assert [label_dtype(count) for count in (1, 256, 257)] == ["uint8", "uint8", "uint16"]
