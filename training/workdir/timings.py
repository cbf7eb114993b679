"""How long every epoch of a stage took: written while it trains, read by `fcn-report`."""

import csv
import math
import time

import keras

FIELDS = ("epoch", "batches", "training", "validation")


class Timings(keras.callbacks.Callback):
    """Append a row to a CSV file after every epoch: its batches, and the seconds of training and of validation.

    An epoch that a continued run began in the middle has the batches and the seconds of that run alone. It stands
    behind what validates, and before what saves and draws, which is not counted.

    Args:
        path: of the file.
    """

    def __init__(self, path):
        super().__init__()
        self.path = path

    def on_epoch_begin(self, epoch, logs=None):
        self.began = self.trained = time.monotonic()
        self.batches = 0

    def on_train_batch_end(self, batch, logs=None):
        self.trained = time.monotonic()
        self.batches += 1

    def on_epoch_end(self, epoch, logs=None):
        training, validation = self.trained - self.began, time.monotonic() - self.trained
        new = not self.path.exists()
        with self.path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            if new:
                writer.writerow(FIELDS)
            writer.writerow((epoch, self.batches, round(training, 3), round(validation, 3)))


def read_timings(path):
    """Read what `Timings` wrote: dicts by epoch of `batches`, `training` and `validation`.

    An epoch that was trained again, after a run was killed, counts once, as its last row says. A row that was cut short
    is left out.
    """
    timing_of = {}
    for row in read_table(path) if path.is_file() else []:
        try:
            epoch, *values = (float(row[name]) for name in FIELDS)
        except (KeyError, TypeError, ValueError):
            continue
        if all(math.isfinite(value) and value >= 0 for value in (epoch, *values)):
            timing_of[int(epoch)] = dict(zip(FIELDS[1:], values, strict=True))
    return timing_of


def read_table(path):
    """Read the rows of a CSV file as dicts of text by column.

    Raises:
        ValueError: if it is no such file.
    """
    try:
        with path.open(newline="", encoding="utf-8", errors="replace") as file:
            return list(csv.DictReader(file))
    except csv.Error as error:
        raise ValueError(f"{path} is not CSV ({error}). Restore it from a copy, or remove it.") from None
