"""Mean IU of a model and of a file, against scikit-learn."""

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import jaccard_score

from fcn_keras import inference
from fcn_keras.models import FCN32s, LateFusion
from serving.export.accuracy.validation import open_examples, usual_split, validate
from tests.serving.image_files import picture
from tests.serving.nets import TINY, randomize


@pytest.fixture(scope="module")
def net():
    return randomize(FCN32s(3, channels=TINY))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder of three images, whose masks hold void."""
    folder = tmp_path_factory.mktemp("data")
    for kind in ("images", "labels"):
        (folder / "val" / kind).mkdir(parents=True)
    generator = np.random.default_rng(0)
    for index in range(3):
        Image.fromarray(picture(20, 30, index)).save(folder / "val" / "images" / f"{index}.png")
        mask = generator.choice(np.array([0, 1, 2, 255], np.uint8), (20, 30))
        Image.fromarray(mask).save(folder / "val" / "labels" / f"{index}.png")
    return folder


@pytest.mark.parametrize("kind", ["labels", "scores"])
def test_both_are_scored_on_the_pixels_that_are_not_void(net, data, kind):
    examples = open_examples(net, data, "val")
    done = []

    def answer(image):  # a file that always sees class 1 in the left half
        labels = inference.predict(net, image)
        labels[:, :15] = 1
        return {"": labels if kind == "labels" else np.eye(3, dtype=np.float32)[labels]}

    validation = validate(net, answer, examples, lambda *progress: done.append(progress))
    truth = np.concatenate([examples[index]["label"].ravel() for index in range(3)])
    counted = truth != 255
    for value, label_of in ((validation.model, lambda x: inference.predict(net, x)), (validation.file, answer)):
        labels = [label_of(examples[index]["image"]) for index in range(3)]
        labels = [x[""] if isinstance(x, dict) else x for x in labels]
        labels = np.concatenate([(x.argmax(axis=-1) if x.ndim == 3 else x).ravel() for x in labels])
        assert value == pytest.approx(jaccard_score(truth[counted], labels[counted], average="macro"), abs=1e-6)
    assert validation.images == 3
    assert done == [(1, 3), (2, 3), (3, 3)]


def test_what_cannot_be_validated_is_named(net, data, tmp_path):
    with pytest.raises(ValueError, match=r"a network of several inputs or heads. Leave --validate out"):
        open_examples(LateFusion(3, channels=TINY), data, "val")
    with pytest.raises(ValueError, match=r"data.* has no split 'test'"):
        open_examples(net, data, "test")
    (tmp_path / "classes.txt").write_text("a\nb\nc\n")
    (tmp_path / "val").symlink_to(data / "val")
    with pytest.raises(ValueError, match=r"The model has 4 classes, .* 3. Validate on the classes that"):
        open_examples(FCN32s(4, channels=TINY), tmp_path, "val")
    void = Listed([{"image": picture(20, 30), "label": np.full((20, 30), 255, np.uint8)}])
    with pytest.raises(ValueError, match=r"Every pixel of a folder is void \(255\)"):
        validate(net, lambda image: {"": inference.predict(net, image)}, void)


class Listed(list):
    """Examples in memory, with what `Folder` says of them."""

    num_classes, directory = 3, "a folder"


def test_a_folder_that_is_not_divided_has_no_split(tmp_path):
    (tmp_path / "images").mkdir()
    assert usual_split(tmp_path) is None
    (tmp_path / "train" / "images").mkdir(parents=True)
    assert usual_split(tmp_path) == "val"
