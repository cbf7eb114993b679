"""A version that answers otherwise than at the export is served, and that is logged."""

import pytest

from fcn_keras_console.exported.find import PROBE
from serving import probe as probes
from serving.server.models.manager import ModelManager
from serving.server.models.servable import load
from serving.server.settings import ModelConfig
from tests.serving.probed import IMAGE, probed_version, reprobe
from tests.serving.server.models.versions import NEVER
from tests.training.exported.files import scores_of


@pytest.fixture(scope="module")
def version(tmp_path_factory):
    return probed_version(tmp_path_factory.mktemp("served") / "m" / "1")


def loaded(folder, **options):
    servable = load("m", 1, folder, **options)
    servable.close()
    return servable


def warnings(caplog):
    return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]


def test_one_that_answers_alike(version, caplog):
    reprobe(version, more=0)
    found, alike = loaded(version).probed
    assert alike
    assert found.difference < 1e-6
    assert found.agreement == 1
    assert warnings(caplog) == []
    assert loaded(version, warm_up=False).probed is None  # which the operator wants to start at once


def test_one_that_does_not_is_served_and_reported(version, caplog):
    reprobe(version, more=0.01)
    models = ModelManager([ModelConfig("m", str(version.parent))], poll_seconds=NEVER)
    models.start()
    try:
        assert models.answering() == [("m", 1)]
        [(name, number, found, alike)] = models.probed()
    finally:
        models.close()
    assert (name, number, found.agreement, alike) == ("m", 1, 1.0, False)
    assert found.difference == pytest.approx(0.01 / 1.01, rel=1e-3)
    [told] = warnings(caplog)
    assert told.startswith(
        "m version 1 does not answer as it did when it was exported: scores differ by 9.9e-03 of the"
    )
    assert told.endswith(f"What may be the reason: fcn-check {version}")
    assert models.probed() == []


def test_no_probe_is_no_matter(version, caplog):
    (version / PROBE).unlink()
    (version / "model.json").unlink()
    assert loaded(version).probed is None
    assert [text for text in warnings(caplog) if "digests" not in text] == []


def test_a_probe_that_cannot_be_run_does_not_fail_the_version(version, caplog):
    reprobe(version, more=0)
    (version / PROBE).write_text("{}")
    assert loaded(version).probed is None
    changed, refused = warnings(caplog)
    assert changed.startswith(f"{version}/{PROBE} is not as it was exported: it has 2 bytes")
    assert refused.startswith(f"The probe of m version 1 was not run: {version}/{PROBE} is damaged")
    probes.write(version / PROBE, probes.make({"depth": IMAGE}, {"": scores_of(IMAGE)}))
    assert loaded(version).probed is None
    assert warnings(caplog)[-1].startswith("The probe of m version 1 was not run: Signature input alias: image")
