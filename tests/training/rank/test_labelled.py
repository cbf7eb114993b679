"""What a run knows is left out by its bytes."""

from fcn_keras_console.image_files import InputImage
from tests.training.tiny import picture, write
from training.rank.labelled import without_labelled
from training.workdir.data_list import DataList, SplitList, digest_of_file


def listed(path, digests):
    train = SplitList(("0",), 1, {"image": digests, "label": ["0" * 32]}, {"image": [None], "label": [None]})
    DataList({"train": train}, {"names": {"": ["a", "b"]}}).save(path.parent / "data.json")


def test_what_the_run_knows_is_left_out_wherever_it_lies(tmp_path):
    paths = [write(tmp_path / "photos" / f"{n}.png", picture(8, 8, n)) for n in range(2)]
    images = [InputImage(path.stem, path, str(path)) for path in paths]
    net = tmp_path / "run" / "best.keras"
    net.parent.mkdir()
    assert without_labelled(images, net) == (images, None)
    listed(net, [digest_of_file(paths[1])])
    assert without_labelled(images, net) == (images[:1], 1)


def test_a_run_on_drawn_scenes_knows_no_files(tmp_path):
    images = [InputImage("0", write(tmp_path / "0.png", picture(8, 8)), "0")]
    DataList({"train": SplitList((), 6, {}, {})}, {"names": {"": ["a"]}}).save(tmp_path / "data.json")
    assert without_labelled(images, tmp_path / "best.keras") == (images, None)
