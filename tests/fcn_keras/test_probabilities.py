"""What NumPy makes of probabilities; more cases are in `inference/test_certainty.py`, beside those of tensors."""

import numpy as np

from fcn_keras.probabilities import finish_of_probabilities, most_nats, softmax


def test_by_hand():
    given = np.array([[0.5, 0.25, 0.25], [0.0, 1.0, 0.0]], np.float32)
    np.testing.assert_allclose(finish_of_probabilities("entropy")(given), [1.5 * np.log(2) / np.log(3), 0], rtol=1e-6)
    np.testing.assert_array_equal(finish_of_probabilities("confidence")(given), [0.5, 1])
    np.testing.assert_array_equal(finish_of_probabilities("labels")(given), np.uint8([0, 1]))
    np.testing.assert_allclose(softmax(np.log(np.maximum(given, 1e-30))), given, atol=1e-6)
    assert (most_nats(1), most_nats(2)) == (1.0, np.log(2))
