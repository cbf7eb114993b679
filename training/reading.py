"""What becomes of files that cannot be read: `--on-error fail` ends the command, `skip` names and counts them."""

import sys


def add_option(parser):
    parser.add_argument(
        "--on-error",
        choices=("fail", "skip"),
        default="fail",
        help="at a file that cannot be read or used: end with exit code 2, or name it on stderr, go on without it and "
        "count it at the end; exit code 2 all the same where nothing is left (default: %(default)s)",
    )


def attempted(read):
    """Make a function that returns the `ValueError` of `read` instead of raising it."""

    def attempt(item):
        try:
            return read(item)
        except ValueError as error:
            return error

    return attempt


class Unreadable:
    """Raise what it is called with (`fail`), or say and keep it (`skip`).

    Args:
        command: its name, for what is said.
        on_error: `"fail"` or `"skip"`.

    Attributes:
        skipped: what was said, one line a file.
    """

    def __init__(self, command, on_error):
        self.command, self.on_error, self.skipped = command, on_error, []

    def __call__(self, error):
        if self.on_error == "fail":
            raise error
        self.skipped.append(" ".join(str(error).split()))
        print(f"{self.command}: skipped: {self.skipped[-1]}", file=sys.stderr, flush=True)

    def require_some(self, left):
        """Raise a `ValueError` if nothing is left to work on."""
        if not left:
            raise ValueError(f"None of {len(self.skipped)} files can be read, and nothing is left without them.")

    def told(self):
        """Return the end of a summary: `"; 2 skipped"`, or nothing."""
        return f"; {len(self.skipped)} skipped" if self.skipped else ""
