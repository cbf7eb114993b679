"""Views of images, as maps of a network's frozen layers: computed once, kept in files.

A view is an example after augmentation. Those that are trained on are kept with their mirror images.
"""

import shutil
import zipfile

import keras
import numpy as np

from fcn_keras_console.files import ManyFiles, read_json, write_json

MAP, LABEL = "map.", "label"
LARGEST = np.finfo(np.float16).max


class Views:
    """The files of a folder, one for each view, in the order in which they are drawn.

    Maps are kept in float16: those of bfloat16 exactly, those of float32 rounded to 11 bits.

    Args:
        folder: for the files; created with the first one.
        examples: number of examples that views are made of.
        decided_by: JSON-able, everything that decides what the files hold.
        mirrored: whether the mirror image of each is a view too, the one that follows it.
    """

    def __init__(self, folder, examples, decided_by, *, mirrored):
        self.folder = folder
        self.examples = examples
        self.decided_by = decided_by
        self.copies = 2 if mirrored else 1

    def __len__(self):
        return self.examples * self.copies

    def path(self, number):
        return self.folder / f"{number:06}.npz"

    def complete(self):
        """Return of how many examples, from the first on, the views are there and whole.

        Every file is read once, so that a damaged one is found before training starts. Views that something else
        decided are removed.
        """
        settings = self.folder / "views.json"
        if settings.is_file() and read_json(settings) != self.decided_by:
            self.remove()
        return next((number for number in range(len(self)) if not self._whole(number)), len(self)) // self.copies

    def compute(self, frozen, stream, first=0, progress=None):
        """Compute the views of the examples from `first` on.

        Args:
            frozen: model from a batch to a dict of maps, of `cut`.
            stream: iterable of batches of one example, `(inputs, labels)`, from example `first` on.
            first: number of the first one.
            progress: called after every example.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        write_json(self.folder / "views.json", self.decided_by)
        batches = iter(stream)
        with ManyFiles() as files:
            for number in range(first, self.examples):
                inputs, labels = keras.tree.map_structure(np.asarray, next(batches))
                images = keras.tree.map_structure(lambda x: np.concatenate([x, x[:, :, ::-1]][: self.copies]), inputs)
                maps = keras.tree.map_structure(keras.ops.convert_to_numpy, frozen.predict_on_batch(images))
                for copy in range(self.copies):
                    ids = keras.tree.map_structure(lambda x, step=-1 if copy else 1: x[0][:, ::step], labels)
                    self._write(number * self.copies + copy, {name: x[copy] for name, x in maps.items()}, ids, files)
                if progress is not None:
                    progress()

    def sizes(self):
        """Return the (H, W) of every view."""
        shapes = []
        for number in range(len(self)):
            _, labels = self.read(number, ())
            shapes.append(next(iter(labels.values())).shape)
        return shapes

    def read(self, number, names):
        """Read a view.

        Args:
            number: which one.
            names: of its maps.

        Returns:
            list of the maps, `(h, w, channels)` float16, and a dict of the labels by head, `(H, W)`; the only head of
            most networks is `""`.

        Raises:
            ValueError: if the file is damaged.
        """
        path = self.path(number)
        try:
            with np.load(path, allow_pickle=False) as file:  # compares the checksum of every member
                labels = {name.removeprefix(LABEL): file[name] for name in file.files if name.startswith(LABEL)}
                return [file[MAP + name] for name in names], labels
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise ValueError(
                f"{path} is missing or damaged ({error}). Give the same command again: it computes the file anew."
            ) from None

    def remove(self):
        """Remove the folder, whatever is in it."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _whole(self, number):
        try:
            with zipfile.ZipFile(self.path(number)) as archive:
                return archive.testzip() is None
        except (OSError, zipfile.BadZipFile):
            return False

    def _write(self, number, maps, labels, files):
        with files.written(self.path(number)) as temporary:
            _save(temporary, maps, labels)


def _save(path, maps, labels):
    heads = labels if isinstance(labels, dict) else {"": labels}
    arrays = {MAP + name: np.minimum(x.astype(np.float32), LARGEST).astype(np.float16) for name, x in maps.items()}
    np.savez(path, **arrays, **{LABEL + head: ids for head, ids in heads.items()})
