import numpy as np
import pytest

from fcn_keras.examples import as_arrays, flatten, kind, nest, signature

IMAGE, LABEL = np.zeros((2, 3, 3), np.uint8), np.ones((2, 3), np.uint8)


def test_heads_have_flat_names_and_come_back():
    example = {"image": IMAGE, "label": {"sem": LABEL, "geo": LABEL + 1}, "file_name": "a.png"}
    flat = flatten(example)
    assert list(flat) == ["image", "label/sem", "label/geo"]
    assert [kind(name) for name in flat] == ["image", "label", "label"]
    nested = nest(flat)
    assert nested["image"] is IMAGE
    assert nested["label"]["geo"] is example["label"]["geo"]
    assert nest({"image": IMAGE}) == {"image": IMAGE}


def test_only_what_the_modality_needs_is_read():
    flat = {"image": IMAGE, "depth": LABEL.astype(np.uint16), "label": LABEL.astype(np.int64)}
    assert signature(flat, "rgb", all_keys=False) == {"image": np.uint8, "label": np.int32}
    assert signature(flat, "rgbd", all_keys=False) == {"image": np.uint8, "depth": np.float32, "label": np.int32}
    assert signature(flat, "rgb", all_keys=True).keys() == flat.keys()
    with pytest.raises(ValueError, match=r"modality='hha' needs 'hha', 'label' .* This data set has: 'depth', 'image'"):
        signature(flat, "hha", all_keys=False)


@pytest.mark.parametrize(
    ("example", "message"),
    [
        ({"image": IMAGE}, r"Example 4 lacks \['label'\]"),
        (
            {"image": IMAGE[..., :2], "label": LABEL},
            r"`image` must be \(H, W, 3\), not empty. Received: shape \(2, 3, 2",
        ),
        ({"image": IMAGE, "label": LABEL[:1]}, "The pixel maps of example 4 must have one size"),
        ({"image": IMAGE, "label": LABEL * 300.5}, "`label` of example 4 has values that do not fit uint8"),
    ],
)
def test_examples_unlike_the_first_one(example, message):
    with pytest.raises(ValueError, match=message):
        as_arrays(example, {"image": np.uint8, "label": np.uint8}, 4)


def test_a_last_axis_of_one_is_dropped_and_whole_numbers_fit():
    image, label = as_arrays(
        {"image": IMAGE, "label": LABEL[..., None] * 2.0}, {"image": np.uint8, "label": np.uint8}, 0
    )
    assert image is IMAGE
    assert label.dtype == np.uint8
    assert label.tolist() == [[2, 2, 2]] * 2
