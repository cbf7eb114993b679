"""Whether this processor multiplies bfloat16 in units of its own; without Keras, which the parent does not import."""

from pathlib import Path

FLAGS = Path("/proc/cpuinfo")
NONE = "the processor has no AMX (amx_bf16 in /proc/cpuinfo), without which bfloat16 is no faster"


def has_amx():
    """Tell what Linux says of the first processor."""
    lines = FLAGS.read_text().splitlines() if FLAGS.exists() else []
    return "amx_bf16" in next((line for line in lines if line.startswith("flags")), "").split()
