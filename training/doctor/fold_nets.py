"""The nets of all folds as one that is asked: each mask goes to the net that never saw it."""

import gc

from fcn_keras_console.words import percent

from .asked_net import AskedNet

OUT_OF_FOLD = (
    "Out-of-fold: each mask is judged by the one of {} nets that was not trained on it, nor on near-duplicates of it. "
    "Only which of its epochs is the best was chosen by the masks that it judges."
)
SCORES = "The nets' mean IU on what they judge: {} %."


class FoldNets:
    """Ask several networks, one of which is in memory at a time: ask the pairs of a fold one after the other.

    Args:
        path: of the folder of them all.
        trained: `fold_training.TrainedFold`s, by number of the fold.
        fold_of: by index of a pair, the number of its fold.
        class_names: of the data set.
        load: from a path and the class names to the network.

    Attributes:
        path: as given.
    """

    def __init__(self, path, trained, fold_of, class_names, load=AskedNet):
        self.path = path
        self._trained, self._fold_of, self._class_names, self._load = trained, fold_of, class_names, load
        self._loaded, self._net = None, None

    def fold(self, index):
        """Return the number of a pair's fold."""
        return self._fold_of[index]

    def __call__(self, pixels, index):
        """Return what the network of a pair's fold says, as `AskedNet` does."""
        number = self.fold(index)
        if number != self._loaded:
            self._net = None
            gc.collect()  # of nets of half a gigabyte no two
            self._net, self._loaded = self._load(self._trained[number].path, self._class_names), number
        return self._net(pixels, index)

    def trained_on(self, files):
        """Tell of each image file that the network that is asked about it was not trained on it."""
        return [False] * len(files)

    def notes(self, trained):
        """Say in sentences how the images were judged, and how good the networks are."""
        scores = ", ".join(percent(fold.mean_iu) for fold in self._trained)
        return [OUT_OF_FOLD.format(len(self._trained)), SCORES.format(scores)]
