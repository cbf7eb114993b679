import numpy as np
import pytest
from scipy.ndimage import maximum_filter, minimum_filter

from fcn_keras.datasets.synthetic import SEM, Synthetic
from fcn_keras.hha import NYUD_CAMERA, NYUD_CAMERA_CROPPED, UNKNOWN, _gravity, _normals, hha, quantities

SIZE = 480, 640
CAMERA = np.array([[520.0, 0, 313.3], [0, 524.0, 248.5], [0, 0, 1]])
DOWN, AHEAD, RIGHT = np.eye(3)[[1, 2, 0]]


def turned(pitch, roll):
    """Rotation from the world's frame to that of a camera pitched and rolled by degrees."""
    pitch, roll = np.radians([pitch, roll])
    about_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    about_z = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    return about_x @ about_z


def rays(size=SIZE, camera=CAMERA):
    """`(3, H, W)` points at depth 1."""
    y, x = np.mgrid[: size[0], : size[1]]
    return np.einsum("ij,jhw->ihw", np.linalg.inv(camera), np.stack([x, y, np.ones(size)]))


def rendered(planes):
    """Depth of the nearest of planes `normal . point = distance`, and which one it is."""
    with np.errstate(divide="ignore"):
        depths = np.stack([distance / np.einsum("i,ihw->hw", normal, rays()) for normal, distance in planes])
    depths[depths <= 0] = np.inf
    return depths.min(0), depths.argmin(0)


def inner(surface, radius=3):
    """Where the windows that the angle comes from touch one surface only."""
    return minimum_filter(surface, 2 * radius + 1) == maximum_filter(surface, 2 * radius + 1)


@pytest.mark.parametrize(("pitch", "roll"), [(12, 0), (20, 10), (25, -15), (30, 4)])
def test_a_room_seen_by_a_tilted_camera(pitch, roll):
    turn = turned(pitch, roll)
    slope = np.array([0, np.cos(np.radians(30)), np.sin(np.radians(30))])  # a ramp that rises ahead
    planes = [(DOWN, 1_400), (AHEAD, 3_500), (RIGHT, 1_300), (-RIGHT, 1_500), (slope, 2_550)]
    depth, surface = rendered([(turn @ normal, distance) for normal, distance in planes])
    assert np.bincount(surface.ravel(), minlength=5).min() > 5_000
    got, gravity = quantities(depth, CAMERA), turn @ DOWN
    assert np.degrees(np.arccos(min(1, got.gravity @ gravity))) < 0.5
    assert np.abs(got.disparity - 1_000 / depth).max() < 1e-12
    above = 1.4 - np.einsum("i,ihw->hw", gravity, rays() * depth) / 1_000  # metres above the floor
    assert np.abs(got.height - (above - above.min())).max() < 0.01
    expected = np.array([0, 90, 90, 90, 30])[surface]
    assert np.abs(got.angle - expected)[inner(surface)].max() < 1


def test_a_ceiling_faces_away_from_gravity():
    depth, surface = rendered([(DOWN, 1_200), (-DOWN, 1_000), (AHEAD, 3_000)])
    got = quantities(depth, CAMERA)
    safe = inner(surface)
    assert np.abs(got.angle - np.array([0, 180, 90])[surface])[safe].max() < 1
    assert np.abs(got.height[surface == 1] - 2.2).max() < 0.01


@pytest.mark.parametrize("yaw", [0, 20, -40])
def test_of_a_wall_alone_gravity_is_where_it_was_taken_to_be(yaw):
    facing = np.array([np.sin(np.radians(yaw)), 0, np.cos(np.radians(yaw))])
    depth, _ = rendered([(facing, 2_000)])
    np.testing.assert_allclose(quantities(depth, CAMERA).gravity, [0, 1, 0], rtol=0, atol=1e-6)


def test_bytes_of_known_quantities():
    # A wall 2 m ahead. Row 248.5 looks level, and row 0 sees 248.5 / 524 * 200 cm above it.
    image = hha(np.full(SIZE, 2_000, np.uint16), CAMERA)
    assert image.shape == (*SIZE, 3)
    assert image.dtype == np.uint8
    assert np.all(image[..., 0] == 155)  # 31000 / 200
    assert np.all(image[..., 2] == 128)  # 90 + 128 - 90
    # The lowest point is (479 - 248.5) / 524 * 2 m = 0.88 m below the camera: too near for a floor, so 1.3 m.
    assert image[0, 0, 1] == round(130 + 248.5 / 524 * 200)
    assert image[479, 639, 1] == round(130 - 230.5 / 524 * 200)
    # Twice as far, the wall's foot is 1.76 m below, and that is the floor.
    assert hha(np.full(SIZE, 4_000), CAMERA)[479, 0].tolist() == [78, 0, 128]  # 77.5 rounds to even
    assert hha(np.full(SIZE, 4_000), CAMERA)[248, 5, 1] == round(231 / 524 * 400)
    assert np.all(hha(np.full(SIZE, 700), CAMERA)[..., 0] == 255)  # at least 1 m: 310, cut off
    assert hha(np.full(SIZE, 4_000), CAMERA)[0, 0, 1] == 255  # 366 cm above the foot


def fitted_by_hand(disparity, fitted, camera, radius, y, x):
    window = (
        slice(max(y - radius, 0), y + radius + 1),
        slice(max(x - radius, 0), x + radius + 1),
    )
    points = rays(disparity.shape, camera)[(slice(None), *window)][:, fitted[window]]
    if not points.size or np.linalg.matrix_rank(points) < 3:
        return np.full(3, np.nan)
    normal = np.linalg.lstsq(points.T, disparity[window][fitted[window]], rcond=None)[0]
    return normal / np.linalg.norm(normal) * np.sign(normal @ rays(disparity.shape, camera)[:, y, x])


@pytest.mark.parametrize(
    ("size", "radius", "step"), [((13, 17), 3, 1), ((9, 6), 10, 4), ((5, 31), 2, 3), ((1, 8), 3, 1)]
)
def test_normals_are_least_squares_planes(size, radius, step):
    rng = np.random.default_rng(7)
    camera = np.array([[20.0, 0.3, 8.1], [0, 23.0, 5.7], [0, 0, 1]])
    disparity, fitted = rng.uniform(2e-4, 1e-3, size), rng.random(size) < 0.5
    fitted[:, : size[1] // 3] &= rng.random((size[0], size[1] // 3)) < 0.1
    got, _ = _normals(np.where(fitted, disparity, np.nan), fitted, camera, radius, step)
    rows, columns = range(0, size[0], step), range(0, size[1], step)
    expected = [[fitted_by_hand(disparity, fitted, camera, radius, y, x) for x in columns] for y in rows]
    np.testing.assert_allclose(got, np.moveaxis(expected, -1, 0), atol=1e-6)
    assert np.isnan(got).any() == (size != (9, 6))


def test_gravity_goes_along_floors_and_across_walls():
    def found(*normals, rough=None):
        normals = np.stack(normals, 1)
        return _gravity(normals, np.zeros(normals.shape[1]) if rough is None else np.array(rough))

    tilt = turned(8, -3)
    gravity, ahead, right = tilt @ DOWN, tilt @ AHEAD, tilt @ RIGHT
    np.testing.assert_allclose(found(-gravity, ahead, right, -right, gravity), gravity, atol=1e-12)
    # Two walls are enough, and a floor alone is.
    np.testing.assert_allclose(found(ahead, ahead, right), gravity, atol=1e-12)
    np.testing.assert_allclose(found(-gravity), gravity, atol=1e-12)
    # A floor tilted by up to 45 degrees is found; one tilted by more is taken for a wall.
    np.testing.assert_allclose(found(turned(40, 0) @ DOWN, RIGHT), turned(40, 0) @ DOWN, atol=1e-12)
    np.testing.assert_allclose(found(turned(50, 0) @ DOWN, RIGHT), turned(50, 0) @ -AHEAD, atol=1e-12)
    # What is no plane does not count, unless nothing is smoother.
    corner = turned(30, 0) @ gravity
    np.testing.assert_allclose(found(gravity, gravity, corner, rough=[0, 0, 0.1]), gravity, atol=1e-12)
    np.testing.assert_allclose(
        found(gravity, gravity, gravity, corner, rough=[0.2, 0.2, 0.1, 0.3]), gravity, atol=1e-12
    )
    assert found(np.full(3, np.nan), rough=[np.nan]).tolist() == [0, 1, 0]


def test_roughness_is_the_residual_of_the_fit():
    disparity = np.full((3, 3), 1e-3)
    disparity[1, 1] = 1.9e-3  # mean 1.1e-3, which is the plane; squared residuals 8 * 0.1**2 + 0.8**2 over 9
    _, rough = _normals(disparity, np.ones((3, 3), bool), CAMERA, 1)
    assert rough[1, 1] == pytest.approx(np.sqrt((8 * 0.01 + 0.64) / 9) / 1.1)
    assert rough[0, 0] > 0.1
    _, rough = _normals(np.full((9, 9), 1e-3), np.ones((9, 9), bool), CAMERA, 3)
    assert np.abs(rough).max() < 1e-6


def test_missing_depth():
    assert np.all(hha(np.zeros((7, 9)), CAMERA) == UNKNOWN)
    nothing = quantities(np.zeros((7, 9)), CAMERA)
    assert np.isnan([nothing.disparity, nothing.height, nothing.angle]).all()
    assert nothing.gravity.tolist() == [0, 1, 0]
    depth, _ = rendered([(turned(20, 0) @ normal, distance) for normal, distance in ((DOWN, 1_400), (AHEAD, 3_000))])
    full, holed = quantities(depth, CAMERA), depth.copy()
    holed[30:60, 40:70] = 0
    holed[100, 100] = np.nan
    known = holed > 0
    got, image = quantities(holed, CAMERA), hha(holed, CAMERA)
    assert np.all(image[~known] == UNKNOWN)
    assert np.isnan(got.disparity[~known]).all()
    assert np.isnan(got.height[~known]).all()
    assert np.abs(got.height - full.height)[known].max() < 0.005
    assert np.abs(got.angle - full.angle)[known & inner(~known)].max() < 0.5
    assert np.isnan(got.angle[34:56, 44:66]).all()


def test_depth_that_was_filled_in_has_no_angle_of_its_own():
    depth = np.full((40, 50), 3_000)
    depth[10:30, 10:30] = 1_500  # what some in-painting left
    measured = np.ones(depth.shape, bool)
    measured[10:30, 10:30] = False
    image = hha(depth, CAMERA, measured=measured)
    assert np.all(image[10:30, 10:30, 0] == 207)  # 31000 / 150
    assert np.all(image[13:27, 13:27, 2] == 218)  # 180 + 128 - 90: no measured pixel within the window
    assert np.all(image[..., 2][measured] == 128)
    assert np.all(image[10, 10:29, 2] == 128)  # its plane is that of the measured pixels above
    assert np.any(hha(depth, CAMERA)[..., 2] != image[..., 2])


def test_the_drawn_world_has_the_same_hha():
    height, width = 240, 300
    camera = np.array([[height, 0, width / 2 - 0.5], [0, height, 0.36 * height - 0.5], [0, 0, 1]])
    for example in Synthetic(3, seed=11, height=height, width=width):
        got, exact, label = hha(example["depth"], camera), example["hha"].astype(int), example["label"]
        error = np.abs(got - exact)
        assert error[..., 0].max() <= 1
        for name in ("ground", "wall"):
            surface = label == SEM.index(name)
            flat = surface & inner(surface)
            assert flat.sum() > 2_000
            # Walls are drawn at one depth; that of the ground is rounded to millimetres, which tilts it when far.
            flat &= example["depth"] < (9_500 if name == "wall" else 3_000)
            assert error[..., 1][flat].max() <= 2, name
            assert error[..., 2][flat].max() <= 2, name


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (2, 2), (3, 500)])
def test_any_size(size):
    image = hha(np.full(size, 1_550), CAMERA)
    assert image.shape == (*size, 3)
    assert np.all(image[..., 0] == 200)
    assert np.all(image[..., 2] == (218 if min(size) == 1 else 128))


def test_the_cropped_camera_sees_the_same_rays():
    for y, x in ((45, 40), (200, 333)):
        whole = np.linalg.solve(NYUD_CAMERA, [x, y, 1])
        np.testing.assert_allclose(np.linalg.solve(NYUD_CAMERA_CROPPED, [x - 40, y - 45, 1]), whole)


def test_bad_shapes():
    with pytest.raises(ValueError, match=r"`depth` must be \(H, W\). Received: shape \(4, 5, 1\)"):
        hha(np.ones((4, 5, 1)), CAMERA)
    with pytest.raises(ValueError, match=r"`camera` must be a \(3, 3\) matrix. Received: shape \(3, 4\)"):
        hha(np.ones((4, 5)), np.ones((3, 4)))
    with pytest.raises(ValueError, match=r"`measured` must have the shape of `depth`, \(4, 5\). Received: \(5, 4\)"):
        hha(np.ones((4, 5)), CAMERA, measured=np.ones((5, 4), bool))
