"""The demo's net: a narrow FCN-8s that was trained on drawn scenes."""

from importlib import resources
from typing import Any

from fcn_keras.datasets.synthetic import SEM, Synthetic

CLASSES = SEM
FILES = ("net.keras", "card.json")
SEED = 3  # of the scenes to try it on: training drew with 1, validation with 2
SIDES = 128, 160  # (H, W) of the scenes that it was trained on


def read(name: str) -> bytes:
    """Return the contents of one of the demo's files.

    Args:
        name: of `FILES`: `net.keras`, or `card.json`, which says what the net is.

    Returns:
        bytes.

    Raises:
        ValueError: if there is no such file.
    """
    if name not in FILES:
        raise ValueError(f"The demo has the files {', '.join(FILES)}. Received: {name!r}.")
    return (resources.files(__package__) / name).read_bytes()


def load() -> Any:
    """Load the net.

    Returns:
        `keras.Model`: raw RGB `(B, H, W, 3)`, 0 to 255, to scores `(B, H, W, 8)` of `CLASSES`.
    """
    from fcn_keras import keras_files

    with resources.as_file(resources.files(__package__) / "net.keras") as path:
        return keras_files.load_model(path)


def scenes(count: int = 4) -> Synthetic:
    """Draw scenes that the net has not seen.

    Args:
        count: how many.

    Returns:
        A sequence of `count` examples: `image` (128, 160, 3) uint8 and `label` (128, 160) uint8 with 255 as void.
    """
    return Synthetic(count, seed=SEED, height=SIDES[0], width=SIDES[1])
