"""The options of test-time augmentation, which several commands have."""

SCALES = "0.75,1,1.25"
LARGEST = 4  # a copy takes the square of its scale in memory, tiles or not


def add_options(parser):
    parser.add_argument(
        "--tta",
        action="store_true",
        help="decide by the mean over several copies of an image, mirrored and rescaled: more time, mostly better",
    )
    parser.add_argument(
        "--tta-scales",
        metavar="S,S",
        help=f"scales of the copies, each of them plain and mirrored (default: {SCALES}, 6.25 times the work)",
    )


def scales_of(arguments):
    """Return the scales of the copies, or None without `--tta`.

    Raises:
        ValueError: if they are out of range, or given without `--tta`.
    """
    given = arguments.tta_scales
    if not arguments.tta:
        if given is not None:
            raise ValueError("--tta-scales belongs to --tta. Say both, or neither.")
        return None
    try:
        scales = tuple(float(text) for text in (SCALES if given is None else given).split(","))
    except ValueError:
        scales = (0.0,)
    if not all(0 < scale <= LARGEST for scale in scales):
        raise ValueError(
            f"--tta-scales are numbers above 0 and up to {LARGEST}, divided by commas, such as {SCALES}. "
            f"Received: {given}."
        )
    return scales


def refuse(arguments, path):
    """Refuse `--tta` for a network that `fcn-export` wrote.

    Raises:
        ValueError: if it is given.
    """
    if arguments.tta:
        raise ValueError(f"--tta is for .keras files. {path} is run by its own runtime, each image once. Leave it out.")


def copies_predictor(scales, **options):
    """Return a function that predicts as `fcn_keras.predict` does, by the mean over copies of an image.

    Args:
        scales: as for `fcn_keras.predict_augmented`. What it gives as scores are the mean probabilities.
        options: `tile` and `memory` of that.
    """

    def predict(model, image, *, output):
        import fcn_keras as fcn

        kind = "probabilities" if output == "scores" else output
        return fcn.predict_augmented(model, image, scales=scales, output=kind, **options)

    return predict
