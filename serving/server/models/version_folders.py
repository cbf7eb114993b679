"""The folders of versions below the base paths."""

import logging
import os
from pathlib import Path

from ..settings import Specific

LOG = logging.getLogger(__name__)


class VersionFolders:
    """Look for versions; warn of what is missing once, not at every look."""

    def __init__(self):
        self._warned = {}  # {model: the warning}

    def look(self, config):
        """Find the versions that a model's policy chooses.

        Args:
            config: `ModelConfig`.

        Returns:
            `{version: pathlib.Path}`, or None where one cannot look, which says nothing of the versions there.
        """
        try:
            folders = _version_folders(config.base_path)
        except OSError as error:
            self._warn(
                config.name,
                f"Could not find base path {config.base_path} for servable {config.name} with error {error}",
            )
            return None
        chosen = config.policy.choose(folders)
        missing = sorted(set(config.policy.versions) - set(chosen)) if isinstance(config.policy, Specific) else []
        if missing:
            self._warn(
                config.name,
                f"Versions {missing} of servable {config.name}, which were requested to be served as 'specific' "
                "versions in the servable's version policy, were not found in the file system",
            )
        elif not chosen:
            self._warn(
                config.name,
                f"No versions of servable {config.name} found under base path {config.base_path}. Did you forget to "
                "name your leaf directory as a number (eg. '/1/')?",
            )
        else:
            self._warned.pop(config.name, None)
        return {version: folders[version] for version in chosen}

    def _warn(self, name, message):
        if self._warned.get(name) != message:
            self._warned[name] = message
            LOG.warning(message)


def _version_folders(base_path):
    """Find the folders with numbers for names; of `1` and `001` the former counts, as in TF Serving."""
    with os.scandir(base_path) as entries:
        return {
            int(entry.name): Path(entry.path)
            for entry in sorted(entries, key=lambda entry: entry.name)
            if entry.name.isascii() and entry.name.isdecimal() and int(entry.name) < 2**63 and entry.is_dir()
        }
