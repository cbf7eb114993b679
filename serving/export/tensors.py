"""What an exported network takes and answers, alike in every format: names and types of its inputs and outputs."""

# Weights in a kernel that a graph holds as a constant: conv5_3 has 2.4 million, fc7 16.8 million, fc6 102.8 million.
LARGEST_CONSTANT = 4_000_000


def output_name(head, content):
    """Name an output: `"sem"` and `"label"` give `"sem_label"`; an only head, `""`, gives `"label"`."""
    return f"{head}_{content}" if head else content


def pixel_dtype(channels):
    """Return the dtype of images of whole numbers; depth, the fourth channel, is in millimetres.

    Args:
        channels: number of channels of every input.
    """
    return "uint16" if 4 in channels else "uint8"


def label_dtype(classes):
    """Return the dtype of a head's labels."""
    return "uint8" if classes <= 256 else "uint16"
