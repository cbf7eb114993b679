"""How many pixels a request may have, by the memory that it may take."""

from typing import NamedTuple

MAX_DECODED = 64_000_000  # pixels of a photograph that is reduced before it is scored: 192 MB
WHOLE = 480_000  # pixels that a network which cannot be cut scores in 512 MiB, if it is a VGG16 of full width
PART = 3 * 2**17  # pixels that a part of an image has at most: up to 627x627, it is one
PART_MEMORY = 192 * 2**20  # bytes that it takes at most: of a VGG16 of full width as many
COPIES = 2  # of a photograph: one that is turned, or what the allocator keeps of the decoder's
SLACK = 3  # bytes a pixel that the allocator may lose (an FCN-8s took 1.21 GiB in all at 64 million pixels)
PART_SLACK = 4 / 3  # times the memory of a part, measured alike
BEHIND = 8  # bytes a pixel: the PNG of labels, and what is counted of them
MAP = 3  # bytes a pixel of a confidence map: itself, its PNG, and a copy of that in the answer
SCORES_BEHIND = 1.3  # times the scores of a reduced photograph: their classes, and what is read of them a band


class Limits(NamedTuple):
    """Pixels, height times width.

    Attributes:
        scored: of a photograph that is scored at its own size.
        reduced: at which another one is scored.
        decoded: of another one, before it is reduced.
    """

    scored: int
    reduced: int
    decoded: int


def part_memory(stages, memory):
    """Return the bytes that a part of a network's stages may take.

    Args:
        stages: `fcn_keras.inference.stages.Stages`.
        memory: bytes that a request may take, or None.
    """
    most = PART_MEMORY if memory is None else min(PART_MEMORY, memory / 4)
    return min(most, PART * max(x.working for x in stages.stages))


def limits_of(network, *, memory, max_pixels, maps=0):
    """Choose the limits of a network.

    Args:
        network: `frozen_network.Network`.
        memory: bytes that a request may take besides the loaded network; None for any.
        max_pixels: a limit on what is scored, in pixels; None for none of its own.
        maps: how many confidence maps an answer has.
    """
    most = MAX_DECODED if max_pixels is None else max_pixels
    if network.reason is not None or memory is None:
        scored = WHOLE if network.reason is not None and max_pixels is None else most
        return Limits(scored, scored, max(scored, MAX_DECODED))
    image = sum(5 + 8 if count == 4 else count for count in network.channels.values())  # RGB-D: its two files besides
    labels = sum(1 if count <= 256 else 2 for count in network.classes.values())
    beside = COPIES * image + labels + MAP * maps
    left, half = (x - PART_SLACK * network.way.memory for x in (memory, memory / 2))
    # First maps wait, then what is made of them.
    scored = min(_maps_in(left, network.way, beside + SLACK), left / (beside + SLACK + BEHIND))
    # Half of the memory is for a photograph and its labels, half for what is scored of it.
    scores = SCORES_BEHIND * 4 * sum(network.classes.values())
    reduced = min(_maps_in(half, network.way, SLACK), half / (SLACK + scores))
    decoded = memory / 2 / (beside + BEHIND)
    return Limits(min(int(scored), most), min(int(reduced), most), min(int(decoded), MAX_DECODED))


def _maps_in(memory, way, beside):
    """Count the pixels whose maps fit, and `beside` bytes a pixel: with a full block, or with all that is in blocks."""
    taken = beside + way.waiting
    return max((memory - way.block) / taken, memory / (taken + way.in_blocks))
