"""A few small pictures and an untrained narrow net, on disk."""

import json
import shutil

import numpy as np
from PIL import Image

NARROW = (((8, 2), (12, 2), (16, 3), (20, 3), (20, 3)), 32)
SIZES = ((40, 33), (1, 1), (32, 64))  # (H, W)
NAMES = ("sky", "road", "car", "tree")


def randomize(model, seed=0):
    """Give all weights but the upsampling's random values that keep activations in their range."""
    generator = np.random.default_rng(seed)
    for variable in model.trainable_variables:
        if "upscore" not in variable.path:
            fan_in = np.prod(variable.shape[:-1])
            variable.assign(generator.normal(0, np.sqrt(2 / fan_in) if fan_in > 1 else 0.3, variable.shape))
    return model


def saved(model, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    randomize(model).save(path)
    return path


def stage(folder, net, recipe, *, data=None, overrides=None, names=NAMES):
    """Lay out what fcn-train leaves behind of a stage; with `net` None an empty file, for a model that nobody opens."""
    folder.mkdir(parents=True, exist_ok=True)
    if net is None:
        (folder / "best.keras").touch()
    else:
        shutil.copy(net, folder / "best.keras")
    decisions = {"recipe": recipe, "overrides": overrides or {}, "data": str(data) if data else None}
    (folder / "recipe.json").write_text(json.dumps({"decisions": decisions}))
    (folder / "classes.txt").write_text("\n".join(names))
    return folder


def printed(main, capsys, *arguments):
    """Run a command with `--json`, and return what it prints."""
    assert main([*map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def error_of(main, capsys, *arguments):
    """Run a command that fails with exit code 2, and return what it says: one line, on stderr alone."""
    assert main([*map(str, arguments)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"fcn-{main.__module__.split('.')[1]}: ")
    assert err.count("\n") == 1
    return err


def picture(height, width, seed=0):
    """Uniform patches of noise, so that the net's answer differs from place to place."""
    generator = np.random.default_rng(seed)
    coarse = generator.integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
    return coarse.repeat(8, axis=0).repeat(8, axis=1)[:height, :width]


def write(path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return path


def data_set(folder, num_classes, *, used=None, split="val", sizes=SIZES):
    """Write images and masks of ids below `used` (default: all), with some void."""
    for number, (height, width) in enumerate(sizes):
        generator = np.random.default_rng(number)
        mask = generator.integers(0, used or num_classes, (height, width), dtype=np.uint8)
        if number:
            mask[generator.random(mask.shape) < 0.2] = 255
        write(folder / split / "images" / f"{number}.png", picture(height, width, number))
        write(folder / split / "labels" / f"{number}.png", mask)
    return folder


def snapshot(folder):
    """Every path below a folder with its bytes, to see that nothing changed."""
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}
