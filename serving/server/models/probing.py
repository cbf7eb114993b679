"""Run the probe of a version once, and say how far its answers are from those at the export."""

import logging

from fcn_keras_console.exported.find import PROBE

from ...errors import ServingError
from ...probe import read

LOG = logging.getLogger(__name__)


def probed(servable):
    """Compare the scores of a loaded version with those that its probe has of the Keras model.

    What is found is no reason to serve no answers, so it is logged: a difference beyond what the probe allows, and a
    probe that cannot be run.

    Args:
        servable: `servable.Servable`.

    Returns:
        `probe.Deviation`, and whether it is allowed; or None where the version has no probe, or a damaged one.
    """
    path = servable.folder / PROBE
    if not path.is_file():
        return None
    try:
        probe = read(path)
        found = probe.deviation(probe.ask(servable.run))
    except (OSError, ValueError, ServingError) as error:
        LOG.warning("The probe of %s version %d was not run: %s", servable.name, servable.version, error)
        return None
    if not (alike := found.is_within(probe.allowed)):
        LOG.warning(
            "%s version %d does not answer as it did when it was exported: %s. What may be the reason: fcn-check %s",
            servable.name,
            servable.version,
            found.against(probe.allowed),
            servable.folder,
        )
    return found, alike
