"""Versions come, answer, drain and go."""

import logging
import threading
import time
import weakref

import pytest

from serving.errors import ServingError
from serving.server.models import manager as models_module
from serving.server.models.manager import ModelManager, ModelSpec, VersionState
from serving.server.models.version_folders import VersionFolders
from serving.server.settings import All, Specific
from tests.serving.server.models.versions import NEVER, Fake, added, ask, fails, states, wait_until


def test_the_latest_answers_and_specs_are_resolved(put, serve, config):
    put("m", 1)
    put("m", 2)
    models = serve(config(policy=All(), labels={"stable": 1}), allow_labels_of_unavailable=True)
    assert models.names() == ["m"]
    assert (ask(models, "m"), ask(models, "m", 1), ask(models, "m", None, "stable")) == (2, 1, 1)
    with models.use(ModelSpec("m")) as servable:
        assert (servable.name, servable.version, servable.folder.name) == ("m", 2, "2")
        assert set(servable.signature_defs) == {"serving_default", "join"}
    for spec, code, message in [
        (ModelSpec("n"), "NOT_FOUND", "Servable not found for request: Latest(n)"),
        (ModelSpec("m", 7), "NOT_FOUND", "Servable not found for request: Specific(m, 7)"),
        (ModelSpec("m", None, "new"), "INVALID_ARGUMENT", "Unrecognized servable version label: new"),
        (ModelSpec("n", None, "stable"), "INVALID_ARGUMENT", "Unrecognized servable version label: stable"),
        (ModelSpec(""), "INVALID_ARGUMENT", "ModelSpec has no name specified."),
    ]:
        with fails(code, message), models.use(spec):
            pass
    assert models.status("m") == [VersionState(2, "AVAILABLE"), VersionState(1, "AVAILABLE")]
    assert models.status("m", 1) == [VersionState(1, "AVAILABLE")]
    with fails("NOT_FOUND", "Could not find any versions of model n"):
        models.status("n")
    with fails("NOT_FOUND", "Could not find version 7 of model m"):
        models.status("m", 7)


def test_a_new_version_answers_while_the_old_one_drains(put, serve, config):
    put("m", 1)
    models = serve(config())
    with models.use(ModelSpec("m")) as old:
        put("m", 2)
        models.reload([config()])
        assert ask(models, "m") == 2
        assert states(models) == {1: "UNLOADING", 2: "AVAILABLE"}
        with fails("NOT_FOUND", "Servable not found for request: Specific(m, 1)"), models.use(ModelSpec("m", 1)):
            pass
        assert added(old) == 1
        gone = weakref.ref(old._session.graph)
        del old
    wait_until(lambda: states(models) == {1: "END", 2: "AVAILABLE"})
    assert models.status("m", 1) == [VersionState(1, "END")]
    wait_until(lambda: gone() is None)


def test_versions_are_polled(put, serve, config):
    put("m", 1)
    models = serve(config(), poll_seconds=0.01)
    put("m", 2)
    wait_until(lambda: states(models) == {1: "END", 2: "AVAILABLE"})


def test_without_polling_a_reload_looks(put, serve, config, monkeypatch):
    put("m", 1)
    looks = []
    look = VersionFolders.look
    monkeypatch.setattr(VersionFolders, "look", lambda self, config: looks.append(1) or look(self, config))
    models = serve(config(), poll_seconds=0)
    models.reload([config()])
    assert ask(models, "m") == 1
    assert len(looks) == 2


def test_a_failed_version_leaves_the_working_one(put, serve, config, tmp_path):
    put("m", 1)
    put("n", 2)
    models = serve(config(), config("n"))
    (put("m", 3, value=2) / "variables" / "variables.index").unlink()
    models.reload([config(), config("n")])
    (status,) = models.status("m", 3)
    assert (status.state, status.code) == ("END", "NOT_FOUND")
    assert f"not a valid checkpoint: {tmp_path / 'm' / '3'}" in status.message
    assert (ask(models, "m"), ask(models, "n")) == (1, 2)
    put("m", 4, value=2)
    models.reload([config(), config("n")])
    assert ask(models, "m") == 2
    assert states(models) == {4: "AVAILABLE", 3: "END", 1: "END"}


def test_a_folder_completed_later_loads_at_a_retry(put, serve, config, caplog):
    folder = put("m", 1)
    (folder / "variables").rename(folder / "later")
    models = serve(config(), retry_seconds=0.0)
    assert states(models) == {1: "END"}
    assert "Loading m version 1 failed: NOT_FOUND" in caplog.text
    (folder / "later").rename(folder / "variables")
    models.reload([config()])
    assert models.status("m") == [VersionState(1, "AVAILABLE")]


def test_a_failing_load_is_retried_so_often_and_anew_when_it_comes_back(serve, config, tmp_path, monkeypatch):
    tries = []

    def fail(name, version, folder, *, warm_up):
        tries.append(version)
        raise RuntimeError("no such operation")  # what TensorFlow did not put into words of its own

    monkeypatch.setattr(models_module, "load", fail)
    (tmp_path / "m" / "1").mkdir(parents=True)
    patient = serve(config())
    for _ in range(3):
        patient.reload([config()])
    assert tries == [1]  # the next is due in a minute
    models = serve(config(), retry_seconds=0.0)
    for _ in range(8):
        models.reload([config()])
    assert len(tries) == 1 + 6
    assert models.status("m") == [VersionState(1, "END", "UNKNOWN", "RuntimeError: no such operation")]
    (tmp_path / "m" / "1").rename(tmp_path / "away")
    models.reload([config()])
    (tmp_path / "away").rename(tmp_path / "m" / "1")
    monkeypatch.setattr(models_module, "load", Fake)
    models.reload([config()])
    assert models.status("m") == [VersionState(1, "AVAILABLE")]


def test_what_is_not_there_yet_is_awaited_with_one_warning(put, serve, config, tmp_path, caplog):
    (tmp_path / "empty").mkdir()
    put("good", 1)
    configs = [config("missing"), config("empty"), config("good", policy=Specific((1, 5)))]
    models = serve(*configs)
    models.reload(configs)
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 4
    assert warnings[3].startswith(f"{tmp_path / 'good' / '1'} has no digests")
    assert warnings[0].startswith(f"Could not find base path {tmp_path / 'missing'} for servable missing with error")
    assert warnings[1] == (
        f"No versions of servable empty found under base path {tmp_path / 'empty'}. Did you forget to name your leaf "
        "directory as a number (eg. '/1/')?"
    )
    assert warnings[2].startswith("Versions [5] of servable good, which were requested")
    with fails("NOT_FOUND", "Could not find any versions of model empty"):
        models.status("empty")
    put("missing", 1)
    put("empty", 2)
    models.reload(configs)
    assert (ask(models, "missing"), ask(models, "empty"), ask(models, "good")) == (1, 2, 1)


def test_a_base_path_that_goes_away_keeps_what_is_loaded(put, serve, config, tmp_path):
    put("m", 1)
    models = serve(config())
    (tmp_path / "m").rename(tmp_path / "away")
    models.reload([config()])
    assert ask(models, "m") == 1
    (tmp_path / "m").mkdir()  # there, and empty: now the version is gone
    models.reload([config()])
    assert states(models) == {1: "END"}


def test_labels_point_to_loaded_versions(serve, config, tmp_path, monkeypatch):
    monkeypatch.setattr(models_module, "load", Fake)
    (tmp_path / "m" / "1").mkdir(parents=True)
    message = "Request to assign label to version {} of model m, which is not currently available for inference"
    with fails("FAILED_PRECONDITION", message.format(1)):
        ModelManager([config(labels={"stable": 1})]).start()
    models = serve(config())
    models.reload([config(labels={"stable": 1})])
    (tmp_path / "m" / "2").mkdir()
    with fails("FAILED_PRECONDITION", message.format(2)):
        models.reload([config(labels={"stable": 2}, policy=All())])
    assert version_of(models, "stable") == 1
    assert states(models) == {1: "AVAILABLE"}  # nothing of a refused config is done
    models.reload([config(labels={"stable": 1}, policy=All())])
    models.reload([config(labels={"stable": 2, "old": 1}, policy=All())])
    assert (version_of(models, "stable"), version_of(models, "old")) == (2, 1)


def version_of(models, label):
    with models.use(ModelSpec("m", None, label)) as servable:
        return servable.version


def test_new_labels_of_unavailable_versions_where_allowed(serve, config, tmp_path, monkeypatch):
    monkeypatch.setattr(models_module, "load", Fake)
    (tmp_path / "m" / "1").mkdir(parents=True)
    models = serve(config(labels={"stable": 1, "canary": 2}), allow_labels_of_unavailable=True)
    assert version_of(models, "stable") == 1
    with fails("NOT_FOUND", "Servable not found for request: Specific(m, 2)"):
        version_of(models, "canary")
    with pytest.raises(ServingError, match="assign label to version 3 of model m"):
        models.reload([config(labels={"stable": 3})])  # a known label moves to what is loaded only


def test_reload_is_the_whole_truth(put, serve, config):
    put("m", 1)
    put("n", 2)
    models = serve(config("m"))
    models.reload([config("n")])
    assert models.names() == ["n"]
    assert ask(models, "n") == 2
    assert models.status("m") == [VersionState(1, "END")]
    with fails("NOT_FOUND", "Servable not found for request: Latest(m)"), models.use(ModelSpec("m")):
        pass
    with fails("INVALID_ARGUMENT", "Illegal to list model m multiple times in config list"):
        models.reload([config("m"), config("m")])
    assert (models.names(), ask(models, "n")) == (["n"], 2)
    models.reload([config("m"), config("n")])
    assert (ask(models, "m"), ask(models, "n")) == (1, 2)
    models.reload([])
    assert models.names() == []
    assert states(models, "n") == {2: "END"}


def test_reload_tells_which_new_model_did_not_load(serve, config, tmp_path):
    (tmp_path / "m" / "1").mkdir(parents=True)
    models = serve()
    message = (
        "1 model(s) did not become available: {{{name: m version: 1} due to error: NOT_FOUND: Could not find "
        f"SavedModel .pb or .pbtxt at supplied export directory path: {tmp_path / 'm' / '1'}. Check that the directory "
        "exists and that you have the right permissions for accessing it.}, }"
    )
    with fails("UNKNOWN", message):
        models.reload([config()])
    assert models.names() == ["m"]


def test_close_waits_for_who_uses_a_version(put, config):
    put("m", 1)
    models = ModelManager([config()], poll_seconds=NEVER)
    models.start()
    closer = threading.Thread(target=models.close)
    with models.use(ModelSpec("m")) as servable:
        closer.start()
        wait_until(lambda: states(models) == {1: "UNLOADING"})
        assert added(servable) == 1
    closer.join(20)
    assert states(models) == {1: "END"}
    with fails("UNAVAILABLE", "m version 1 was unloaded"):
        added(servable)


def test_no_request_fails_while_versions_switch(put, serve, config, tmp_path):
    put("m", 1, value=2)
    models = serve(config(), poll_seconds=0.001)
    failures, answered, stop = [], [0] * 4, threading.Event()

    def hammer(number):
        try:
            latest = 0
            while not stop.is_set():
                with models.use(ModelSpec("m")) as servable:
                    assert added(servable) == 1 + servable.version % 2
                    assert servable.version >= latest  # an older one never answers after a newer one
                    latest = servable.version
                answered[number] += 1
                time.sleep(0.001)  # for the tests beside this one
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=hammer, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for version in range(3, 7):
        put("m", version, value=1 + version % 2)
        wait_until(lambda version=version: states(models).get(version) == "AVAILABLE" or failures)
        seen = list(answered)
        wait_until(lambda seen=seen: failures or all(now > then + 3 for now, then in zip(answered, seen, strict=True)))
    stop.set()
    for thread in threads:
        thread.join(20)
    assert failures == []
    wait_until(lambda: list(states(models).values()) == ["AVAILABLE"] + ["END"] * 4)
