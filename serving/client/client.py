"""Ask a model server to label images: TF Serving or `fcn-serve`, over REST or gRPC. Never imports TensorFlow."""

import itertools
import os
import random
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from ..errors import ServingError
from .connect import connect
from .transport import ModelAddress, TryAgain

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0  # seconds between two tries; doubled each time
LONGEST_TIMEOUT = 86400.0  # sockets and gRPC take no infinity
# What `fcn-export` calls the input of each argument. An only input may have any name.
ARGUMENTS = {"image_bytes": "image", "rgb_bytes": "image", "depth_png_bytes": "depth", "hha_bytes": "hha"}
# Answers that may mean that another version, with another signature, took over.
_CHANGED = {"INVALID_ARGUMENT", "FAILED_PRECONDITION", "NOT_FOUND"}


class ImageRefused(ValueError):
    """The server cannot label this image: it says why."""


class Answer(NamedTuple):
    """What became of one image.

    Attributes:
        image: as it was given.
        labels: as `Client.predict` returns them; None after an error.
        outputs: what else the model gives, by name, such as `confidence`; files are bytes.
        error: the exception, or None.
    """

    image: Any
    labels: Any
    outputs: dict
    error: Exception | None

    @property
    def confidence(self):
        """How probable the model finds its labels, of a model that was exported with `--extra confidence_map`.

        Returns:
            `(H, W)` uint8, 255 times the probability of the label; a dict of them by head where the model has several;
            None where it gives none, and after an error.

        Raises:
            ServingError: if what the server sent cannot be read.
        """
        from .payload import confidence_of

        return confidence_of(self.labels, self.outputs)


class Client:
    """A model on a server, seen from here as a function from images to labels.

    One client serves any number of threads.

    Args:
        url: the server: `http://host:8501` or `https://...` for REST, `grpc://host:8500` or `grpcs://...` for gRPC
            (grpcio and protobuf). A path is put before REST's `/v1/models`.
        model: its name on the server.
        version: number of the version to ask; default the newest.
        label: name of the version to ask, such as `"canary"`, instead of its number.
        signature: one that takes image files and gives label PNGs.
        scale: at which size photographs are scored, instead of as the model was exported: `"none"`, a factor such as
            0.25, or the longer side such as 640. For models that know a scale: they have the signature
            `serving_scaled`, which is asked then.
        timeout: seconds for a call with all its tries.
        retries: tries after the first where the server is busy (429, 503, RESOURCE_EXHAUSTED, UNAVAILABLE), as in a
            roll-out, or out of reach. The pause doubles from 0.2 to 5 seconds; a longer `Retry-After` is kept to.
        headers: sent with every request (gRPC: metadata).
        token: sent as `Authorization: Bearer ...`: over https and grpcs, or to this machine.
        ca_file: PEM file of the authority that the server's certificate is from, or of the certificate itself; default
            those that this machine trusts.

    Raises:
        ValueError: on an argument outside the values above.
        OSError: if `ca_file` cannot be read.
        ImportError: if gRPC's packages are missing.
    """

    def __init__(
        self,
        url,
        *,
        model="model",
        version=None,
        label=None,
        signature="serving_default",
        scale=None,
        timeout=60.0,
        retries=5,
        headers=None,
        token=None,
        ca_file=None,
    ):
        _check_which(model, version, label)
        if not 0 < timeout <= LONGEST_TIMEOUT:
            raise ValueError(f"`timeout` is a number of seconds, up to a day. Received: {timeout!r}.")
        if isinstance(retries, bool) or not isinstance(retries, int) or retries < 0:
            raise ValueError(f"`retries` is a whole number from 0 on. Received: {retries!r}.")
        self._scale = None if scale is None else {"scale": str(scale).encode()}
        signature = signature if scale is None else "serving_scaled"
        self._model, self._timeout, self._retries = ModelAddress(model, version, label, signature), timeout, retries
        self._transport = connect(url, self._model, headers or {}, token, ca_file)
        self._metadata, self._closed = None, threading.Event()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Close the connections. Calls under way in other threads fail."""
        self._closed.set()
        self._transport.close()

    def predict(self, image, *, depth=None, hha=None):
        """Label every pixel of one image.

        Args:
            image: path of a JPEG, PNG, BMP or WebP file, or its bytes: both are sent as they are, and turned upright
                by their EXIF orientation on the server. Or a PIL image, which is turned so here, or `(H, W, 3)` uint8
                RGB: sent as PNG.
            depth: for RGB-D models, `(H, W)` uint16 millimetres, or a 16-bit PNG's path or bytes.
            hha: for RGB-HHA models, as `image`.

        Returns:
            `(H, W)` uint8 class ids (uint16 above 256 classes). A dict of them by head where the model has several.

        Raises:
            ImageRefused: (a ValueError) if the server cannot label the image; the message says why.
            ValueError: if an argument is not what the model takes.
            OSError: if a file cannot be read.
            TimeoutError: if no answer came within `timeout`.
            ServingError: on any other answer; `code` is a gRPC status name such as `"NOT_FOUND"`, also over REST.
        """
        return self._predict({"image": image, "depth": depth, "hha": hha}, "the image")[0]

    def predict_many(self, images, *, concurrency=4, progress=None):
        """Label images, several at once.

        Draws no more than `2 * concurrency` images ahead of those that it gave back, so `images` may be endless.

        Args:
            images: iterable of what `predict` takes: images, or dicts such as `{"image": ..., "depth": ...}`.
            concurrency: requests at once.
            progress: called with the number of images answered, after each.

        Yields:
            `Answer`, in the order of `images`. An error of one image (as of `predict`) is in its answer, and the
            others go on.

        Raises:
            ValueError: if `concurrency` is no positive int, or `images` is one image.
            ServingError, TimeoutError: if the server does not have the model or cannot be reached, at the start.
        """
        from PIL import Image

        if isinstance(concurrency, bool) or not isinstance(concurrency, int) or concurrency < 1:
            raise ValueError(f"`concurrency` is a positive whole number. Received: {concurrency!r}.")
        if isinstance(images, (str, bytes, os.PathLike, Image.Image)):
            raise ValueError("`images` is an iterable of images. Received: one. Call `predict`, or put it in a list.")
        return self._predict_many(images, concurrency, progress)

    def status(self):
        """List the model's versions on the server, loaded and not: `version`, `state`, `code` and `message` of each.

        Raises:
            ServingError, TimeoutError: as `predict`.
        """
        return self._retry(self._transport.status)

    def served_models(self):
        """List the names of the models that the server has, where it tells them: `fcn-serve` does over REST.

        Raises:
            ServingError: UNIMPLEMENTED if it does not, such as TensorFlow Serving, and gRPC.
            TimeoutError: as `predict`.
        """
        return self._retry(self._transport.served_models)

    def class_colors(self, version):
        """Return the colours of a version's classes, where the server tells them: `fcn-serve` does over REST.

        Returns:
            dict of `(K, 3)` uint8 by head, an only head being `""`; of the heads whose colours the version holds.

        Raises:
            ServingError: UNIMPLEMENTED if it does not, such as TensorFlow Serving, and gRPC.
            TimeoutError: as `predict`.
        """
        return self._retry(lambda seconds: self._transport.class_colors(version, seconds))

    def metadata(self):
        """Ask which version answers, and what the signature takes and gives: `version`, `inputs` and `outputs`.

        Raises:
            ServingError, TimeoutError: as `predict`.
        """
        self._metadata = self._retry(self._transport.metadata)
        return self._metadata

    def inputs(self, arguments):
        """Map the arguments of `predict` to the names of the model's inputs.

        Args:
            arguments: set of those that will be given, such as `{"image", "depth"}`.

        Raises:
            ValueError: if the model takes others.
            ServingError, TimeoutError: as `predict`.
        """
        arguments = {*arguments, *(self._scale or ())}
        metadata = self._metadata or self.metadata()
        names = _names_by_argument(metadata.inputs)
        if arguments != set(names):  # perhaps a version of another kind took over
            metadata = self.metadata()
            names = _names_by_argument(metadata.inputs)
        if any(spec.dtype != "string" for spec in metadata.inputs.values()):
            taken = ", ".join(f"{name} ({spec.dtype})" for name, spec in metadata.inputs.items())
            raise ValueError(f"Signature {self._model.signature!r} takes {taken}. Expected one that takes image files.")
        if arguments != set(names):
            taken, received = (" and ".join(sorted(some, reverse=True)) for some in (names, arguments))  # image first
            raise ValueError(f"Model {self._model.name!r} takes {taken}. Received: {received or 'nothing'}.")
        return names

    def _predict_many(self, images, concurrency, progress):
        if self._metadata is None:
            self.metadata()
        pool = ThreadPoolExecutor(concurrency)
        try:
            for answered, answer in enumerate(self._in_order(images, pool, 2 * concurrency), 1):
                if progress:
                    progress(answered)
                yield answer
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _in_order(self, images, pool, most):
        """Yield the answers for images in their order, of which at most `most` are under way."""
        pending = deque()
        for index, image in enumerate(images):
            pending.append(pool.submit(self._answer, image, f"image {index}"))
            while pending and (len(pending) >= most or pending[0].done()):
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()

    def _answer(self, image, name):
        try:
            arguments = image if isinstance(image, dict) else {"image": image}
            return Answer(image, *self._predict(arguments, name), None)
        except (ValueError, TypeError, OSError, ServingError) as error:
            return Answer(image, None, {}, error)

    def _predict(self, arguments, name):
        """Return the labels of one image, and the other outputs."""
        from .payload import file_of, labels_of

        arguments = {argument: value for argument, value in arguments.items() if value is not None}
        arguments |= self._scale or {}
        names = self.inputs(set(arguments))
        metadata = self._metadata or self.metadata()  # another thread may forget it from here on
        if isinstance(arguments.get("image"), (str, os.PathLike)):
            name = os.fspath(arguments["image"])
        files = {names[argument]: file_of(value, argument) for argument, value in arguments.items()}
        try:
            outputs = self._retry(lambda seconds: self._transport.predict(files, metadata, seconds))
        except ServingError as error:
            if error.code in _CHANGED:
                self._metadata = None
            raise
        if outputs.get("status"):
            raise ImageRefused(f"{name}: {outputs['status']}")
        return labels_of(outputs, name)

    def _retry(self, ask):
        """Call `ask(seconds)` until it answers, the tries are used up, or there is no time left for another."""
        deadline = time.monotonic() + self._timeout
        for attempt in itertools.count():
            self._require_open()
            try:
                return ask(max(deadline - time.monotonic(), 0.001))
            except TryAgain as error:
                self._require_open()
                pause = min(FIRST_PAUSE * 2**attempt, LONGEST_PAUSE) * random.uniform(0.5, 1)
                pause = max(pause, error.after)
                if attempt >= self._retries or time.monotonic() + pause >= deadline:
                    raise
                self._closed.wait(pause)
            except TimeoutError as error:
                limit = f"`timeout` is {self._timeout:g} s."
                if time.monotonic() < deadline:
                    limit = "That is the server's limit, such as fcn-serve --rest_api_timeout_in_ms."
                raise TimeoutError(f"{str(error).removesuffix('.')}. {limit}") from error

    def _require_open(self):
        if self._closed.is_set():
            raise ServingError("CANCELLED", "The client is closed.")


def _check_which(model, version, label):
    if not isinstance(model, str) or not model or set(model) & set("/:"):
        raise ValueError(f"`model` is a name without / and :. Received: {model!r}.")
    if version is not None and (isinstance(version, bool) or not isinstance(version, int) or version < 0):
        raise ValueError(f"`version` is a whole number from 0 on. Received: {version!r}.")
    if version is not None and label is not None:
        raise ValueError(f"`version` and `label` exclude each other. Received: {version!r} and {label!r}.")


def _names_by_argument(inputs):
    """Map the arguments of `predict` to a signature's inputs; an input that is none of them to itself."""
    if len(inputs) == 1:
        return {"image": next(iter(inputs))}
    return {ARGUMENTS.get(name, name): name for name in inputs}
