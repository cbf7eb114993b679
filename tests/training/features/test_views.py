"""Views: what is kept is what the frozen layers give, it survives being cut off, and damage is seen."""

import keras
import numpy as np
import pytest

import fcn_keras as fcn
from training.features.cut import cut
from training.features.views import Views, _save

TINY = ((4, 1), (4, 1), (6, 1), (6, 1), (8, 1)), 8


@pytest.fixture(scope="module")
def parts():
    model = fcn.FCN8s(4, channels=TINY)
    for layer in model.layers:
        layer.trainable = not layer.name.startswith(("conv", "upscore"))
    return cut(model)


@pytest.fixture(scope="module")
def examples():
    generator = np.random.default_rng(0)
    sizes = [(40, 50), (64, 32), (40, 50)]
    return [
        {
            "image": generator.integers(0, 256, (*size, 3), np.uint8),
            "label": generator.integers(0, 4, size).astype(np.uint8),
        }
        for size in sizes
    ]


def made(folder, examples, parts, *, mirrored=True, first=0):
    views = Views(folder, len(examples), {"seed": 0}, mirrored=mirrored)
    views.compute(parts.frozen, fcn.batches(examples[first:]), first)
    return views


def test_a_view_and_its_mirror_image(parts, examples, tmp_path):
    views = made(tmp_path / "views", examples, parts)
    assert len(views) == 6
    assert views.complete() == 3
    assert views.sizes() == [(40, 50), (40, 50), (64, 32), (64, 32), (40, 50), (40, 50)]
    for number, example in enumerate(examples):
        for copy, step in enumerate((1, -1)):
            maps, labels = views.read(2 * number + copy, ["pool5", "pool3"])
            np.testing.assert_array_equal(labels[""], example["label"][:, ::step])
            image = example["image"][None, :, ::step].astype("float32")
            exact = parts.frozen(image)
            for ours, name in zip(maps, ("pool5", "pool3"), strict=True):
                assert ours.dtype == np.float16
                np.testing.assert_allclose(ours, exact[name][0], rtol=2**-10, atol=1e-4)


def test_those_to_validate_on_have_no_mirror_images(parts, examples, tmp_path):
    views = made(tmp_path / "views", examples, parts, mirrored=False)
    assert len(views) == views.complete() == 3
    np.testing.assert_array_equal(views.read(1, [])[1][""], examples[1]["label"])


def test_what_is_missing_or_damaged_is_computed_anew(parts, examples, tmp_path):
    views = made(tmp_path / "views", examples, parts)
    whole = [path.read_bytes() for path in sorted(views.folder.glob("*.npz"))]
    damaged = bytearray(whole[3])
    damaged[len(damaged) // 2] ^= 1
    views.path(3).write_bytes(damaged)
    with pytest.raises(ValueError, match=r"000003\.npz is missing or damaged .* Give the same command again"):
        views.read(3, ["pool3", "pool4", "pool5"])
    assert views.complete() == 1
    views.path(1).unlink()
    assert views.complete() == 0
    made(views.folder, examples, parts)
    assert [path.read_bytes() for path in sorted(views.folder.glob("*.npz"))] == whole


def test_the_rest_is_as_if_nothing_had_stopped_it(parts, examples, tmp_path):
    made(tmp_path / "whole", examples, parts)
    part = Views(tmp_path / "part", 3, {"seed": 0}, mirrored=True)
    with pytest.raises(KeyboardInterrupt):
        part.compute(parts.frozen, fcn.batches(examples), progress=stop)
    assert part.complete() == 1
    made(tmp_path / "part", examples, parts, first=1)
    for number in range(6):
        for ours, theirs in zip(
            *(
                keras.tree.flatten(Views(tmp_path / name, 3, {"seed": 0}, mirrored=True).read(number, ["pool4"]))
                for name in ("part", "whole")
            ),
            strict=True,
        ):
            np.testing.assert_array_equal(ours, theirs)


def stop():
    raise KeyboardInterrupt


def test_views_of_another_run_are_removed(parts, examples, tmp_path):
    views = made(tmp_path / "views", examples, parts)
    other = Views(views.folder, 3, {"seed": 1}, mirrored=True)
    assert other.complete() == 0
    assert not views.folder.exists()


def test_maps_beyond_float16_are_its_largest_number(tmp_path):
    views = Views(tmp_path / "views", 1, {}, mirrored=False)
    views.folder.mkdir()
    _save(views.path(0), {"pool3": np.full((1, 1, 2), 1e6, np.float32)}, np.zeros((8, 8), np.uint8))
    assert views.read(0, ["pool3"])[0][0].tolist() == [[[65504.0, 65504.0]]]
