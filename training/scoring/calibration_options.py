"""The options of `fcn-evaluate` on how far probabilities can be believed."""


def add_options(parser):
    parser.add_argument(
        "--calibration",
        action="store_true",
        help="measure how far the model's probabilities can be believed, and which temperature would mend them",
    )
    parser.add_argument("--by-class", action="store_true", help="with --calibration: ECE of every class's probability")
    parser.add_argument(
        "--temperature",
        type=float,
        metavar="T",
        help="with --calibration: divide the scores by it, such as one that was fitted to other images, and fit none",
    )


def check(arguments):
    """Refuse options that do not go together.

    Raises:
        ValueError: if one needs another, or a temperature is out of range.
    """
    for option, given in (("--by-class", arguments.by_class), ("--temperature", arguments.temperature is not None)):
        if given and not arguments.calibration:
            raise ValueError(f"{option} belongs to --calibration. Say both, or neither.")
    require_temperature(arguments.temperature)
    if arguments.calibration and arguments.tta:
        raise ValueError("--calibration is of the scores of single images, --tta of copies. Leave one of them out.")


def require_temperature(temperature):
    """Refuse a `--temperature` that scores cannot be divided by; None is none."""
    if temperature is not None and not 0.001 <= temperature <= 1000:
        raise ValueError(f"--temperature is a number from 0.001 to 1000. Received: {temperature:g}.")


def calibrations_of(arguments, counts, examples):
    """Return `SplitCalibration` by head, for images that are to be scored, or None without `--calibration`.

    Args:
        arguments: values of the command.
        counts: number of classes by head.
        examples: the data set.
    """
    from .calibration import SplitCalibration

    if not arguments.calibration:
        return None
    options = {"temperature": arguments.temperature, "by_class": arguments.by_class}
    arguments.calibrations = {head: SplitCalibration(count, len(examples), **options) for head, count in counts.items()}
    return arguments.calibrations
