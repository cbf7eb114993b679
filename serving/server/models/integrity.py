"""Whether a version's files are those that `fcn-export` wrote, by the digests in its `model.json`."""

import logging
from contextlib import contextmanager
from functools import partial

from fcn_keras_console.digests import DamagedError, compared, differences, open_below, read_sealed
from fcn_keras_console.exported.find import PROBE

from ...errors import ServingError
from .batching import PARAMETERS_FILE

LOG = logging.getLogger(__name__)
RECORD = "model.json"
WARMUP = "assets.extra/tf_serving_warmup_requests"
LEFT = PARAMETERS_FILE, WARMUP, PROBE  # nothing is answered by them, or they are the operator's to change


@contextmanager
def as_exported(folder):
    """Compare a version's files with their digests, while the body reads them.

    Without digests nothing is compared, and that is logged: other programs write none, nor do earlier exports. The
    batching parameters and the requests to warm up with are the operator's to change, and by the probe nothing is
    answered: of these, a difference is logged.

    Args:
        folder: `pathlib.Path`.

    Raises:
        ServingError: DATA_LOSS, when the body is through, or has failed.
    """
    try:
        digests = _digests(folder)
        settings = {name: digests.pop(name) for name in LEFT if name in digests}
        for name, reason in differences(settings, partial(open_below, folder)):
            LOG.warning("%s/%s is not as it was exported: %s", folder, name, reason)
        with compared(folder, digests):
            yield
    except DamagedError as error:
        raise ServingError("DATA_LOSS", str(error)) from None


def _digests(folder):
    path = folder / RECORD
    try:
        digests = read_sealed(path)[1]
    except FileNotFoundError:
        digests = None
    except OSError as error:
        raise DamagedError(f"{path} cannot be read: {error.strerror}.") from None
    if digests is None:
        LOG.warning("%s has no digests of its files: damage would not be noticed. Export it again to get them", folder)
        return {}
    return digests
