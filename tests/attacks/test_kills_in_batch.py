"""The quick form of `kills_in_batch.py`: some kills, and that the attack sees old labels of new images."""

import random
from subprocess import PIPE

from PIL import Image

from tests.attacks import kills_in_batch
from tests.warm import program


def test_some_kills_change_nothing(tmp_path):
    command = ["-m", "tests.attacks.kills_in_batch", tmp_path, 1]  # it forks, which we may not
    process = program.start(command, stdout=PIPE, stderr=PIPE)
    said, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert said.splitlines()[-1].endswith("lost=())"), said


def test_old_labels_of_new_images_are_lost(tmp_path):
    images, labels = tmp_path / "in", tmp_path / "out" / "labels"
    images.mkdir()
    labels.mkdir(parents=True)
    lines = ['name,status,height,width,sky,car,"road, wet"']
    for number in range(2):
        kills_in_batch.draw(images / f"{number}.png", random.Random(number))
        red = kills_in_batch.red(images / f"{number}.png")
        Image.fromarray(red).save(labels / f"{number}.png")
        status, *numbers = kills_in_batch.expected(red)
        height, width, sky, road, car = numbers
        lines.append(f"{number},{status},{height},{width},{sky},{car},{road}")
    (tmp_path / "out" / "images.csv").write_text("\n".join(lines))
    assert kills_in_batch.differences(tmp_path) is None
    (tmp_path / "out" / ".ab.part").write_bytes(b"")
    assert "['.ab.part'] left" in kills_in_batch.differences(tmp_path)
    (tmp_path / "out" / ".ab.part").unlink()
    kills_in_batch.draw(images / "1.png", random.Random(2))
    assert kills_in_batch.differences(tmp_path).startswith("['1', '1'] are not")
    (labels / "1.png").unlink()
    assert kills_in_batch.differences(tmp_path) == "labels of ['1']"
