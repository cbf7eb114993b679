import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fcn_keras.datasets import reading
from fcn_keras.datasets.folder import Folder

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"

needs = pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data is absent")


def write(path, pixels, mode=None, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(np.asarray(pixels))
    if mode == "P":
        picture.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0, *[200] * 759])
    elif mode is not None:
        picture = picture.convert(mode)
    picture.save(path, **options)


def turned(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


@pytest.fixture
def tree(tmp_path):
    """Three pairs of 2x3 pixels in `train`: a, b and c."""
    for number, key in enumerate("abc"):
        write(tmp_path / f"train/images/{key}.png", np.full((2, 3, 3), 10 * number, np.uint8))
        write(tmp_path / f"train/labels/{key}.png", np.array([[0, 1, 2], [2, 255, number]], np.uint8))
    return tmp_path


def one_mask(path, mask, mode=None, **options):
    """A folder of one image and this mask."""
    write(path / "images/a.png", np.zeros((*np.shape(mask)[:2], 3), np.uint8))
    write(path / "labels/a.png", mask, mode)
    return Folder(path, **{"classes": 3, **options})


def test_pairs_by_stem(tree):
    pairs = Folder(tree, "train", classes=("sky", "road", "tree"))
    assert len(pairs) == 3
    assert pairs.ids == ("a", "b", "c")
    assert pairs.num_classes == 3
    assert pairs.class_names == ("sky", "road", "tree")
    assert pairs.sizes == [(2, 3)] * 3
    example = pairs[1]
    assert example["image"].dtype == example["label"].dtype == np.uint8
    assert np.array_equal(example["image"], np.full((2, 3, 3), 10))
    assert np.array_equal(example["label"], [[0, 1, 2], [2, 255, 1]])
    assert np.array_equal(pairs[-1]["label"], pairs[2]["label"])
    assert [example["image"][0, 0, 0] for example in pairs] == [0, 10, 20]
    with pytest.raises(IndexError):
        pairs[3]


def test_classes_by_number_have_numbers_for_names(tree):
    assert Folder(tree, "train", classes=3).class_names == ("0", "1", "2")


def test_lists_choose_and_order(tree):
    (tree / "train.txt").write_text("\ufeffc\n\na\r\n", encoding="utf-8")
    (tree / "train/images").rename(tree / "photos")
    (tree / "train/labels").rename(tree / "masks")
    pairs = Folder(tree, "train", classes=3, images="photos", labels="masks")
    assert pairs.ids == ("c", "a")
    assert pairs[0]["image"][0, 0, 0] == 20


def test_ids_choose_without_a_list(tree):
    assert Folder(tree / "train", classes=3).ids == ("a", "b", "c")
    assert Folder(tree / "train", classes=3, ids=["b"]).ids == ("b",)
    assert Folder(tree, "train", classes=3, ids=("c", "b")).ids == ("c", "b")


def test_sub_folders_and_dots_in_names(tmp_path):
    for key in ("x/a.left", "y/a.left"):
        write(tmp_path / f"images/{key}.JPG", np.zeros((1, 1, 3), np.uint8), format="JPEG")
        write(tmp_path / f"labels/{key}.png", np.zeros((1, 1), np.uint8))
    (tmp_path / "images/.DS_Store").write_bytes(b"")
    (tmp_path / "images/readme.txt").write_text("not an image")
    pairs = Folder(tmp_path, classes=1)
    assert pairs.ids == ("x/a.left", "y/a.left")
    assert pairs[0]["label"].shape == (1, 1)


def test_constructing_opens_no_image(tree):
    (tree / "train/images/b.png").write_bytes(b"rubbish")
    assert len(Folder(tree, "train", classes=3)) == 3


# Masks


def test_palette_masks_give_indices_not_luma(tmp_path):
    pairs = one_mask(tmp_path, np.array([[0, 1], [2, 255]], np.uint8), "P")
    assert Image.open(tmp_path / "labels/a.png").mode == "P"
    assert np.array_equal(pairs[0]["label"], [[0, 1], [2, 255]])


def test_bilevel_masks_give_0_and_1(tmp_path):
    pairs = one_mask(tmp_path, np.array([[0, 255], [255, 0]], np.uint8), "1", classes=2)
    assert Image.open(tmp_path / "labels/a.png").mode == "1"
    assert np.array_equal(pairs[0]["label"], [[0, 1], [1, 0]])


def test_16_bit_masks(tmp_path):
    pairs = one_mask(tmp_path, np.array([[0, 2], [65535, 255]], np.uint16), ignore_label=65535)
    assert Image.open(tmp_path / "labels/a.png").mode == "I;16"
    assert np.array_equal(pairs[0]["label"], [[0, 2], [255, 255]])
    with pytest.raises(ValueError, match=r"may hold 0..2 or 255 \(void\). Received: \[65535\] in .*a.png"):
        Folder(tmp_path, classes=3)[0]


def test_ignore_label_becomes_255_and_255_stays(tmp_path):
    pairs = one_mask(tmp_path, np.array([[0, 11], [2, 255]], np.uint8), ignore_label=11)
    assert np.array_equal(pairs[0]["label"], [[0, 255], [2, 255]])


def test_labels_out_of_range_name_values_file_and_cure(tmp_path):
    first = one_mask(tmp_path / "first", np.array([[1, 2, 3]], np.uint8))
    with pytest.raises(ValueError, match=r"Received: \[3\] in .*first.labels.a.png. Subtract 1 if your classes start"):
        first[0]
    void = one_mask(tmp_path / "void", np.array([[0, 3]], np.uint8))
    with pytest.raises(ValueError, match=r"Received: \[3\] in .* If 3 means void, pass `ignore_label=3`"):
        void[0]
    other = one_mask(tmp_path / "other", np.array([[0, 7, 9]], np.uint8), ignore_label=40)
    with pytest.raises(ValueError, match=r"0..2 or 40 or 255 \(void\). Received: \[7, 9\] .* `ignore_label`"):
        other[0]


def test_color_masks_without_colors(tmp_path):
    pairs = one_mask(tmp_path, np.zeros((1, 1, 3), np.uint8))
    with pytest.raises(ValueError, match=r"a.png holds colours, and the classes have none. .*`name R G B`"):
        pairs[0]


# Colours


COLORS = "# what stands in the street\nsky 128 128 128\nvoid 0 0 0\ntraffic light 255 0 10  # rare\n"


@pytest.mark.parametrize("mode", [None, "RGBA", "P"])
def test_colors_are_translated(tmp_path, mode):
    (tmp_path / "classes.txt").write_text(COLORS)
    mask = np.array([[(128, 128, 128), (255, 0, 10)], [(0, 0, 0), (128, 128, 128)]], np.uint8)
    pairs = one_mask(tmp_path, mask, None, classes=None)
    if mode is not None:
        picture = Image.open(tmp_path / "labels/a.png")
        picture = picture.quantize(3) if mode == "P" else picture.convert(mode)
        picture.save(tmp_path / "labels/a.png")
    assert Image.open(tmp_path / "labels/a.png").mode == (mode or "RGB")
    assert pairs.class_names == ("sky", "traffic light")
    assert np.array_equal(pairs[0]["label"], [[0, 1], [255, 0]])


def test_grey_masks_hold_ids_even_when_classes_have_colors(tmp_path):
    (tmp_path / "classes.txt").write_text(COLORS)
    assert np.array_equal(one_mask(tmp_path, np.array([[0, 1]], np.uint8), classes=None)[0]["label"], [[0, 1]])


# Sizes and EXIF


def test_exif_leaves_masks_alone(tmp_path):
    write(tmp_path / "images/a.png", np.zeros((3, 2, 3), np.uint8))
    write(tmp_path / "labels/a.png", np.array([[0, 1], [2, 0], [1, 1]], np.uint8), exif=turned(6))
    assert np.array_equal(Folder(tmp_path, classes=3)[0]["label"], [[0, 1], [2, 0], [1, 1]])


def test_sizes_must_match(tmp_path):
    write(tmp_path / "images/a.png", np.zeros((2, 3, 3), np.uint8))
    write(tmp_path / "labels/a.png", np.zeros((4, 6), np.uint8))
    with pytest.raises(ValueError, match=r"Received: \(2, 3\) in .*a.png, \(4, 6\) in .*a.png. Resize the mask with n"):
        Folder(tmp_path, classes=3)[0]


def test_sizes_that_match_but_for_exif(tmp_path):
    write(tmp_path / "images/a.jpg", np.zeros((2, 3, 3), np.uint8), exif=turned(8))
    write(tmp_path / "labels/a.png", np.zeros((2, 3), np.uint8))
    pairs = Folder(tmp_path, classes=3)
    assert pairs.sizes == [(3, 2)]
    with pytest.raises(ValueError, match=r"EXIF orientation \(8\) turns it sideways; the mask fits the unturned"):
        pairs[0]


# Layout errors


def test_missing_folders(tree):
    with pytest.raises(ValueError, match=r"nowhere is not a folder. Expected the folder of a data set"):
        Folder(tree / "nowhere", "train", classes=3)
    with pytest.raises(ValueError, match=r"has no split 'val': expected the folder .*val.images or the list .*val.txt"):
        Folder(tree, "val", classes=3)
    with pytest.raises(ValueError, match=r"images is not a folder. Name the folders with `images=` and `labels=`"):
        Folder(tree, classes=3)
    with pytest.raises(ValueError, match=r"masks is not a folder"):
        Folder(tree, "train", classes=3, labels="masks")


def test_missing_partners(tree):
    (tree / "train/labels/b.png").unlink()
    with pytest.raises(ValueError, match=r"1 of 3 files have no partner of the same stem in .*labels: b.png"):
        Folder(tree, "train", classes=3)
    assert len(Folder(tree, "train", classes=3, ids=["a", "c"])) == 2
    (tree / "train/images/b.png").unlink()
    (tree / "train/images/c.png").unlink()
    with pytest.raises(ValueError, match=r"1 of 2 files have no partner of the same stem in .*images: c.png"):
        Folder(tree, "train", classes=3)


def test_two_files_of_one_id(tree):
    write(tree / "train/images/a.jpg", np.zeros((2, 3, 3), np.uint8))
    with pytest.raises(ValueError, match=r"images holds a.jpg and a.png, one id for two files"):
        Folder(tree, "train", classes=3)


def test_hha_images_beside_the_images(tree):
    for number, key in enumerate("abc"):
        write(tree / f"train/hha/{key}.png", np.full((2, 3, 3), 100 + number, np.uint8))
    pairs = Folder(tree, "train", classes=3, hha="hha")
    assert [pair["hha"].tolist() for pair in pairs] == [np.full((2, 3, 3), 100 + n).tolist() for n in range(3)]
    assert all(pair["hha"].dtype == np.uint8 for pair in pairs)
    assert [pair["image"][0, 0, 0] for pair in pairs] == [0, 10, 20]
    assert "hha" not in Folder(tree, "train", classes=3)[0]
    assert Folder(tree, "train", classes=3, hha="hha", ids=["c"])[0]["hha"][0, 0, 0] == 102
    write(tree / "train/hha/b.png", np.zeros((3, 2, 3), np.uint8))
    with pytest.raises(ValueError, match=r"one size. Received: \(2, 3\) in .*images.b.png, \(3, 2\) in .*hha.b.png"):
        pairs[1]
    (tree / "train/hha/c.png").unlink()
    with pytest.raises(ValueError, match=r"1 images have no HHA image of the same stem in .*hha: c. Make them from"):
        Folder(tree, "train", classes=3, hha="hha")
    assert len(Folder(tree, "train", classes=3, hha="hha", ids=["a"])) == 1
    with pytest.raises(ValueError, match=r"depths is not a folder. Expected an HHA image there for each image"):
        Folder(tree, "train", classes=3, hha="depths")


def test_empty_split(tree):
    for path in (tree / "train/images").iterdir():
        path.unlink()
    with pytest.raises(ValueError, match=r"images holds no image"):
        Folder(tree, "train", classes=3)


def test_bad_lists(tree):
    root, listed = tree / "train", tree / "train/some.txt"
    listed.write_text("a\nb.png\n")
    with pytest.raises(
        ValueError, match=r"some.txt lists 'b.png', but .*images holds no such file. Write 'b', without"
    ):
        Folder(root, "some", classes=3)
    listed.write_text("a\nz\n")
    with pytest.raises(
        ValueError, match=r"some.txt lists 'z', but .*images holds no such file. An id is a file's name"
    ):
        Folder(root, "some", classes=3)
    listed.write_text("a\nb\na\n")
    with pytest.raises(ValueError, match=r"some.txt lists ids twice: a"):
        Folder(root, "some", classes=3)
    listed.write_text("\n")
    with pytest.raises(ValueError, match=r"some.txt lists no id"):
        Folder(root, "some", classes=3)
    listed.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match=r"some.txt is not UTF-8 text"):
        Folder(root, "some", classes=3)
    with pytest.raises(ValueError, match=r"`ids` lists 'q', but .*images holds no such file"):
        Folder(root, classes=3, ids=["q"])


# Damaged files and verify


def test_damaged_files(tree):
    noise = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)).save(noise, "PNG")
    (tree / "train/images/a.png").write_bytes(noise.getvalue()[:5000])
    (tree / "train/labels/b.png").write_bytes(b"")
    pairs = Folder(tree, "train", classes=3)
    (tree / "train/images/c.png").unlink()
    with pytest.raises(ValueError, match=r"images.a.png cannot be read as an image: .*truncated"):
        pairs[0]
    with pytest.raises(ValueError, match=r"labels.b.png cannot be read as an image: the file is empty"):
        pairs[1]
    with pytest.raises(ValueError, match=r"images.c.png is missing"):
        pairs[2]
    with pytest.raises(ValueError, match=r"images.c.png is missing"):
        _ = pairs.sizes


def test_heic_without_its_package_is_no_gap(tree, monkeypatch):
    """Left out of the listing, its mask would be said to have no partner."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    (image,) = (tree / "train" / "images").glob("a.*")
    image.unlink()
    image.with_suffix(".HEIC").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40))
    with pytest.raises(ValueError, match=r'a.HEIC .* it is HEIC, .*: pip install "fcn_keras\[heif\]"'):
        Folder(tree, "train", classes=3)[0]


def test_decompression_bombs_are_refused(tree, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 2)
    with pytest.raises(ValueError, match=r"a.png has \d+ pixels, and at most 4 are read. Scale it down; fcn-predict"):
        Folder(tree, "train", classes=3)[0]


def test_verify_counts_pixels_and_reports_progress(tree):
    seen = []
    pixels = Folder(tree, "train", classes=3).verify(progress=lambda done, total: seen.append((done, total)))
    assert pixels.dtype == np.int64
    assert pixels.tolist() == [3 + 1, 3 + 1, 6 + 1]
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_verify_names_the_first_bad_files_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "_CHUNK", 4)
    for number in range(11):
        write(tmp_path / f"images/{number:02}.png", np.zeros((1, 1, 3), np.uint8))
        write(tmp_path / f"labels/{number:02}.png", np.array([[number]], np.uint8))
    (tmp_path / "images/01.png").write_bytes(b"rubbish")
    seen = []
    with pytest.raises(ValueError, match=r"8 of 11 examples are bad") as caught:
        Folder(tmp_path, classes=4).verify(lambda done, total: seen.append(done))
    lines = str(caught.value).splitlines()
    assert len(lines) == 1 + 5 + 1
    assert [line.split(".png")[0][-2:] for line in lines[1:6]] == ["01", "04", "05", "06", "07"]
    assert lines[-1] == "... and 3 more"
    assert seen == list(range(1, 12))


def test_verify_sees_binary_masks_written_as_0_and_255(tmp_path):
    pairs = one_mask(tmp_path, np.array([[0, 255]], np.uint8), classes=2)
    with pytest.raises(ValueError, match=r"hold 0 and 255 but never 1, and 255 is void.* write 1 instead"):
        pairs.verify()


def test_reading_in_threads(tree):
    pairs = Folder(tree, "train", classes=3)
    with ThreadPoolExecutor(8) as pool:
        read = list(pool.map(lambda index: pairs[index % 3]["image"][0, 0, 0], range(60)))
    assert read == [0, 10, 20] * 20


# Real data


@needs
def test_camvid():
    pairs = Folder(SHARED / "camvid", "val", classes=11, ignore_label=11)
    assert len(pairs) == 101
    assert set(pairs.sizes) == {(360, 480)}
    labels = np.unique(np.stack([pairs[index]["label"] for index in range(0, 101, 20)]))
    assert {0, 1, 3, 8, 255} <= set(labels.tolist()) <= {*range(11), 255}


@needs
def test_nyudv2():
    pairs = Folder(SHARED / "nyudv2", "val", classes=40, labels="labels40")
    assert len(pairs) == 50
    assert pairs.ids == tuple((SHARED / "nyudv2/val.txt").read_text().split())
    assert pairs[0]["image"].shape[:2] == pairs[0]["label"].shape == pairs.sizes[0]


@needs
def test_stanford_background():
    everything = Folder(SHARED / "stanford_background", classes=8)
    assert len(everything) == 715
    some = Folder(SHARED / "stanford_background", classes=8, ids=everything.ids[::5])
    assert len(some) == 143
    assert np.array_equal(some[1]["label"], everything[5]["label"])


def test_a_list_of_classes_with_void_is_refused(tree):
    """Whether the masks count the line, it does not say."""
    (tree / "classes.txt").write_text("Unlabelled\nroad\ncar\n")
    with pytest.raises(ValueError, match=r"classes.txt names Unlabelled as a class. It is void, .*--read-as zero-void"):
        Folder(tree, "train")
    assert Folder(tree, "train", classes=255).num_classes == 255
