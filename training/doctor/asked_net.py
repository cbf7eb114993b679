"""The network that is asked about masks: its probabilities, and whether it was trained on the very images."""

from pathlib import Path

from fcn_keras_console.words import counted

TRAINED_ON = (
    "{} of the {} asked about are among those that the net was trained on. It has learnt their masks and mistakes, and "
    "contradicts fewer: these are held against each other. To be surer of them, ask a net trained without them, or say "
    "--folds 5."
)
UNKNOWN = (
    "Nothing beside {} says which images the net was trained on. Masks that it learnt it contradicts less, mistakes "
    "too: ask it about others if you can."
)


class AskedNet:
    """Load a network, for masks of these classes.

    Args:
        path: of the `.keras` file.
        class_names: of the data set.

    Attributes:
        path: of the file.

    Raises:
        ValueError: if it is damaged, takes another thing than photographs, has several heads or other classes.
    """

    def __init__(self, path, class_names):
        from fcn_keras.interface import class_counts, modality_of
        from fcn_keras.scaled_inference import photographs_of

        from ..scoring.scale_options import usual_scale
        from ..workdir.trained_model import class_names_beside, load_model

        self.path = Path(path)
        self._net = load_model(self.path)
        counts, modality = class_counts(self._net), modality_of(self._net)
        if list(counts) != [""] or modality != "rgb":
            heads = ", ".join(filter(None, counts)) or "one"
            raise ValueError(
                f"--model takes a net of photographs with one head. {path} takes {modality}; heads: {heads}. "
                "Name another net."
            )
        require_same(self.path, counts[""], class_names_beside(self.path), class_names)
        known = photographs_of(self._net)
        self._photographs = known if usual_scale(known) is None else None

    def fold(self, index):
        """Return 0: this network judges every pair."""
        return 0

    def __call__(self, pixels, index):
        """Return the `(h, w, C)` probabilities of a pair's `(H, W, 3)` uint8, at the size at which it is seen."""
        import fcn_keras as fcn
        from fcn_keras.photographs import scaled_size
        from fcn_keras.scaling import area_reduced

        if self._photographs is not None:
            size = scaled_size(pixels.shape[:2], self._photographs)
            pixels = pixels if size == pixels.shape[:2] else area_reduced(pixels, size)
        return fcn.predict(self._net, pixels, output="probabilities")

    def trained_on(self, files):
        """Tell of each image file whether the network was trained on it; None where nothing beside it says that."""
        from fcn_keras_console.workdir import StageFiles

        from ..workdir.data_list import digest_of_file, read_data_list

        listed = read_data_list(StageFiles(self.path.parent).data)
        if listed is None or "image" not in getattr(listed.splits.get("train"), "digests", {}):
            return [None] * len(files)
        known = set(listed.splits["train"].digests["image"])
        return [digest_of_file(file) in known for file in files]

    def notes(self, trained):
        """Say in sentences what `trained_on` means for the images asked about."""
        if None in trained:
            return [UNKNOWN.format(self.path)]
        return [TRAINED_ON.format(f"{sum(trained):,}", counted(len(trained), "image"))] if any(trained) else []


def require_same(path, count, names, class_names):
    """Refuse a network of other classes than the data set's.

    Args:
        path: of the network.
        count: of its classes.
        names: of its classes, or None; numbers are no names.
        class_names: of the data set.

    Raises:
        ValueError: if the numbers differ, or both have names and these differ.
    """
    from fcn_keras_console.workdir import decisions_beside

    named = [each is not None and list(each) != list(map(str, range(len(each)))) for each in (names, class_names)]
    if count == len(class_names) and (not all(named) or list(names) == list(class_names)):
        return
    mine = f"{count} classes" + (f" ({', '.join(names)})" if named[0] else "")
    theirs = f"{len(class_names)}" + (f" ({', '.join(class_names)})" if named[1] else "")
    read = decisions_beside(path).get("overrides", {})
    options = [
        f"--{key.replace('_', '-')} {read[key]}"
        for key in ("classes", "ignore_label")
        if isinstance(read.get(key), int | str)
    ]
    trained = f" It was trained with {' '.join(options)}." if options else ""
    raise ValueError(
        f"--model {path} has {mine}, the masks have {theirs}. Ask a net of the same classes in the same order, or say "
        f"--classes and --ignore-label.{trained}"
    )
