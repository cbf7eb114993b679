"""Count the images of a run while its steps work, for the progress bar and the log.

It works in the process that runs both the command and the steps. Workers elsewhere import this file anew, where nobody
is told; what they did is in the table.
"""

import logging
import threading

LOG = logging.getLogger("fcn_keras")


class ProgressCounter:
    """How many images there are, and with how many the run is done. Steps count in several threads."""

    def __init__(self):
        self._lock = threading.Lock()
        self.restart(None)

    def restart(self, report):
        """Count from zero, and call `report(done, total)` whenever images are done; None for nobody."""
        self._report, self._done, self._total = report, 0, 0

    def add(self):
        """Count an image that was found. All are, before the first is read."""
        with self._lock:
            self._total += 1

    def settle(self, images):
        """Count images that need not be labelled, or cannot be."""
        with self._lock:
            self._done += images
            if images and self._report is not None:
                self._report(self._done, self._total)

    def finish(self, path, status):
        """Count an image that was to be labelled, and log what became of it."""
        LOG.debug("%s: %s", path, status)
        self.settle(1)


PROGRESS = ProgressCounter()
