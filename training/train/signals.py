"""End on SIGTERM, Ctrl-C or when the terminal goes (SIGHUP): at once, or where nothing is lost."""

import contextlib
import signal
import sys
import threading

from fcn_keras_console import Interrupted

HANGUP = getattr(signal, "SIGHUP", None)  # Windows has none


class Signals:
    """Turn SIGTERM, SIGINT and SIGHUP into `Interrupted` while a `with` block runs.

    A SIGHUP that is ignored, as `nohup` asks for, stays so.

    Attributes:
        came: number of the signal that waits inside `deferred`, or None.
        say: called with a sentence when a signal has to wait; prints it on stderr unless it is set to something else.
    """

    def __init__(self):
        self.came = None
        self.say = _say
        self._deferred = False
        self._before = {}

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():  # no other may set handlers
            numbers = [signal.SIGTERM, signal.SIGINT]
            if HANGUP is not None and signal.getsignal(HANGUP) != signal.SIG_IGN:
                numbers.append(HANGUP)
            self._before = {number: signal.signal(number, self._handle) for number in numbers}
        return self

    def __exit__(self, *_):
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number, _):
        if self.came is not None and number == HANGUP:  # it comes twice, from the system and from the shell
            return
        if not self._deferred or self.came is not None:  # the second one does not wait
            raise _interrupted(number)
        self.came = number
        self.say(f"fcn-train: {signal.Signals(number).name}: saving after this batch")

    @contextlib.contextmanager
    def deferred(self):
        """Let the first signal wait until the body calls `stop`, or ends."""
        self._deferred = True
        try:
            yield
        finally:
            self._deferred = False
        self.stop()

    def stop(self):
        """End now if a signal came.

        Raises:
            Interrupted: then.
        """
        if self.came is not None:
            raise _interrupted(self.came)


def _interrupted(number):
    return Interrupted(f"stopped by {signal.Signals(number).name}", 128 + number)


def _say(sentence):
    print(sentence, file=sys.stderr, flush=True)
