"""What is read of a SavedModel, and models that do not fit."""

import shutil

import pytest
import tensorflow as tf

from serving.batch.model import Labels, SavedModel, read_model
from tests.serving.batch.files import NAMES, png, put, save_model


def test_models_that_do_not_fit(tmp_path, two_heads):
    save_model(tmp_path / "rgbd", inputs=("image_bytes", "depth_png_bytes"), names=None)
    with pytest.raises(ValueError, match="rgbd takes depth_png_bytes and image_bytes, and fcn-batch has one file an"):
        read_model(str(tmp_path / "rgbd"))
    tf.saved_model.save(tf.Module(), str(tmp_path / "none"))
    with pytest.raises(ValueError, match="none has not the signatures of a model that fcn-export wrote"):
        read_model(str(tmp_path / "none"))
    put(tmp_path / "damaged", saved_model__pb=b"\xff\xff")
    with pytest.raises(ValueError, match=r"saved_model\.pb is damaged\. Export or copy it again"):
        read_model(str(tmp_path / "damaged"))
    shutil.copytree(two_heads, tmp_path / "heads")
    (tmp_path / "heads" / "assets" / "classes_sem.txt").write_text("one\ntwo\n")
    with pytest.raises(ValueError, match=r"classes_sem\.txt holds one name a class, 3\. Received: 2"):
        read_model(str(tmp_path / "heads"))


def test_the_newest_version_is_taken_with_its_names(model, two_heads):
    description = read_model(str(model))
    assert (description.folder, description.classes) == (f"{model}/2", {"": NAMES})
    assert description == read_model(f"{model}/2")
    assert description.size > (model / "2" / "saved_model.pb").stat().st_size
    assert read_model(str(two_heads)).classes == {head: ["class_0", "class_1", "class_2"] for head in ("geo", "sem")}


def test_a_model_of_other_weights_is_another(tmp_path, two_heads):
    shutil.copytree(two_heads, tmp_path / "copy")
    assert read_model(str(two_heads)).fingerprint == read_model(str(tmp_path / "copy")).fingerprint
    (index,) = (tmp_path / "copy" / "variables").glob("*.index")
    index.write_bytes(index.read_bytes() + b"x")
    assert read_model(str(two_heads)).fingerprint != read_model(str(tmp_path / "copy")).fingerprint


def test_what_was_scaled_is_said(tmp_path):
    model = SavedModel(str(save_model(tmp_path / "1")), [""])
    assert model.label([png([1, 2])])[0].scaled == ""  # of a model that knows no scale
    sizes = {"height": [3000, 5, 0], "width": [4000, 7, 0], "scored_height": [360, 5, 0], "scored_width": [480, 7, 0]}
    outputs = {name: tf.constant(values) for name, values in sizes.items()}
    outputs |= {"label_png_bytes": tf.constant([b"a", b"b", b""]), "status": tf.constant([b"", b"", b"No."])}
    model._answer = lambda image_bytes: outputs
    assert model.label([b""] * 3) == [Labels({"": b"a"}, "scaled 4000x3000 -> 480x360"), Labels({"": b"b"}), "No."]


def test_another_scale_goes_along_with_every_image(model, tmp_path):
    with pytest.raises(ValueError, match="2 takes no --scale: it was exported from a model that knows none"):
        read_model(str(model), "640")
    loaded = SavedModel(str(save_model(tmp_path / "1")), [""])
    loaded._scale, asked = "640", []

    def answer(**inputs):
        asked.append({name: x.numpy().tolist() for name, x in inputs.items()})
        return {"label_png_bytes": tf.constant([b"a", b"b"])}

    loaded._answer = answer
    assert loaded.label([b"x", b"y"]) == [Labels({"": b"a"}), Labels({"": b"b"})]
    assert asked == [{"image_bytes": [b"x", b"y"], "scale": [b"640", b"640"]}]
