"""The served models: which versions are loaded, and who uses them."""

import gc
import logging
import threading
import time
from contextlib import contextmanager
from typing import NamedTuple

from ...errors import ServingError
from .servable import load
from .version_folders import VersionFolders

LOG = logging.getLogger(__name__)


class ModelSpec(NamedTuple):
    """Which version of a model a request asks for; neither version nor label means the latest."""

    name: str
    version: int | None = None
    label: str | None = None


class VersionState(NamedTuple):
    """What a version is doing: START, LOADING, AVAILABLE, UNLOADING or END, and why it ended."""

    version: int
    state: str
    code: str = "OK"
    message: str = ""


class _Version:
    """A version in the list, whose fields change under the lock of `ModelManager`."""

    def __init__(self, folder):
        self.folder = folder
        self.state = "START"
        self.error = None
        self.servable = None
        self.users = 0
        self.tries = 0
        self.next_try = 0.0


class ModelManager:
    """Load the versions that the policies choose as they appear, and unload them when nobody uses them any more.

    One thread looks into the base paths and loads. A new version is loaded before an old one goes, so a model always
    answers; a version that fails to load leaves the others alone. Unlike TF Serving, a base path that is missing or
    empty and a version that fails do not keep the server from starting, and between two tries a failed version is
    END, with its error, where TF Serving says LOADING.

    Args:
        configs: list of `ModelConfig`.
        poll_seconds: pause between two looks; at 0 it looks at the start and at a `reload` only.
        allow_labels_of_unavailable: let new labels point to versions that are not loaded.
        warm_up: run the requests that a version brings for that, and its probe, before it answers.
        load_retries: how often a failed load is tried again.
        retry_seconds: pause before that.
    """

    def __init__(
        self,
        configs,
        *,
        poll_seconds=1.0,
        allow_labels_of_unavailable=False,
        warm_up=True,
        load_retries=5,
        retry_seconds=60.0,
    ):
        self._warm_up = warm_up
        self._poll_seconds = poll_seconds
        self._allow_labels_of_unavailable = allow_labels_of_unavailable
        self._load_retries = load_retries
        self._retry_seconds = retry_seconds
        self._configs = {}
        self._first_configs = list(configs)
        self._versions = {}  # {name: {version: _Version}}; versions that ended stay, for `status`
        self._folders = VersionFolders()
        self._changed = threading.Condition()
        self._asked_scans = self._done_scans = 0
        self._closing = False
        self._thread = threading.Thread(target=self._loop, name="models", daemon=True)

    def start(self):
        """Load what is there, and go on looking; return when the first loads have ended, well or not.

        Raises:
            ServingError: as `reload`.
        """
        self._accept(self._first_configs)
        self._thread.start()
        self._wait_for_scan()

    def close(self):
        """Unload everything; return when the last `use` has ended and all is unloaded."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    def reload(self, configs):
        """Serve these models and no others; return when the new ones have loaded.

        Raises:
            ServingError: INVALID_ARGUMENT or FAILED_PRECONDITION if the configs are refused, and nothing has changed;
                UNKNOWN if a new model did not load, and the rest has changed.
        """
        with self._changed:
            new = {config.name for config in configs} - set(self._configs)
            self._accept(configs)
        self._wait_for_scan()
        failed = [
            f"{{{{name: {name} version: {status.version}}} due to error: {status.code}: {status.message}}}, "
            for name in sorted(new)
            for status in self._statuses(name)
            if status.code != "OK"
        ]
        if failed:
            raise ServingError("UNKNOWN", f"{len(failed)} model(s) did not become available: {{{''.join(failed)}}}")

    def names(self):
        """List the names of the configured models."""
        with self._changed:
            return list(self._configs)

    @contextmanager
    def use(self, spec):
        """Hold the version that a request asks for; it is not unloaded before the block ends.

        Returns:
            context manager of a `Servable`.

        Raises:
            ServingError: NOT_FOUND, or INVALID_ARGUMENT for an unknown label.
        """
        with self._changed:
            entry = self._find(spec)
            entry.users += 1
        try:
            yield entry.servable
        finally:
            with self._changed:
                entry.users -= 1
                if entry.state == "UNLOADING":
                    self._changed.notify_all()

    def status(self, name, version=None):
        """List a model's versions with their states, those that ended too.

        Raises:
            ServingError: NOT_FOUND.
        """
        statuses = self._statuses(name)
        if version is not None:
            statuses = [status for status in statuses if status.version == version]
            if not statuses:
                raise ServingError("NOT_FOUND", f"Could not find version {version} of model {name}")
        if not statuses:
            raise ServingError("NOT_FOUND", f"Could not find any versions of model {name}")
        return statuses

    def answering(self):
        """List the versions that answer as `(name, version)`, by name, the newest first."""
        return [
            (name, status.version)
            for name in sorted(self.names())
            for status in self._statuses(name)
            if status.state == "AVAILABLE"
        ]

    def probed(self):
        """List what probes found of the versions that answer: `(name, version, Deviation, whether it is allowed)`."""
        with self._changed:
            return [
                (name, number, *entry.servable.probed)
                for name in self._versions
                for number, entry in self._available(name).items()
                if entry.servable.probed
            ]

    def _statuses(self, name):
        with self._changed:
            return [
                VersionState(number, entry.state, *((entry.error.code, entry.error.message) if entry.error else ()))
                for number, entry in sorted(self._versions.get(name, {}).items(), reverse=True)
            ]

    def _find(self, spec):
        if not spec.name:
            raise ServingError("INVALID_ARGUMENT", "ModelSpec has no name specified.")
        number, versions = spec.version, self._available(spec.name)
        if spec.label is not None:
            labels = self._configs[spec.name].labels if spec.name in self._configs else {}
            if spec.label not in labels:
                raise ServingError("INVALID_ARGUMENT", f"Unrecognized servable version label: {spec.label}")
            number = labels[spec.label]
        if number is None and versions:
            return versions[max(versions)]
        if number is not None and number in versions:
            return versions[number]
        request = f"Latest({spec.name})" if number is None else f"Specific({spec.name}, {number})"
        raise ServingError("NOT_FOUND", f"Servable not found for request: {request}")

    def _available(self, name):
        return {number: entry for number, entry in self._versions.get(name, {}).items() if entry.state == "AVAILABLE"}

    def _accept(self, configs):
        """Take configs over if TF Serving would, and ask for a scan."""
        with self._changed:
            names = set()
            for config in configs:
                if config.name in names:
                    raise ServingError(
                        "INVALID_ARGUMENT", f"Illegal to list model {config.name} multiple times in config list"
                    )
                names.add(config.name)
                self._check_labels(config)
            self._configs = {config.name: config for config in configs}
            self._asked_scans += 1
            self._changed.notify_all()

    def _check_labels(self, config):
        known = self._configs[config.name].labels if config.name in self._configs else {}
        for label, version in config.labels.items():
            moved = known.get(label, version) != version
            if version not in self._available(config.name) and (moved or not self._allow_labels_of_unavailable):
                raise ServingError(
                    "FAILED_PRECONDITION",
                    f"Request to assign label to version {version} of model {config.name}, which is not currently "
                    "available for inference",
                )

    def _wait_for_scan(self):
        with self._changed:
            asked = self._asked_scans
            self._changed.wait_for(lambda: self._done_scans >= asked or self._closing)

    def _loop(self):
        while not self._closing:
            asked = self._asked_scans
            for name in list({**self._versions, **self._configs}):
                try:
                    self._update(name)
                except Exception:  # such as a folder that nobody may read: it must not end the others
                    LOG.exception("Looking for versions of %s failed", name)
            self._unload_unused()
            with self._changed:
                self._done_scans = asked
                self._changed.notify_all()
                self._changed.wait_for(self._has_work, self._poll_seconds or None)
        self._unload_all()

    def _has_work(self):
        return self._closing or self._asked_scans > self._done_scans or self._unused()

    def _update(self, name):
        """Bring one model to what its policy asks for."""
        config = self._configs.get(name)
        chosen = self._folders.look(config) if config else {}
        if chosen is None:
            return
        self._enter(name, chosen)
        for version in sorted(chosen, reverse=True):
            if self._closing:
                return
            self._load_if_due(name, version)
        with self._changed:
            available = self._available(name)
            others = sorted(set(available) - set(chosen))
            if chosen and not set(chosen) & set(available):
                others = others[:-1]  # until a chosen one answers, one of the others does
            for version in others:
                available[version].state = "UNLOADING"

    def _enter(self, name, chosen):
        """List the chosen versions that are new, or were unloaded, or went away after they failed."""
        with self._changed:
            versions = self._versions.setdefault(name, {})
            for version, folder in chosen.items():
                entry = versions.get(version)
                if entry is None or (entry.state == "END" and entry.error is None):
                    versions[version] = _Version(folder)
            for version in set(versions) - set(chosen):
                versions[version].tries = versions[version].next_try = 0

    def _load_if_due(self, name, version):
        with self._changed:
            entry = self._versions[name][version]
            due = entry.state == "START" or (entry.state == "END" and entry.tries <= self._load_retries)
            if not due or time.monotonic() < entry.next_try:
                return
            entry.state, entry.error = "LOADING", None
        servable, error = _try_to_load(name, version, entry.folder, self._warm_up)
        with self._changed:
            entry.servable, entry.error = servable, error
            entry.state = "AVAILABLE" if servable else "END"
            entry.tries += 1
            entry.next_try = time.monotonic() + self._retry_seconds

    def _unused(self):
        return [
            entry
            for versions in self._versions.values()
            for entry in versions.values()
            if entry.state == "UNLOADING" and not entry.users
        ]

    def _unload_unused(self):
        with self._changed:
            unused = self._unused()
        for entry in unused:
            servable = entry.servable
            servable.close()
            with self._changed:
                entry.servable, entry.state = None, "END"
            LOG.info("Unloaded %s version %d", servable.name, servable.version)
        if unused:
            entry = servable = None
            gc.collect()  # a TensorFlow graph refers to itself, and may hold all weights

    def _unload_all(self):
        with self._changed:
            for name in self._versions:
                for entry in self._available(name).values():
                    entry.state = "UNLOADING"
            while any(entry.state == "UNLOADING" for entries in self._versions.values() for entry in entries.values()):
                self._changed.wait_for(self._unused)
                self._unload_unused()


def _try_to_load(name, version, folder, warm_up):
    """Load a version; return it and None, or None and its `ServingError`."""
    LOG.info("Loading %s version %d from %s", name, version, folder)
    start = time.monotonic()
    try:
        servable = load(name, version, folder, warm_up=warm_up)
    except ServingError as error:
        LOG.error("Loading %s version %d failed: %s: %s", name, version, error.code, error.message)
        return None, error
    except Exception as error:  # whatever is wrong with a file, the other models go on
        LOG.exception("Loading %s version %d failed", name, version)
        return None, ServingError("UNKNOWN", f"{type(error).__name__}: {error}")
    how = ", with its warm-up" if warm_up else ""
    LOG.info("Loaded %s version %d in %.1f s%s", name, version, time.monotonic() - start, how)
    return servable, None
