import numpy as np
import pytest
from PIL import Image

from fcn_keras.datasets.camvid import GROUPS, Camvid

SPLITS = ("train", "val", "test")
FIRST = {"train": "0001TP_006690", "val": "0016E5_07959", "test": "0001TP_008550"}

# label_colors.txt of the data set, in its order, and the class each line belongs to (255: none).
COLORS = """
64 128 64 Animal 9
192 0 128 Archway 1
0 128 192 Bicyclist 10
0 128 64 Bridge 1
128 0 0 Building 1
64 0 128 Car 8
64 0 192 CartLuggagePram 9
192 128 64 Child 9
192 192 128 Column_Pole 2
64 64 128 Fence 7
128 0 192 LaneMkgsDriv 3
192 0 64 LaneMkgsNonDriv 3
128 128 64 Misc_Text 6
192 0 192 MotorcycleScooter 10
128 64 64 OtherMoving 8
64 192 128 ParkingBlock 4
64 64 0 Pedestrian 9
128 64 128 Road 3
128 128 192 RoadShoulder 4
0 0 192 Sidewalk 4
192 128 128 SignSymbol 6
128 128 128 Sky 0
64 128 192 SUVPickupTruck 8
0 0 64 TrafficCone 2
0 64 64 TrafficLight 6
192 64 128 Train 8
128 128 0 Tree 5
192 128 192 Truck_Bus 8
64 0 64 Tunnel 1
192 192 0 VegetationMisc 5
0 0 0 Void 255
64 192 0 Wall 1
"""
TABLE = [line.split() for line in COLORS.split("\n") if line]
RGB = np.array([[int(part) for part in line[:3]] for line in TABLE], np.uint8)  # (32, 3)
EXPECTED = [int(line[4]) for line in TABLE]


def write_frame(folder, key, image, mask):
    for name, pixels in ((f"701_StillsRaw_full/{key}.png", image), (f"LabeledApproved_full/{key}_L.png", mask)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.asarray(pixels, np.uint8)).save(folder / name)


def write_miniature(folder):
    """Write all 701 frames, of 1x2 pixels; the first of each split is 4x8 and holds the 32 colours."""
    write_frame(folder, "seed", np.zeros((1, 2, 3)), [[(128, 128, 128), (0, 0, 0)]])
    small = [folder / "701_StillsRaw_full/seed.png", folder / "LabeledApproved_full/seed_L.png"]
    contents = [path.read_bytes() for path in small]
    for path in small:
        path.unlink()
    for key in ids():
        (folder / f"701_StillsRaw_full/{key}.png").write_bytes(contents[0])
        (folder / f"LabeledApproved_full/{key}_L.png").write_bytes(contents[1])
    for number, split in enumerate(SPLITS):
        write_frame(folder, FIRST[split], np.full((4, 8, 3), number), RGB.reshape(4, 8, 3))


def ids():
    """The frames of the archive, sequence by sequence: 124 + 101 + 305 + 171."""
    day = [*range(390, 871, 30), 901, *range(930, 2401, 30), *range(4350, 7921, 30)]
    day += [*range(7959, 8160, 2), *range(8190, 8641, 30)]
    return [
        *(f"0001TP_{frame:06d}" for frame in range(6690, 10381, 30)),
        *(f"0006R0_f{frame:05d}" for frame in range(930, 3931, 30)),
        *(f"0016E5_{frame:05d}" for frame in day),
        *(f"Seq05VD_f{frame:05d}" for frame in range(0, 5101, 30)),
    ]


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    folder = tmp_path_factory.mktemp("camvid")
    write_miniature(folder)
    return folder


def test_the_splits_divide_the_701_frames(tree):
    parts = [Camvid(tree, split).ids for split in SPLITS]
    assert [len(part) for part in parts] == [367, 101, 233]
    assert sorted(key for part in parts for key in part) == sorted(ids())
    assert len(set(ids())) == 701


@pytest.mark.parametrize("split", ["train", "val"])
def test_the_splits_are_segnet_s(tree, shared, split):
    files = (shared / "data" / "camvid" / split / "images").iterdir()
    assert sorted(Camvid(tree, split).ids) == sorted(path.stem for path in files)


def test_colours_become_classes(tree):
    example = Camvid(tree, "train")[0]
    assert example["label"].ravel().tolist() == EXPECTED
    assert example["label"].dtype == np.uint8
    assert example["image"].shape == (4, 8, 3)
    assert Camvid(tree, "val")[0]["image"].max() == 1


def test_names_and_groups(tree):
    data = Camvid(tree, "val")
    assert " ".join(data.class_names) == "sky building pole road pavement tree sign fence car pedestrian cyclist"
    assert data.num_classes == 11
    assert {name for group in GROUPS.values() for name in group} == {line[3] for line in TABLE} - {"Void"}


def test_sizes_and_verify(tree):
    data = Camvid(tree, "val")
    assert data.sizes[:2] == [(4, 8), (1, 2)]
    assert len(data.sizes) == 101
    counts = data.verify()
    assert counts[0] == 101  # the sky of every frame
    assert counts.tolist()[1:] == [EXPECTED.count(group) for group in range(1, 11)]


@pytest.fixture
def copy(tmp_path):
    for key in [f"0016E5_{frame:05d}" for frame in range(7959, 8160, 2)]:
        write_frame(tmp_path, key, np.zeros((1, 2, 3)), np.zeros((1, 2, 3)))
    return tmp_path


def test_stray_colours_are_void_but_other_masks_are_refused(copy):
    mask = np.full((20, 20, 3), 128)
    mask[3, 4] = (129, 128, 128)
    write_frame(copy, FIRST["val"], np.zeros((20, 20, 3)), mask)
    label = Camvid(copy, "val")[0]["label"]
    assert label[3, 4] == 255
    assert (label == 0).sum() == 399
    mask[5] = (64, 64, 64)  # made of 0, 64, 128, 192 but in no list
    write_frame(copy, FIRST["val"], np.zeros((20, 20, 3)), mask)
    with pytest.raises(
        ValueError, match=r"07959_L\.png holds colours .* such as \(129, 128, 128\) at \(y, x\) = \(3, 4\)"
    ):
        Camvid(copy, "val")[0]


def test_masks_of_ids_are_refused(copy):
    write_frame(copy, FIRST["val"], np.zeros((2, 3, 3)), np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"07959_L\.png holds ids, not colours\. Expected the RGB mask"):
        Camvid(copy, "val")[0]


def test_sizes_must_agree(copy):
    write_frame(copy, FIRST["val"], np.zeros((2, 3, 3)), np.zeros((3, 2, 3)))
    with pytest.raises(ValueError, match=r"one size\. Received: \(2, 3\) in .*07959\.png, \(3, 2\) in .*07959_L\.png"):
        Camvid(copy, "val")[0]


def test_a_wrong_tree_says_what_to_download(copy, tmp_path_factory):
    with pytest.raises(
        ValueError, match=r"701_StillsRaw_full lacks 367 of 367 files: 0001TP_006690\.png.*StillsRaw.*zip"
    ):
        Camvid(copy, "train")
    with pytest.raises(ValueError, match=r"701_StillsRaw_full is missing\. Download http.*701_StillsRaw_full\.zip"):
        Camvid(tmp_path_factory.mktemp("empty"), "train")
    for path in (copy / "LabeledApproved_full").iterdir():
        path.unlink()
    with pytest.raises(
        ValueError, match=r"lacks 101 of 101.*LabeledApproved_full\.zip and unpack it into .*Approved_full"
    ):
        Camvid(copy, "val")


def test_an_unknown_split_is_refused(tree):
    with pytest.raises(ValueError, match=r"one of train, val, test\. Received: 'trainval'"):
        Camvid(tree, "trainval")
