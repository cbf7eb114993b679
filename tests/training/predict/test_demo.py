"""What `fcn-predict --demo` puts into its folder."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fcn_keras.demo import net
from training.predict.command import build_parser, main
from training.predict.demo import FOLDER, settle, write_demo


def test_it_writes_the_net_and_scenes_with_their_truth(tmp_path):
    model, (images,) = write_demo(tmp_path / "new")
    images = Path(images)
    assert model.read_bytes() == net.read("net.keras")
    assert (model.parent / "classes.txt").read_text().split() == list(net.CLASSES)
    assert len(list(images.iterdir())) == 4
    for number, drawn in enumerate(net.scenes(), 1):
        for kind, key in (("images", "image"), ("labels", "label")):
            written = np.asarray(Image.open(images.parent / kind / f"scene_{number}.png"))
            np.testing.assert_array_equal(written, drawn[key])


def test_what_is_there_stays(tmp_path):
    model, inputs = write_demo(tmp_path)
    images = Path(*inputs)
    (images / "scene_1.png").write_bytes(b"mine")
    assert write_demo(tmp_path) == (model, inputs)
    assert (images / "scene_1.png").read_bytes() == b"mine"


@pytest.mark.parametrize("name", ["net.keras", "classes.txt"])
def test_what_belongs_to_another_net_is_refused(name, tmp_path):
    (tmp_path / name).write_bytes(b"mine")
    with pytest.raises(ValueError, match=rf"{name} exists, and is not the demo's\. Say --output DIR"):
        write_demo(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_names_that_were_changed_beside_the_demos_net_stay(tmp_path):
    model, _ = write_demo(tmp_path)
    (tmp_path / "classes.txt").write_text("mine\n")
    assert write_demo(tmp_path)[0] == model
    assert (tmp_path / "classes.txt").read_text() == "mine\n"


def test_it_needs_nothing_else(capsys):
    parser = build_parser()
    arguments = parser.parse_args(["--demo"])
    settle(parser, arguments)
    assert arguments.output == FOLDER
    with pytest.raises(SystemExit):
        settle(parser, parser.parse_args(["net.keras", "--demo"]))
    assert "--demo brings its own net and images" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "missing"),
    [([], "model, input, --output"), (["net.keras"], "input, --output"), (["net.keras", "a.jpg"], "--output")],
)
def test_without_it_all_is_required(words, missing, capsys):
    with pytest.raises(SystemExit):
        main(words)
    assert f"fcn-predict: the following arguments are required: {missing}. See" in capsys.readouterr().err
