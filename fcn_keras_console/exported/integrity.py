"""Whether an exported network's files are those that `fcn-export` wrote."""

import logging
from functools import partial

from ..digests import damage, differences, from_lines, open_below, read_sealed
from .find import PROBE, PROBE_ENDING, SAVED_MODEL

LOG = logging.getLogger("fcn_keras_console")  # whose notices every command prints
RECORD = "model.json"
# They are the operator's of a server to change, and nothing is labelled by them.
SETTINGS = "batching_params.pbtxt", "assets.extra/tf_serving_warmup_requests"


def require_as_exported(exported, *, probe=False):
    """Compare the files with the digests of the export: in a SavedModel's `model.json`, or the card beside a file.

    Where there are none, nothing is compared, and that is said.

    Args:
        exported: `find.Exported`.
        probe: compare the probe as well, which nothing is labelled by.

    Raises:
        DamagedError: if one is missing or another one, such as the `.bin` of another export beside an `.xml`; a
            `ValueError`.
    """
    folder = exported.path if exported.format == SAVED_MODEL else exported.path.parent
    digests = _of_version(folder) if exported.format == SAVED_MODEL else _of_file(exported.path)
    if not digests:
        LOG.warning(
            "%s has no digests of its files: damage would not be noticed. Export it again to get them", exported.path
        )
    if not probe:
        digests = {
            name: digest for name, digest in digests.items() if name != PROBE and not name.endswith(PROBE_ENDING)
        }
    if wrong := list(differences(digests, partial(open_below, folder))):
        raise damage(folder, wrong)


def _of_version(folder):
    path = folder / RECORD
    digests = (read_sealed(path)[1] if path.is_file() else None) or {}
    return {name: digest for name, digest in digests.items() if name not in SETTINGS}


def _of_file(path):
    card = path.with_name(path.name + ".md")
    return from_lines(card.read_text(encoding="utf-8", errors="replace")) if card.is_file() else {}
