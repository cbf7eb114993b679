"""Files of other tools are run as ours are: by the names of their inputs and outputs."""

import os
import zipfile

import numpy as np
import tensorflow as tf

from fcn_keras_console.runtimes import litert_file
from fcn_keras_console.runtimes.litert_file import runner


def test_two_images_and_answers_by_head(tmp_path):
    spec = [
        tf.TensorSpec([None, None, None, 3], dtype, name) for dtype, name in ((tf.uint8, "rgb"), (tf.float32, "hha"))
    ]

    @tf.function(input_signature=spec)
    def function(rgb, hha):
        return {"sem_scores": 2 * tf.cast(rgb, tf.float32), "scores": hha + 1}

    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], tf.Module())
    (tmp_path / "net.tflite").write_bytes(converter.convert())
    with zipfile.ZipFile(tmp_path / "net.tflite", "a") as archive:
        archive.writestr("classes_sem.txt", "sky\nroad\n")
    answer = runner(tmp_path / "net.tflite", threads=1)
    assert answer.inputs == {"rgb": (None, None, None, 3), "hha": (None, None, None, 3)}
    assert set(answer.outputs) == {"sem_scores", "scores"}
    assert answer.classes == {"sem": ("sky", "road")}
    image = np.arange(18).reshape(2, 3, 3)
    first, second = answer({"rgb": image, "hha": image}), answer({"rgb": image[:1], "hha": image[:1]})
    np.testing.assert_array_equal(first["sem"], 2 * image)  # which the second run has not overwritten
    np.testing.assert_array_equal(first[""], image + 1)
    assert second["sem"].shape == (1, 3, 3)


def test_what_the_runtime_announces_is_not_said(tmp_path, capfd, monkeypatch):
    class Announcing:
        def get_signature_runner(self, _):
            os.write(2, b"INFO: Created an interpreter\n")
            return self

        def get_input_details(self):
            return {"image": {"dtype": np.uint8, "shape_signature": np.array([-1, -1, -1, 3])}}

        def get_output_details(self):
            return {"label": {"shape_signature": np.array([-1, -1, -1])}}

        def __call__(self, image):
            os.write(2, b"INFO: Created a delegate\n")
            return {"label": image[..., 0]}

    monkeypatch.setattr(litert_file, "_interpreter", lambda *_: Announcing())
    (tmp_path / "net.tflite").touch()
    answer = runner(tmp_path / "net.tflite")
    assert answer.outputs == {"label": (None, None, None)}
    assert answer.classes == {}
    answer(np.zeros((2, 3, 3)))
    assert capfd.readouterr().err == ""
    os.write(2, b"a word of ours\n")
    assert capfd.readouterr().err == "a word of ours\n"
