"""Stop a run at a moment that a test chooses."""

import os
import signal

from training.train import callbacks


def stop_at(monkeypatch, event, count, *, number=signal.SIGTERM):
    """Send this process a signal in the `count`-th call of one of the checkpoint callback's methods."""
    method, calls = getattr(callbacks.Checkpoint, event), []

    def counted(self, *arguments, **options):
        calls.append(None)
        if len(calls) == count:
            os.kill(os.getpid(), number)
        return method(self, *arguments, **options)

    monkeypatch.setattr(callbacks.Checkpoint, event, counted)
