"""Keras's own export of a network to LiteRT, without this project's."""

import keras
import numpy as np
from ai_edge_litert.interpreter import Interpreter

from fcn_keras import inference
from fcn_keras.models import FCN32s
from tests.serving.nets import TINY, randomize


def test_keras_converts_a_network_to_built_in_operators(tmp_path):
    keras.utils.set_random_seed(0)
    net = randomize(FCN32s(3, channels=TINY))
    net.export(str(tmp_path / "net.tflite"), format="litert", verbose=False)
    loaded = Interpreter(str(tmp_path / "net.tflite"), num_threads=1)
    assert not [step["op_name"] for step in loaded._get_ops_details() if step["op_name"].startswith("Flex")]
    image = np.random.default_rng(0).integers(0, 256, (1, 45, 67, 3)).astype("float32")
    place = loaded.get_input_details()[0]["index"]
    loaded.resize_tensor_input(place, image.shape)
    loaded.allocate_tensors()
    loaded.set_tensor(place, image)
    loaded.invoke()
    scores = loaded.get_tensor(loaded.get_output_details()[0]["index"])
    expected = inference.predict(net, image[0], output="scores")
    np.testing.assert_allclose(scores[0], expected, rtol=0, atol=1e-5 * np.abs(expected).max())
