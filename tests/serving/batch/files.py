"""A SavedModel made by hand, whose labels are an image's red channel; images for it; a bucket on this disk."""

import io
from pathlib import Path

import numpy as np
from apache_beam.io.filesystem import BeamIOError, FileMetadata
from apache_beam.io.localfilesystem import LocalFileSystem
from PIL import Image

from fcn_keras_console.digests import digests_below, write_sealed

NAMES = ["sky", "road, wet", "car"]
REFUSAL = b"This is a GIF."


def save_model(folder, *, heads=("",), inputs=("image_bytes",), names=NAMES, bias=0):
    """Write a SavedModel with the signatures of fcn-export's, which refuses GIF files and fails on damaged ones."""
    import tensorflow as tf

    def answer(contents):
        def label():
            red = tf.io.decode_png(contents, channels=3)[..., :1] + bias
            png = tf.io.encode_png(red)
            return {**{f"{head or 'label'}_png_bytes": png for head in heads}, "status": ""}

        nothing = {**{f"{head or 'label'}_png_bytes": "" for head in heads}, "status": REFUSAL}
        return tf.cond(tf.strings.substr(contents, 0, 3) == b"GIF", lambda: nothing, label)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name) for name in inputs])
    def serving_default(files, *_):
        specs = {f"{head or 'label'}_png_bytes": tf.TensorSpec([], tf.string) for head in heads}
        return tf.map_fn(answer, files, fn_output_signature={**specs, "status": tf.TensorSpec([], tf.string)})

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3], tf.float32, "image")])
    def predict_scores(image):
        return {f"{head}_scores".lstrip("_"): image for head in heads}

    signatures = {"serving_default": serving_default, "predict_scores": predict_scores}
    tf.saved_model.save(tf.Module(), str(folder), signatures=signatures)
    for head in heads if names else ():
        name = f"classes_{head}.txt" if head else "classes.txt"
        (Path(folder) / "assets" / name).write_text("".join(f"{name}\n" for name in names))
    return sealed(folder)


def sealed(folder):
    """Write the digests of a model's files, as fcn-export does."""
    (Path(folder) / "model.json").unlink(missing_ok=True)
    write_sealed(Path(folder) / "model.json", {"name": "fcn"}, digests_below(folder))
    return folder


def png(*rows):
    """Encode rows of red values."""
    pixels = np.zeros((len(rows), len(rows[0]), 3), np.uint8)
    pixels[..., 0] = rows
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def put(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, contents in files.items():
        (folder / name.replace("__", ".")).write_bytes(contents)
    return folder


class RoomFileSystem(LocalFileSystem):
    """A bucket: `room://path` is the file `path`, folders are only beginnings of names, and renaming replaces none."""

    @classmethod
    def scheme(cls):
        return "room"

    def has_dirs(self):
        return False

    def join(self, basepath, *paths):
        return "/".join([basepath.rstrip("/"), *paths])

    def exists(self, path):
        return local(path).is_file()

    def metadata(self, path):
        return FileMetadata(path, local(path).stat().st_size)

    def _list(self, dir_or_prefix):
        for path in local(dir_or_prefix).parent.rglob("*"):
            if path.is_file() and f"room:/{path}".startswith(dir_or_prefix):
                yield self.metadata(f"room:/{path}")

    def _path_open(self, path, mode, *_):
        return local(path).open(mode)

    def create(self, path, *_, **__):
        local(path).parent.mkdir(parents=True, exist_ok=True)
        return local(path).open("wb")

    def rename(self, source_file_names, destination_file_names):
        for source, target in zip(source_file_names, destination_file_names, strict=True):
            if self.exists(target):
                raise BeamIOError(f"{target} exists")  # as HDFS says
            local(source).rename(local(target))

    def delete(self, paths):
        for path in paths:
            local(path).unlink()


def local(path):
    assert path.startswith("room://"), path
    return Path(path.removeprefix("room:/"))
