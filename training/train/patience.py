"""End a stage that has stopped becoming better."""

import keras

from .callbacks import mean_iu


def ran_out(scores, patience):
    """Tell whether a stage ends: `patience` epochs, one after the other, were no better than the best before them.

    Args:
        scores: validation mean IU by epoch; minus infinity where it was of other images.
        patience: number of epochs, or None for ever.
    """
    if patience is None or not scores or max(scores) == float("-inf"):
        return False
    return len(scores) - 1 - scores.index(max(scores)) >= patience


class Patience(keras.callbacks.Callback):
    """Stop `fit` after an epoch where patience ran out.

    It knows nothing but the scores, which a continued run reads from the log: it ends where the run would have ended.

    Args:
        patience: as for `ran_out`.
        scores: of the epochs before.
    """

    def __init__(self, patience, scores):
        super().__init__()
        self.patience = patience
        self.scores = list(scores)

    def ran_out(self):
        return ran_out(self.scores, self.patience)

    def on_epoch_end(self, epoch, logs=None):
        self.scores.append(mean_iu(logs))
        if self.ran_out():
            self.model.stop_training = True
