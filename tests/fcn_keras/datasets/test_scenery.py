"""What a canvas promises to `synthetic`; `test_synthetic.py` looks at whole scenes."""

import numpy as np
import pytest

from fcn_keras.datasets.scenery import GROUND, SKY, Canvas

FAR = 10_000.0


@pytest.fixture
def canvas():
    return Canvas(np.random.default_rng(0), 40, 50, horizon=0.4, camera_height=1500.0, far=FAR)


def test_an_empty_canvas_is_ground_below_the_horizon(canvas):
    """A point of the ground `r` rows below the horizon lies at focal length * height / r."""
    rows = np.arange(40) + 0.5 - 16
    expected = np.array([min(40 * 1500 / row, FAR) if row > 0 else FAR for row in rows])
    np.testing.assert_allclose(canvas.depth, np.repeat(expected[:, None], 50, axis=1))
    np.testing.assert_array_equal(canvas.label == GROUND, canvas.depth < FAR)
    assert set(np.unique(canvas.label)) == {SKY, GROUND}
    assert not canvas.instance.any()


@pytest.mark.parametrize("kind", ["crate", "ball", "post", "hoop", "cross"])
def test_objects_are_numbered_and_stand_at_their_distance(canvas, kind):
    canvas.rng = np.random.default_rng(3)
    canvas.wall(8000.0, 2)
    for number in (1, 2):
        canvas.object(kind, 3000.0 - number, 5)
    assert set(np.unique(canvas.instance)) <= {0, 1, 2}
    assert (canvas.depth[canvas.instance == 2] == 2998).all()
    assert (canvas.label[canvas.instance > 0] == 5).all()
    developed = canvas.developed()
    assert developed.shape == (40, 50, 3)
    assert developed.dtype == np.uint8
