"""The files of a served version, and who runs them."""

import os
import subprocess
import sys

import numpy as np
from PIL import Image

from serving.export.saved_model import contents
from serving.export.saved_model.limits import Limits
from serving.server.settings import read_batching
from tests.serving.image_files import encode, picture
from tests.serving.nets import labels_of


def test_the_folder_holds_one_copy_of_the_weights(net, folder):
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert folder.name == "1"
    assert 4 * net.count_params() < size < 4 * net.count_params() + 2_000_000
    assert (folder / "assets" / "classes.txt").read_text().split() == [f"c{i}" for i in range(21)]
    colours = (folder / "assets" / "palette.txt").read_text().splitlines()
    assert (len(colours), colours[:2]) == (21, ["0 153 255", "255 221 0"])  # as docs/labels.md has them
    assert [path.name for path in folder.parent.iterdir()] == ["1"]  # nothing temporary stays
    assert folder.stat().st_mode & 0o777 == 0o777 & ~_umask()


def test_every_stage_is_told_as_it_begins(folder, exported):
    assert exported[1] == [
        "tracing serving_default, 1 of 3",
        "tracing predict_tensors, 2 of 3",
        "tracing predict_scores, 3 of 3",
        "writing the SavedModel",
        "loading it, to compare it with the model",
        "comparing at 24x40, 1 of 3",
        "comparing at 40x24, 2 of 3",
        "comparing at 124x129, 3 of 3",  # in several parts
    ]


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_what_a_scaling_model_decodes_is_named_besides_what_it_scores():
    facts = contents._scale_facts(0.5, Limits(scored=5, reduced=4, decoded=9))
    assert facts == {"scale": 0.5, "max_decoded": 9}


def test_batching_parameters_lie_in_the_version(folder):
    parameters = read_batching(folder / "batching_params.pbtxt")
    assert parameters.max_batch_size == max(parameters.allowed_batch_sizes)


def test_a_session_of_tensorflow_serving_s_kind_answers_where_only_tensorflow_is_imported(net, folder, tmp_path):
    image = picture(37, 53)
    (tmp_path / "image.png").write_bytes(encode(image))
    code = f"""
import sys
import tensorflow as tf
with tf.Graph().as_default(), tf.compat.v1.Session() as session:
    loaded = tf.compat.v1.saved_model.load(session, ["serve"], {str(folder)!r})
    signature = loaded.signature_def["serving_default"]
    fetches = {{name: info.name for name, info in signature.outputs.items()}}
    contents = [open("image.png", "rb").read(), b"no image"]
    answer = session.run(fetches, {{signature.inputs["image_bytes"].name: contents}})
open("label.png", "wb").write(answer["label_png_bytes"][0])
print(answer["status"].tolist(), [name for name in sys.modules if name.startswith(("fcn_keras", "serving"))])
"""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[b'', b'This is not a JPEG, PNG, BMP or WebP file.'] []"
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "label.png")), labels_of(net, image))
