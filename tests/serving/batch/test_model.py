"""What is read of a SavedModel, and models that do not fit."""

import shutil

import pytest
import tensorflow as tf

from fcn_keras_console.digests import DamagedError
from serving.batch.model import Labels, SavedModel, read_model
from tests.serving.batch.files import NAMES, png, put, save_model, sealed


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
    sealed(tmp_path / "heads")
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
    sealed(tmp_path / "copy")
    assert read_model(str(two_heads)).fingerprint != read_model(str(tmp_path / "copy")).fingerprint


def flip(path):
    """Change the least bit in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("where", ["", "room:/"])
@pytest.mark.parametrize("name", ["saved_model.pb", "variables/variables.data-00000-of-00001", "model.json"])
def test_a_damaged_model_is_told_before_it_is_loaded(tmp_path, two_heads, name, where):
    shutil.copytree(two_heads, tmp_path / "heads")
    flip(tmp_path / "heads" / name)
    with pytest.raises(DamagedError, match=f"^{where}{tmp_path}/heads/{name} "):
        read_model(f"{where}{tmp_path}/heads")
    (tmp_path / "heads" / name).unlink()
    if name != "model.json":
        with pytest.raises(ValueError, match=f"{name} is not what was exported: it is missing|holds no SavedModel"):
            read_model(f"{where}{tmp_path}/heads")


def test_batching_of_a_server_is_the_operator_s(tmp_path, two_heads):
    shutil.copytree(two_heads, tmp_path / "heads")
    put(tmp_path / "heads", batching_params__pbtxt=b"max_batch_size { value: 8 }")
    sealed(tmp_path / "heads")
    put(tmp_path / "heads", batching_params__pbtxt=b"max_batch_size { value: 4 }")
    assert read_model(str(tmp_path / "heads")).fingerprint == read_model(str(two_heads)).fingerprint


@pytest.mark.parametrize("where", ["", "room:/"])
def test_a_worker_loads_what_the_command_read(tmp_path, two_heads, where, caplog):
    """Also of a model without digests, as exports had none before."""
    shutil.copytree(two_heads, tmp_path / "heads")
    (tmp_path / "heads" / "model.json").unlink()
    model = read_model(f"{where}{tmp_path}/heads")
    assert model.fingerprint == read_model(str(two_heads)).fingerprint
    assert [record.getMessage() for record in caplog.records] == [
        f"{where}{tmp_path}/heads has no digests of its files: damage would not be noticed. Export it again to get them"
    ]
    labels = SavedModel(model.folder, ["geo", "sem"], model.digests).label([png([1, 2])])
    assert labels[0].pngs.keys() == {"geo", "sem"}
    save_model(tmp_path / "heads", heads=("sem", "geo"), names=None, bias=1)  # over it
    with pytest.raises(DamagedError, match=r"saved_model\.pb is not what was exported"):
        SavedModel(model.folder, ["geo", "sem"], model.digests)


def test_what_was_scaled_is_said(tmp_path):
    model = SavedModel(str(save_model(tmp_path / "1")), [""], {})
    assert model.label([png([1, 2])])[0].scaled == ""  # of a model that knows no scale
    sizes = {"height": [3000, 5, 0], "width": [4000, 7, 0], "scored_height": [360, 5, 0], "scored_width": [480, 7, 0]}
    outputs = {name: tf.constant(values) for name, values in sizes.items()}
    outputs |= {"label_png_bytes": tf.constant([b"a", b"b", b""]), "status": tf.constant([b"", b"", b"No."])}
    model._answer = lambda image_bytes: outputs
    assert model.label([b""] * 3) == [Labels({"": b"a"}, "scaled 4000x3000 -> 480x360"), Labels({"": b"b"}), "No."]


def test_another_scale_goes_along_with_every_image(model, tmp_path):
    with pytest.raises(ValueError, match="2 takes no --scale: it was exported from a model that knows none"):
        read_model(str(model), "640")
    loaded = SavedModel(str(save_model(tmp_path / "1")), [""], {})
    loaded._scale, asked = "640", []

    def answer(**inputs):
        asked.append({name: x.numpy().tolist() for name, x in inputs.items()})
        return {"label_png_bytes": tf.constant([b"a", b"b"])}

    loaded._answer = answer
    assert loaded.label([b"x", b"y"]) == [Labels({"": b"a"}), Labels({"": b"b"})]
    assert asked == [{"image_bytes": [b"x", b"y"], "scale": [b"640", b"640"]}]
