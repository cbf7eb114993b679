"""A version whose files are not those that were exported is DATA_LOSS, and the others answer."""

import json
import logging
from pathlib import Path

import pytest

from fcn_keras_console.digests import digests_below, write_sealed
from serving.server.models.manager import ModelManager
from serving.server.settings import Specific
from tests.serving.server.models.versions import ask, fails


@pytest.fixture
def put_sealed(put):
    """Publish a version as `fcn-export` does, with digests."""

    def put_sealed(name, version):
        folder = put(name, version)
        (folder / "batching_params.pbtxt").write_text("max_batch_size { value: 8 }\n")
        write_sealed(folder / "model.json", {"name": name}, digests_below(folder))
        return folder

    return put_sealed


def damage_graph(folder):
    path = folder / "saved_model.pb"
    data = bytearray(path.read_bytes())
    data[len(data) // 2 :][:64] = bytes(64)
    data[-1] ^= 1
    path.write_bytes(data)


DAMAGES = {
    "saved_model.pb": damage_graph,
    "variables/variables.index": lambda folder: (folder / "variables" / "variables.index").unlink(),
    "fingerprint.pb": lambda folder: (folder / "fingerprint.pb").write_bytes(b""),
    "model.json": lambda folder: (folder / "model.json").write_bytes(b""),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_version_beside_a_whole_one(put_sealed, serve, config, name, caplog):
    put_sealed("m", 1)
    folder = put_sealed("m", 2)
    DAMAGES[name](folder)
    models = serve(config(policy=Specific((1, 2))))
    assert ask(models, "m") == 1
    broken, whole = models.status("m")
    assert (broken.version, broken.state, broken.code) == (2, "END", "DATA_LOSS")
    assert f"{folder / name} " in broken.message
    assert whole.state == "AVAILABLE"
    assert not [record for record in caplog.records if "no digests" in record.getMessage()]


def test_what_is_mended_is_loaded_by_a_later_try(put_sealed, serve, config):
    folder = put_sealed("m", 1)
    whole = (folder / "saved_model.pb").read_bytes()
    damage_graph(folder)
    models = serve(config(), retry_seconds=0.0)
    with fails("NOT_FOUND", "Servable not found for request: Latest(m)"):
        ask(models, "m")
    (folder / "saved_model.pb").write_bytes(whole)
    models.reload([config()])
    assert ask(models, "m") == 1


def test_a_damaged_version_is_not_read_again_at_every_look(put_sealed, config, monkeypatch):
    from serving.server.models import integrity

    damage_graph(put_sealed("m", 1))
    reads, compared = [], integrity.compared
    monkeypatch.setattr(integrity, "compared", lambda *arguments: reads.append(1) or compared(*arguments))
    models = ModelManager([config()], poll_seconds=0.005)
    models.start()
    for _ in range(20):
        models.reload([config()])
    models.close()
    assert len(reads) == 1


def test_operators_set_batching(put_sealed, serve, config, caplog):
    folder = put_sealed("m", 1)
    (folder / "batching_params.pbtxt").write_text("max_batch_size { value: 4 }\n")
    assert ask(serve(config()), "m") == 1
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    [warning] = warnings
    assert warning.startswith(f"{folder}/batching_params.pbtxt is not as it was exported: its SHA-256 is ")


@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.write_bytes(b"")])
def test_operators_have_requests_of_their_own_to_warm_up_with(put, serve, config, caplog, change):
    folder = put("m", 1)
    requests = folder / "assets.extra" / "tf_serving_warmup_requests"
    requests.parent.mkdir(exist_ok=True)
    requests.write_bytes(b"by fcn-export")
    write_sealed(folder / "model.json", {"name": "m"}, digests_below(folder))
    change(requests)
    assert ask(serve(config()), "m") == 1
    assert f"{requests} is not as it was exported: it " in caplog.text


def test_without_digests_it_is_served_and_said_once(put, serve, config, caplog):
    folder = put("m", 1)
    (folder / "model.json").write_text(json.dumps({"name": "of an earlier export"}))
    models = serve(config())
    for _ in range(3):
        models.reload([config()])
    assert ask(models, "m") == 1
    said = [record.getMessage() for record in caplog.records if "digests" in record.getMessage()]
    assert said == [f"{folder} has no digests of its files: damage would not be noticed. Export it again to get them"]
