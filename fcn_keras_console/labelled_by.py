"""A folder of labels says which net made them, so that those of two nets do not get mixed."""

import datetime
import logging

from .files import read_json, write_json

LOG = logging.getLogger("fcn_keras_console")
NET = "net"  # key of what tells nets from each other
FILE = ".fcn-labels.json"  # hidden: whoever reads the folder's JSON files reads annotations


def is_record(path):
    """Tell whether a file says which net labelled its folder."""
    return path.name == FILE


class LabelledBy:
    """Which net labels a folder, and by which options; written down with the first label.

    Args:
        folder: of the labels.
        net: what it is called, for people.
        decided_by: JSON-able dict of what decides the labels, by the words of options; `NET` tells nets apart.
    """

    def __init__(self, folder, net, decided_by):
        self._folder, self._net, self._decided_by = folder, str(net), decided_by
        self._file = folder / FILE
        self._written = False

    def require_same(self, results, *, replace):
        """Make sure that the labels in the folder, if there are any, were made by the same net and options.

        Args:
            results: function that yields the labels and pictures in the folder that are ours.
            replace: whether to remove those of another net instead.
        Where an older version made them, which did not say by what net, that is told, and they stay.

        Raises:
            ValueError: if another one made them, or the file that says so is damaged.
        """
        theirs = read_json(self._file) if self._file.exists() else None
        if theirs is None:
            if next(iter(results()), None) is not None:
                LOG.warning(
                    "%s holds labels that do not say by which net: what is not labelled now stays.", self._folder
                )
            return
        differing = _differing(theirs.get("decided_by"), self._decided_by)
        if differing and next(iter(results()), None) is not None:
            if not replace:
                raise ValueError(
                    f"{self._folder} holds labels by {theirs.get('net')}, begun on {theirs.get('begun')}, and now "
                    f"{differing}. Choose another --output, or say --replace, which removes those labels first."
                )
            for path in list(results()):
                path.unlink()
        self._written = not differing

    def write(self):
        """Write it down, before the first label."""
        if not self._written:
            begun = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
            write_json(self._file, {"net": self._net, "begun": begun, "decided_by": self._decided_by})
            self._written = True


def _differing(theirs, ours):
    """Say what differs first, or nothing."""
    theirs = theirs if isinstance(theirs, dict) else {}
    for key in (*ours, *theirs):
        if theirs.get(key) != ours.get(key):
            here = "the net is another" if key == NET else f"{key} is {_given(ours.get(key))}"
            return f"{here} ({_given(theirs.get(key))} then)"
    return ""


def _given(value):
    return "not given" if value is None else value
