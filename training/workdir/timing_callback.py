"""Write down how long every epoch of a stage takes, while it trains."""

import csv
import time

import keras

from .timings import FIELDS


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
