"""Images that a model does not take are named."""

import keras
import numpy as np
import pytest

from fcn_keras.inference import predict
from fcn_keras.models import FCN32s, LateFusion
from tests.fcn_keras.inference.small_nets import NARROW, picture


@pytest.fixture(scope="module")
def net():
    return FCN32s(21, channels=NARROW)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((5, 7), "uint8"), r"Received shape \(5, 7\). Repeat a grey image 3 times"),
        (np.zeros((1, 5, 7, 3), "uint8"), "one image at a time"),
        (np.zeros((5, 7, 4), "uint8"), r"Drop the alpha channel: image\[..., :3\]"),
        (np.zeros((3, 5, 7), "uint8"), "Channels come last"),
        (np.zeros((0, 7, 3), "uint8"), "at least 1x1"),
        (np.zeros((5, 7, 3), "bool"), "Received dtype bool. Convert it to uint8"),
        (np.full((5, 7, 3), 0.5), "must hold 0-255. Received float64 from 0.5 to 0.5. Multiply by 255"),
        (np.full((5, 7, 3), -20.5, "float32"), "the model subtracts the mean itself"),
        (np.full((5, 7, 3), np.nan, "float32"), "must hold 0-255. Received float32 from nan"),
        (np.full((5, 7, 3), 256, "uint16"), "must hold 0-255. Received uint16 from 256 to 256"),
        ({"rgb": np.zeros((5, 7, 3), "uint8")}, r"takes one image. Received a dict with keys \['rgb'\]"),
    ],
)
def test_wrong_images_are_named(net, image, message):
    with pytest.raises(ValueError, match=message):
        predict(net, image)


def test_wrong_dicts_outputs_and_models_are_named(net):
    late = LateFusion(4, channels=NARROW)
    with pytest.raises(ValueError, match=r"keys \['hha', 'rgb'\]. Received: ndarray"):
        predict(late, picture(5, 5))
    with pytest.raises(ValueError, match=r"keys \['hha', 'rgb'\]. Received: \['rgb'\]"):
        predict(late, {"rgb": picture(5, 5)})
    with pytest.raises(ValueError, match=r"one height and width.*'hha': \(5, 6\)"):
        predict(late, {"rgb": picture(5, 5), "hha": picture(5, 6)})
    with pytest.raises(ValueError, match=r"`output` is one of .* Received: 'logits'"):
        predict(net, picture(5, 5), output="logits")
    with pytest.raises(ValueError, match="must be a functional model"):
        predict(keras.Sequential(), picture(5, 5))
