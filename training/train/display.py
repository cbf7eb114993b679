"""Show on a terminal where a run stands, in at most five lines, below everything that is printed meanwhile."""

import collections
import contextlib
import io
import sys
import threading

from rich.console import Group, RenderHook
from rich.control import Control
from rich.progress_bar import ProgressBar
from rich.segment import ControlType, Segment
from rich.table import Table
from rich.text import Text

from fcn_keras_console.printing import visible
from fcn_keras_console.words import percent

from .run_progress import rounded, step_duration

SECONDS = 0.5  # between two drawings
# From the cursor to the end of the screen; rich has the code, on whose kind only the consoles of old Windows look.
ERASE = Segment("\r\x1b[J", None, [(ControlType.CARRIAGE_RETURN,)])


class Display(RenderHook, contextlib.AbstractContextManager):
    """Draw a run's progress while a `with` block runs; the lines are gone after it.

    Between two drawings the cursor waits where the lines begin, and the first one is empty. So a line that goes past
    the console, from native code or a terminal's `^C`, stands by itself, and the next drawing goes on below it. Nothing
    is caught: what a process writes as it dies is seen.

    Args:
        progress: the `RunProgress`; nothing is drawn before its first stage begins.
        console: rich's, of a terminal.

    Attributes:
        waiting: what is to be printed on stderr with the next drawing. A signal's handler may append: it must not print
            amid another print.
    """

    def __init__(self, progress, console):
        self.progress, self.console = progress, console
        self.waiting = collections.deque()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._draw_on, name="display", daemon=True)
        self._streams = contextlib.ExitStack()

    def __enter__(self):
        for redirect, stream in (
            (contextlib.redirect_stdout, sys.stdout),
            (contextlib.redirect_stderr, sys.stderr),
        ):
            if stream.isatty():
                above = self._streams.enter_context(redirect(_Above(self, stream)))
                self._streams.callback(above.end_line)
        self.console.push_render_hook(self)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()
        self._print_waiting()
        self._streams.close()
        self.console.pop_render_hook()
        self.console.print(_Erase(), end="")

    def print(self, text):
        """Print text above the lines; the terminal breaks what is wider than itself, so it can be copied whole."""
        self.console.print(Text(visible(text)), soft_wrap=True)

    def draw(self):
        """Draw the lines anew, and what waits above them."""
        self._print_waiting()
        self.console.print(Control())

    def process_renderables(self, renderables):
        """Put what is printed in the place of the lines, and the lines below; rich calls it for every print."""
        return [_Erase(), *renderables, _Lines(self.progress)]

    def _draw_on(self):
        with contextlib.suppress(OSError):  # the terminal is gone: whoever prints next says so
            while not self._over.wait(SECONDS):
                self.draw()

    def _print_waiting(self):
        while self.waiting:
            print(self.waiting.popleft(), file=sys.stderr, flush=True)


class _Above(io.TextIOBase):
    """What a stream of Python's is while the display stands: its lines go above, whole."""

    def __init__(self, display, stream):
        self.display, self.stream = display, stream
        self._begun = ""

    encoding = property(lambda self: self.stream.encoding)
    errors = property(lambda self: self.stream.errors)

    def write(self, text):
        *lines, self._begun = (self._begun + text).split("\n")
        if lines:
            self.display.print("\n".join(lines))
        return len(text)

    def end_line(self):
        """Print a line that was begun only."""
        if self._begun:
            self.write("\n")

    def writable(self):
        return True

    def isatty(self):
        return self.stream.isatty()

    def fileno(self):
        return self.stream.fileno()


class _Erase:
    def __rich_console__(self, console, options):
        yield ERASE


class _Lines:
    """The lines, cut at the console's width and height, with the cursor where they begin."""

    def __init__(self, progress):
        self.progress = progress

    def __rich_console__(self, console, options):
        lines = []
        if self.progress.stage is not None:
            # Not the options of the print that these lines stand below: it may not wrap.
            lines = console.render_lines(Group("", *lines_of(self.progress)), console.options, pad=False)
        lines = lines[: max(0, console.height - 1)]
        for line in lines:
            yield from line
            yield Segment.line()
        if lines:
            yield Control((ControlType.CURSOR_UP, len(lines))).segment


def lines_of(progress):
    """Return the display's lines, rich's renderables: stage, bar, scores and time left."""
    stage, count = progress.stage, len(progress.stages)
    title = f"{stage.name}, stage {stage.number} of {count}" if count > 1 else stage.name
    if (phase := progress.phase) is not None:
        counted = _bar(phase.done, phase.total, f"{phase.done} of {phase.total}")
        return [_line(title, "bold"), _line(phase.name), counted, _line(time_left(progress))]
    where = f"{title}: epoch {min(stage.ended + 1, stage.epochs)} of {stage.epochs}"
    if stage.ending:
        where += ", validation"
        total = max(stage.scored, stage.validation_images)
        counted = _bar(stage.scored, total, f"{stage.scored} of {total} images" if stage.scored else f"{total} images")
    else:
        words = f"batch {stage.batch} of {stage.steps_per_epoch}"
        if (seconds := progress.step_seconds) is not None:
            words += f", {step_duration(seconds)} a step"
        counted = _bar(stage.batch, stage.steps_per_epoch, words)
    return [_line(where, "bold"), counted, _line(_scores(stage)), _line(time_left(progress))]


def time_left(progress):
    """Say how long stage and run still take, such as `left: 12 min of this stage, 1 h 05 min of the run`."""
    of_phase, of_stage, of_run = progress.phase_left(), progress.stage_left(), progress.run_left()
    if of_run is None:
        known = "known after the first steps"
        return f"left: {rounded(of_phase)} of this; the rest is {known}" if of_phase else f"left: {known}"
    if progress.stage.number == len(progress.stages):
        return f"left: {rounded(of_run)}"
    return f"left: {rounded(of_stage)} of this stage, {rounded(of_run)} of the run"


def _scores(stage):
    loss = "loss -" if stage.loss is None else f"loss {stage.loss:.4g}"
    if not stage.mean_ious:
        return f"{loss}, mean IU after the first epoch"
    last = f"{loss}, mean IU {percent(stage.mean_ious[-1])} %"
    if stage.best == len(stage.mean_ious) - 1:
        return f"{last} (the best)"
    return f"{last} (best {percent(stage.mean_ious[stage.best])} %, epoch {stage.best + 1})"


def _line(text, style=""):
    return Text(text, style, no_wrap=True, overflow="crop")


def _bar(done, total, words):
    row = Table.grid(expand=True, padding=(0, 1))
    row.add_column(ratio=1)
    row.add_column(no_wrap=True, overflow="crop")
    row.add_row(ProgressBar(total=max(1, total), completed=done), words)
    return row
