"""Divide the rows and columns of each stage's maps into parts that fit into a budget of memory."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from fcn_keras.inference.stages import Map, Stage, Stages
from fcn_keras.inference.whole import bytes_of
from fcn_keras.receptive_field import kernel_and_stride

_FAR = 2**20  # where no border is in sight
_FINER = 1.2  # by which parts shrink until they fit


class Step(NamedTuple):
    """What a stage reads along one axis, and which of the pixels that it computes are kept.

    Attributes:
        reads: first pixel of each input map, and the one behind the last; outside the map there are zeros.
        keeps: the same of each output map.
        skips: computed pixels before the first that is kept, of each output.
    """

    reads: tuple[tuple[int, int], ...]
    keeps: tuple[tuple[int, int], ...]
    skips: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """How the stages are divided for images of one size.

    Attributes:
        rows, columns: steps of each stage along each axis.
        memory: bytes that it is expected to take besides image and result.
    """

    rows: tuple[tuple[Step, ...], ...]
    columns: tuple[tuple[Step, ...], ...]
    memory: float


def plan(stages: Stages, height: int, width: int, memory: float, output: str) -> Plan:
    """Choose parts as large as a budget allows, since every part computes its margin besides.

    Half of the budget is for the rows of maps that wait until they are needed, half for a part that is computed. All
    stages compute the same share of margins: the coarser the map, the wider its margin and the higher its parts. A
    stage without a margin has parts as high as fit.

    Args:
        stages: of the model.
        height, width: of the image.
        memory: bytes.
        output: as for `predict`: `"labels"` take a byte a pixel.

    Returns:
        `Plan`; where the budget is below what the smallest parts take, that of the smallest parts.
    """
    down, across = stages.lengths(height), stages.lengths(width)
    lost = [wasted(x) for x in stages.stages]
    fitting = [_highest(x, w > 0, max(across.values()), memory / 2) for x, w in zip(stages.stages, lost, strict=True)]
    factor = math.ceil(down[stages.inputs[0]] / min(x.phase for x in stages.stages)) + 1.0
    while True:
        times = [
            min(int(factor * w / x.phase), most) if w else most
            for x, w, most in zip(stages.stages, lost, fitting, strict=True)
        ]
        rows = [steps(x, down, max(1, n) * x.phase) for x, n in zip(stages.stages, times, strict=True)]
        waiting = _waiting(stages, rows, across, output)
        if waiting <= memory / 2 or not any(n > 1 for n, w in zip(times, lost, strict=True) if w):
            break
        factor /= _FINER
    columns, working = [], 0.0
    for stage, parts in zip(stages.stages, rows, strict=True):
        tall = max(_span(stage, step) for step in parts)
        most = memory / 2 / stage.working / tall
        columns.append(steps(stage, across, most - overlap(stage)))
        wide = max(_span(stage, step) for step in columns[-1])
        working = max(working, tall * wide * stage.working)
    return Plan(tuple(map(tuple, rows)), tuple(map(tuple, columns)), waiting + working)


def steps(stage: Stage, lengths: Mapping[int, int], kept: float) -> list[Step]:
    """Divide one axis of a stage.

    Args:
        stage: whose maps are divided.
        lengths: of every map along this axis.
        kept: image pixels that a part keeps at most; at least one `phase` is kept.

    Returns:
        `Step`s in order. All parts have one size, but where the length of a map is no multiple of the phase.
    """
    main = main_map(stage)
    top, over = margins(stage)[0], overlap(stage)
    reach = main.stride * lengths[main.key]
    phase = stage.phase
    kept = max(phase, int(kept) // phase * phase)
    count = max(1, math.ceil((reach - over) / kept))
    kept = max(phase, math.ceil((reach - over) / count / phase) * phase)
    count = max(1, math.ceil((reach - over) / kept))
    end = max(x.stride * lengths[x.key] for x in stage.outputs)
    # The first part has no margin above it, and keeps that much more: so all are of one size.
    first = 0 if stage.exact else top
    edges = [0, *(edge for edge in (first + place * kept for place in range(1, count)) if edge < end)]
    found = []
    for begin, stop in zip(edges, [*edges[1:], None], strict=True):
        latest = reach - (kept + over)
        found.append(_step(stage, lengths, begin, stop, latest))
    return found


def _step(stage: Stage, lengths: Mapping[int, int], begin: int, stop: int | None, latest: int = _FAR) -> Step:
    """Find what is read for the output pixels from `begin` to before `stop`, both in image pixels.

    Args:
        latest: where the part begins at the latest; only the last one of an axis is moved by it.
    """
    keeps = tuple(
        (begin // x.stride, lengths[x.key] if stop is None else min(stop // x.stride, lengths[x.key]))
        for x in stage.outputs
    )
    if stage.exact is not None:
        pad = kernel_and_stride(stage.exact)[0] // 2
        (start, end), *_ = keeps
        return Step(((start - pad, end + pad),), keeps, (0,) * len(keeps))
    seen = [
        (x.start + x.stride * first - radius, x.start + x.stride * (last - 1) + radius)
        for x, radius, (first, last) in zip(stage.outputs, stage.radii, keeps, strict=True)
        if last > first
    ]
    low, high = min(a for a, _ in seen), max(b for _, b in seen)
    phase = stage.phase
    real = [x for x, alone in zip(stage.inputs, stage.size_alone, strict=True) if not alone]
    starts = [x.stride * max(0, math.ceil((low - x.start) / x.stride)) for x in real]
    start = max(0, min([begin, *starts] if stop is not None else [begin, latest, *starts])) // phase * phase
    stops = [x.stride * (last - x.more) for x, (_, last) in zip(stage.outputs, keeps, strict=True)]
    stops += [x.stride * (min(math.floor((high - x.start) / x.stride) + 1, lengths[x.key]) - x.more) for x in real]
    end = math.ceil(max(stops) / phase) * phase
    at_end = any(end // x.stride + x.more >= lengths[x.key] for x in stage.inputs)
    reads = tuple((start // x.stride, lengths[x.key] if at_end else end // x.stride + x.more) for x in stage.inputs)
    skips = tuple(first - start // x.stride for x, (first, _) in zip(stage.outputs, keeps, strict=True))
    return Step(reads, keeps, skips)


def main_map(stage: Stage) -> Map:
    """Return the map of a `stage` whose length stands for a part's size."""
    if stage.exact is not None:
        return stage.outputs[0]
    return next(x for x, alone in zip(stage.inputs, stage.size_alone, strict=True) if not alone)


def margins(stage: Stage) -> tuple[int, int]:
    """Count the image pixels that a part of a `stage` far from all borders reads before and behind those it keeps."""
    if stage.exact is not None:
        return 0, 0
    everywhere = {x.key: 4 * _FAR for x in (*stage.inputs, *stage.outputs)}
    begin, end = _FAR, _FAR + stage.phase
    main = main_map(stage)
    first, last = _step(stage, everywhere, begin, end).reads[stage.inputs.index(main)]
    return begin - main.stride * first, main.stride * (last - main.more) - end


def overlap(stage: Stage) -> int:
    """Count the image pixels that a part of a `stage` reads besides those that it keeps."""
    return 0 if stage.exact else sum(margins(stage)) + main_map(stage).stride * main_map(stage).more


def wasted(stage: Stage) -> int:
    """Count the image pixels along one axis that a part of a `stage` computes and does not keep."""
    return 0 if stage.exact else sum(margins(stage)) + stage.outputs[0].stride * stage.outputs[0].more


def _highest(stage: Stage, square: bool, width: int, memory: float) -> int:
    """Count the phases that a part keeps at most to fit, if it is square or as wide as the image."""
    pixels = memory / stage.working
    side = pixels / min(width, math.sqrt(pixels)) if square else pixels / width
    return max(1, int((side - overlap(stage)) / stage.phase))


def _span(stage: Stage, step: Step) -> int:
    """Return the size of a part in image pixels."""
    if stage.exact is not None:
        return stage.outputs[0].stride * (step.keeps[0][1] - step.keeps[0][0])
    first, last = step.reads[stage.inputs.index(main_map(stage))]
    return main_map(stage).stride * (last - first)


def _waiting(stages: Stages, rows: Sequence[Sequence[Step]], across: Mapping[int, int], output: str) -> float:
    """Estimate the bytes of all rows that wait: what a later stage reads at once, and what is computed too early."""
    canvas, total = {x.map.key for x in stages.canvases}, 0.0
    results = {x.key for x in stages.results}
    for stage, parts in zip(stages.stages, rows, strict=True):
        for place, given in enumerate(stage.outputs):
            most = max(step.keeps[place][1] - step.keeps[place][0] for step in parts)
            size = bytes_of(output, given.bytes) if given.key in results else given.bytes
            total += size * given.stride**2 * most * across[given.key]
        for place, (taken, alone) in enumerate(zip(stage.inputs, stage.size_alone, strict=True)):
            if not alone and taken.key not in canvas:
                most = max(step.reads[place][1] - step.reads[place][0] for step in parts)
                total += taken.bytes * taken.stride**2 * most * across[taken.key]
    return total
