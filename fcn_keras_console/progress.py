"""A bar with rate and time left, where somebody looks at it."""

import contextlib
import logging
import sys
import time

from .options import SHARED
from .printing import Printed, drawn_on, in_one_line

SECONDS = 10  # between two lines of a log


class Progress(contextlib.AbstractContextManager):
    """Show how far a loop is on stderr: `with Progress("Scoring", "images") as progress: ...; progress(done, total)`.

    Shows nothing where stderr is no terminal, so that logs and pipes stay clean, nor where `--verbose` writes lines
    there, which tell the same.

    Args:
        title: what is being done.
        unit: what is counted, in the plural.
        quiet: show nothing at all.
        logged: where stderr is no terminal, write lines: for what takes minutes and says nothing else meanwhile.
        every: seconds between two of these lines, at least.

    Attributes:
        title: may change.
    """

    def __init__(self, title, unit, *, quiet=False, logged=False, every=SECONDS):
        self.title, self.unit = title, unit
        wanted = not (quiet or logging.getLogger(SHARED).isEnabledFor(logging.DEBUG))
        self.shown = wanted and sys.stderr.isatty()
        self._logged = wanted and logged and not self.shown
        self._every = every
        self._next = time.monotonic() + every
        self._bar = self._task = None

    def __call__(self, done, total):
        """Show that `done` of `total` are done; a total of None is not known."""
        if self._logged and time.monotonic() >= self._next:
            self._next = time.monotonic() + self._every
            print(in_one_line(self._line(done, total)), file=sys.stderr, flush=True)
        if not self.shown:
            return
        if self._bar is None:
            self._bar = _bar(self.unit)
            self._task = self._bar.add_task(in_one_line(self.title), total=total)
            before = sys.stdout
            self._bar.start()
            if sys.stdout is not before:  # what rich prints above the bar
                sys.stdout = Printed(sys.stdout, "stdout")
        self._bar.update(self._task, description=in_one_line(self.title), completed=done, total=total)

    def _line(self, done, total):
        return f"{self.title}: {done}{'' if total is None else f' of {total}'} {self.unit}"

    def __exit__(self, *_):
        if self._bar is not None:
            self._bar.stop()


def _bar(unit):
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task):
            return Text(f"{task.speed:.1f} {unit}/s" if task.speed else "")

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Rate(), TimeRemainingColumn()
    # What goes to stdout passes above the bar, unless it goes to a file or a pipe. The bar stays on the terminal while
    # a library's words on stderr are caught.
    return Bar(*columns, console=Console(file=drawn_on(sys.stderr)), redirect_stdout=sys.stdout.isatty())
