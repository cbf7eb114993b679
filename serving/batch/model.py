"""The SavedModel in `fcn-batch`: what its files say, and Apache Beam's `RunInference` on it."""

import fnmatch
import hashlib
import io
import logging
from typing import NamedTuple

from apache_beam.io.filesystems import FileSystems
from apache_beam.ml.inference.base import ModelHandler

from fcn_keras_console.digests import Digest, compared, damage, differences, digest_of, parse_sealed
from fcn_keras_console.exported.find import PROBE

from .filesystems import files_below, local_copy, open_file, read_file

LOG = logging.getLogger("fcn_keras_console")  # whose notices every command prints
MODEL_FILES = "saved_model.pb", "variables/*", "assets/*"
DESCRIPTIONS = "saved_model.pb", "assets/classes*.txt"
RECORD = "model.json"
# The operator's of a server, and what processors are compared by.
SETTINGS = "batching_params.pbtxt", "assets.extra/tf_serving_warmup_requests", PROBE
SCALED = "serving_scaled"  # the signature whose images come each with a scale
LARGE = 200 * 2**20  # bytes of weights from which the processes of one machine share a model


class ModelDescription(NamedTuple):
    """What a SavedModel's files say about it."""

    folder: str
    classes: dict[str, list[str]]  # by head; an only head is `""`
    fingerprint: str  # of all that is loaded, and of the scale
    digests: dict[str, Digest]  # of all that is loaded, by name

    @property
    def size(self):
        """Bytes of graph and weights."""
        return sum(digest.bytes for name, digest in self.digests.items() if not name.startswith("assets/"))


def read_model(folder, scale=None):
    """Read what `fcn-batch` has to know of a SavedModel.

    Args:
        folder: absolute path of a version's folder, or of the folder of versions: then the highest.
        scale: another than the model's own that it is to look at photographs at, or None.

    Returns:
        `ModelDescription`.

    Raises:
        ValueError: where there is no such model, it is not what was exported, takes more than one file an image, or
            takes no other scale.
    """
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf import saved_model_pb2

    if not FileSystems.exists(FileSystems.join(folder, "saved_model.pb")):
        names = [path.split("/")[-2] for path in files_below(folder, FileSystems.join("*", "saved_model.pb"))]
        versions = [int(name) for name in names if name.isdecimal()]
        if not versions:
            raise ValueError(f"{folder} holds no SavedModel. --model is a folder that fcn-export wrote.")
        folder = FileSystems.join(folder, str(max(versions)))
    descriptions = {path: read_file(path) for kind in DESCRIPTIONS for path in files_below(folder, kind)}
    files = {path[len(folder) + 1 :]: contents for path, contents in descriptions.items()}
    digests = _digests(folder, files)
    try:
        signatures = saved_model_pb2.SavedModel.FromString(files["saved_model.pb"]).meta_graphs[0].signature_def
    except (DecodeError, IndexError) as error:
        raise ValueError(f"{folder}/saved_model.pb is damaged. Export or copy it again.") from error
    classes = {head: _names(folder, head, count, files) for head, count in _class_counts(folder, signatures).items()}
    if scale is not None and SCALED not in signatures:
        raise ValueError(f"{folder} takes no --scale: it was exported from a model that knows none. Leave it out.")
    fingerprint = hashlib.sha256(repr((scale or "", sorted(digests.items()))).encode()).hexdigest()
    return ModelDescription(folder, classes, fingerprint, digests)


def _digests(folder, files):
    """Compare a model's files with the digests of its export, and return those of all that is loaded.

    Where there are none, they are computed, so that workers elsewhere load what was read here.

    Args:
        files: contents that were read already, by name.
    """

    def opened(name):
        if name in files:
            return io.BytesIO(files[name])
        path = FileSystems.join(folder, name)
        if not FileSystems.exists(path):
            raise FileNotFoundError(path)
        return open_file(path)

    record = FileSystems.join(folder, RECORD)
    digests = parse_sealed(read_file(record), record)[1] if FileSystems.exists(record) else None
    if digests is None:
        LOG.warning("%s has no digests of its files: damage would not be noticed. Export it again to get them", folder)
        found = {path[len(folder) + 1 :] for kind in MODEL_FILES for path in files_below(folder, kind)}
        return {name: digest_of(opened(name)) for name in sorted(found)}
    if wrong := list(differences({name: one for name, one in digests.items() if name not in SETTINGS}, opened)):
        raise damage(folder, wrong)
    return {name: one for name, one in digests.items() if any(fnmatch.fnmatch(name, kind) for kind in MODEL_FILES)}


def _class_counts(folder, signatures):
    """Return the number of classes by head, as the signatures tell."""
    inputs = sorted(signatures["serving_default"].inputs)
    counts = {
        name.removesuffix("scores").rstrip("_"): tensor.tensor_shape.dim[-1].size
        for name, tensor in sorted(signatures["predict_scores"].outputs.items())
    }
    if not inputs or not counts:
        raise ValueError(f"{folder} has not the signatures of a model that fcn-export wrote.")
    if inputs != ["image_bytes"]:
        raise ValueError(f"{folder} takes {' and '.join(inputs)}, and fcn-batch has one file an image. Use fcn-query.")
    return counts


def _names(folder, head, count, files):
    name = f"assets/classes_{head}.txt" if head else "assets/classes.txt"
    if name not in files:
        return [f"class_{number}" for number in range(count)]
    names = files[name].decode().splitlines()
    if len(names) != count:
        raise ValueError(f"{folder}/{name} holds one name a class, {count}. Received: {len(names)}.")
    return names


class Labels(NamedTuple):
    """What the model answers for one image.

    Attributes:
        pngs: by head.
        scaled: how it was scaled, such as `"scaled 4000x3000 -> 480x360"`; empty where it was not.
    """

    pngs: dict[str, bytes]
    scaled: str = ""


class SavedModel:
    """The loaded model. Its one method takes and gives plain values, so that processes can share it."""

    def __init__(self, path, heads, digests, scale=None):
        import tensorflow as tf

        self._heads, self._scale = heads, scale
        with local_copy(path, MODEL_FILES) as folder, compared(folder, digests):
            self._model = tf.saved_model.load(folder)
        self._answer = self._model.signatures["serving_default" if scale is None else SCALED]

    def label(self, files):
        """Return `Labels` for every file, or a text that says why not."""
        import tensorflow as tf

        inputs = {"image_bytes": tf.constant(files)}
        if self._scale is not None:
            inputs["scale"] = tf.constant([self._scale] * len(files))
        try:
            outputs = {name: x.numpy() for name, x in self._answer(**inputs).items()}
        except tf.errors.OpError as error:
            if len(files) > 1:
                return [self.label([file])[0] for file in files]
            return [_reason(error)]
        pngs = {head: outputs[f"{head or 'label'}_png_bytes"] for head in self._heads}
        problems = outputs.get("status", [b""] * len(files))
        return [
            problem.decode() if problem else Labels({head: column[i] for head, column in pngs.items()}, scaled)
            for i, (problem, scaled) in enumerate(zip(problems, _scaled(outputs, len(files)), strict=True))
        ]


def _scaled(outputs, count):
    """Say of every image how it was scaled, "" where it was not."""
    if "scored_height" not in outputs:
        return [""] * count
    names = ("width", "height", "scored_width", "scored_height")
    sizes = zip(*(outputs[name].tolist() for name in names), strict=True)
    return ["" if size[:2] == size[2:] else "scaled {}x{} -> {}x{}".format(*size) for size in sizes]


def _reason(error):
    """Pick the sentence out of TensorFlow's report: the last line before the node's name."""
    lines = [line.strip() for line in error.message.partition("[[{{")[0].splitlines()]
    return next(filter(None, reversed(lines)), type(error).__name__)


class Labeller(ModelHandler):
    """Beam's `RunInference` on `serving_default`: `(image, contents)` -> `(image, answer of SavedModel.label)`.

    Beam's own TensorFlow handlers load by Keras and TensorFlow Hub, and stack arrays of one shape.
    """

    def __init__(self, model, *, batch_size, shared, scale=None):
        super().__init__(min_batch_size=batch_size, max_batch_size=batch_size, large_model=shared)
        self._model = model.folder, list(model.classes), model.digests, scale

    def load_model(self):
        return SavedModel(*self._model)

    def run_inference(self, batch, model, inference_args=None):
        images, files = zip(*batch, strict=True)
        return list(zip(images, model.label(list(files)), strict=True))

    def get_num_bytes(self, batch):
        return sum(len(contents) for _, contents in batch)  # by default Beam pickles it to find out
