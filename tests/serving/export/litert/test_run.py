"""Files of other tools are run as ours are: by the names of their inputs and outputs."""

import numpy as np
import tensorflow as tf

from serving.export.litert.run import runner


def test_two_images_and_answers_by_head(tmp_path):
    spec = [
        tf.TensorSpec([None, None, None, 3], dtype, name) for dtype, name in ((tf.uint8, "rgb"), (tf.float32, "hha"))
    ]

    @tf.function(input_signature=spec)
    def function(rgb, hha):
        return {"sem_scores": 2 * tf.cast(rgb, tf.float32), "scores": hha + 1}

    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], tf.Module())
    (tmp_path / "net.tflite").write_bytes(converter.convert())
    answer = runner(tmp_path / "net.tflite", threads=1)
    image = np.arange(18).reshape(2, 3, 3)
    first, second = answer({"rgb": image, "hha": image}), answer({"rgb": image[:1], "hha": image[:1]})
    np.testing.assert_array_equal(first["sem"], 2 * image)  # which the second run has not overwritten
    np.testing.assert_array_equal(first[""], image + 1)
    assert second["sem"].shape == (1, 3, 3)
