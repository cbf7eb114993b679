"""What is another here than it was at the export, and may be why answers differ."""

from fcn_keras_console.environment import processor, threads
from fcn_keras_console.exported.runtime import runtime_of

from .answers import FLOAT32


def here(exported):
    """Tell what the probe runs with: the facts of `..probe.Probe` that a machine decides."""
    return {"runtime": runtime_of(exported.format), "processor": processor(), "threads": threads()}


def reasons(facts, found, computes_in, in_float32=None):
    """List what differs, a line each, the likeliest first.

    Args:
        facts: of the probe.
        found: what `here` returned.
        computes_in: as `answers.deviation_of` tells it.
        in_float32: the `Deviation` in float32 instead, in words; None where that was not tried, as with a file that is
            to be computed in bfloat16.
    """
    lines = []
    if computes_in not in (FLOAT32, facts.get("precision")):
        instead = "" if in_float32 is None else f": {in_float32}"
        lines.append(
            f"OpenVINO computes in {computes_in} on this processor by itself. With INFERENCE_PRECISION_HINT=f32 it "
            f"computes in float32{instead}."
        )
    lines += [
        f"{name}: {value} here, {facts[name]} at the export."
        for name, value in found.items()
        if facts.get(name) not in (None, value)
    ]
    return lines
