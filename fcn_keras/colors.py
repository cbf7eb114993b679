"""Choose the colours of a data set's classes: its own, VOC's where the classes are VOC's, else colours told apart."""

import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fcn_keras.visualize import VOID_COLOR, background_of, palette

MOST = 256
# Colours that are told apart, also by the colour-blind, and from black, grey, white and void: each is the one farthest
# from those before it. `python -m tools.class_colors` chooses them, and says how far apart they are.
_TABLE = (
    "0099ffffdd009944000088668833aaff99bb55eeffff7733dd225555cc77ff00cc887700aa5588ccaaff8877bbffaa113333ffff2222"
    "5577ee22aa99bb7744ff558800ddcc66ff77dd77bb88aa44aa2255aa5555aa0088dd00885599660055ccbb22338844ff337744ff9977"
    "bb77dd9955aadd99ddcc5577778833cc55aa00dd4400aa5500eebb11bbdd2277ccdd7799dd7766ff55aacc5500884477cc22aabb4433"
    "8822ddff55ffff8800336600dd6677cc226633ccccff778855ddffff0099775599dd55331199ccdd996677ff33993366ffaaeeee5555"
    "00bb8844dd99bb0077229977bb6688bb44ffbb221100aaff77bb44ee88bbff55ccee66008866bb88cc228888ee885522bb4477cc6666"
    "99aa2222991100ee77cc22dd3366bbff77aa8899ee44bb55bb77bbaa6699aa22bb00ccaa449944cc0044ee889944ffaacc1122bb5566"
    "cc3344ee77ddaa3399999933cc99ee66eedd66cc55aa22eeffaa6633bbaaee337777ee55cc55ddaa44ccaa77336622eeee55ddffbb44"
    "ff8877994433ee33aa119955dd88770077554466dd4455bb99880000ccff88dd3366dd66776611dd88117777ccffaa885544dd446622"
    "ff88aa2288ee5544ff992299cc77aa667722dd2266ff99ee8888ccbb2255aa3366dd88ccaa4477cc444455bb33bb553355bb77ffaadd"
    "4455eedd22aa9999ffdd4488dd4499dd8855ff88cc44bbee66ee88ee559900cc669922cccc6688bb228877550022ffccdd22eeee2255"
    "ee4488ffaaff994477ff99ddff88dd22ff55ff99cc44aa33bb55556666ffaa22447766ddcc66ee22cc88ee99555588ccff3366555599"
    "55ee9922dd77bb88eeff003300bbccff99aaee7799cc4477ff6688cc7766ee66777755bbbb4499dd66bb8899449911ee55aa77dd1122"
    "ee5533cc559922ff88dd7788ee6655cc110033cceeaa33aaee77bbcc3388cc55446644ccbbee11ccbb009966224477bbaa117755bb99"
    "bb0011ff99996677ffff884466ee66cc55ff7744dd66bb66aa00aaaa66aadd5500bb119900ccdd22aa889900bbff5599bb3355dd7733"
    "aa662222dddd8855dd8822ff"
)
DISTINCT: NDArray[np.uint8] = np.frombuffer(bytes.fromhex(_TABLE), np.uint8).reshape(MOST, 3)
_VOC = (
    *("background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
)


def class_colors(
    classes: Sequence[str] | int, own: Mapping[tuple[int, int, int], int] | None = None
) -> NDArray[np.uint8]:
    """Choose a colour for every class: the same one wherever the classes are painted.

    Args:
        classes: names of the classes in the order of their ids, or how many there are if they have no names.
        own: ids by the colours of the data set's own class file, as `datasets.classes.ClassTable.colors`; of several
            colours of one class the first is taken. None or empty where it has none.

    Returns:
        `(K, 3)` uint8 RGB: the classes' own colours; VOC's if the classes are its 21, by name or, without names, by
        number; else black for a class 0 called background or without a name, and `DISTINCT` for the others. Past 256
        classes they come again.

    Raises:
        ValueError: if there is no class.

    Example:
        >>> class_colors(["sky", "road"]).tolist()
        [[0, 153, 255], [255, 221, 0]]
        >>> class_colors(["sky", "road"], {(70, 130, 180): 0, (128, 64, 128): 1}).tolist()
        [[70, 130, 180], [128, 64, 128]]
    """
    unnamed = isinstance(classes, (int, np.integer))
    count = int(classes) if isinstance(classes, (int, np.integer)) else len(classes)
    if count < 1:
        raise ValueError(f"`classes` may be names, or their number from 1 on. Received: {classes!r}.")
    colors = _chosen(None if unnamed else tuple(classes), count)  # type: ignore[arg-type]
    for color, index in reversed(dict(own or {}).items()):
        if index < count:
            colors[index] = color
    return colors


def _chosen(names: tuple[str, ...] | None, count: int) -> NDArray[np.uint8]:
    if count == len(_VOC) and (names is None or tuple(_letters(names)) == _VOC):
        return palette(count)
    black = np.zeros((1, 3), np.uint8)
    first = black[: 1 if names is None or background_of(names) == 0 else 0]
    repeated = np.tile(DISTINCT, (-(-count // MOST), 1))
    return np.concatenate([first, repeated])[:count]


def _letters(names: Iterable[str]) -> Iterable[str]:
    """Yield names as VOC writes them: `TV/monitor` and `potted plant` mean its classes, too."""
    return (re.sub(r"[\W_]+", "", name).casefold() for name in names)


def file_palette(colors: ArrayLike) -> bytes:
    """Return the colours of a palette PNG's 256 ids: the classes', and void's for all others.

    Args:
        colors: `(K, 3)` uint8 RGB, K of 1..256.
    """
    table = np.full((MOST, 3), VOID_COLOR, np.uint8)
    table[: len(np.asarray(colors))] = colors
    return table.tobytes()


def hexadecimal(color: Sequence[int]) -> str:
    """Return a colour as web pages write it: `(255, 221, 0)` as `"#ffdd00"`.

    Args:
        color: red, green and blue, 0..255.
    """
    return "#{:02x}{:02x}{:02x}".format(*map(int, color))
