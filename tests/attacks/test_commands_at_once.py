"""The quick forms of `kills_in_commands` and `two_at_once`, with commands that need no network."""

from subprocess import PIPE

import numpy as np
import pytest
from PIL import Image

from tests.warm import program

CODE = """
import random, sys
from pathlib import Path
from tests.attacks import forked, kills_in_commands, two_at_once

given, name = Path(sys.argv[1]), sys.argv[2]
forked.main_of(name.split()[0])
attack = kills_in_commands.Attack(name, given, given / "whole")
for step in random.Random(3).sample(range(1, attack.steps + 1), 5):
    wrong = attack.kill(step, given / f"kill{step}", over_older=False)
    print("killed", step, attack.steps, wrong)
wrong = two_at_once.both(name, given, given / "two", attack.whole, 0)
print("two", 0, 0, wrong)
"""


@pytest.mark.parametrize("name", ["kit", "doctor --fix"])
def test_killed_and_two_at_once(name, tmp_path):
    for kind in ("images", "labels"):
        (tmp_path / "data" / kind).mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 200, (3, 12, 14, 3), dtype=np.uint8)
    for number, image in enumerate(pixels):
        Image.fromarray(image).save(tmp_path / "data" / "images" / f"{number}.png")
        ids = image[..., 0] // 100 if number else np.full((12, 14), 9, np.uint8)  # one has to be corrected
        Image.fromarray(ids).save(tmp_path / "data" / "labels" / f"{number}.png")
    (tmp_path / "data" / "classes.txt").write_text("sky\nroad\n")
    process = program.start(["-c", CODE, tmp_path, name], stdout=PIPE, stderr=PIPE)  # it forks, which we may not
    said, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    rows = [line.split(maxsplit=3) for line in said.splitlines()]
    assert [row[0] for row in rows] == ["killed"] * 5 + ["two"]
    assert [row for row in rows if len(row) > 3] == []
    assert all(int(row[2]) > 10 for row in rows[:5])
