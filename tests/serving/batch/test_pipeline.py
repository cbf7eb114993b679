"""Beam's options, and whose labels may be written over."""

import logging
from pathlib import Path

import pytest
from apache_beam.runners.runner import PipelineRunner

from serving.batch import pipeline
from serving.batch.model import read_model
from serving.batch.steps import Output
from tests.serving.batch.files import put

RECORD = {"format": pipeline.FORMAT, "model": "m", "fingerprint": "f1", "heads": [""]}


@pytest.mark.parametrize("name", ["labels/a.png", "images.csv"])
def test_files_of_others_stay(tmp_path, output, name):
    put((Path(output.folder) / name).parent, **{Path(name).name.replace(".", "__"): b"mine"})
    for overwrite in (False, True):
        with pytest.raises(ValueError, match=f"out/{name.split('/')[0]} exists, and fcn-batch did not write it"):
            pipeline.prepare(output, RECORD, overwrite)
    assert (Path(output.folder) / name).read_bytes() == b"mine"


OUTSIDE = '{"model": "m", "fingerprint": "1", "last_run": null, "heads": ["/../../home"]}'


@pytest.mark.parametrize("text", ["{", "[]", '{"model": "m"}', "[" * 100_000, OUTSIDE])
def test_a_damaged_record_is_told(output, text):
    put(Path(output.folder), **{"fcn-batch__json": text.encode()})
    with pytest.raises(ValueError, match=r"fcn-batch\.json is damaged\. Choose another --output"):
        pipeline.read_record(output)


class Failing(PipelineRunner):
    """A runner that lacks something, as Flink's does without Java."""

    def run_pipeline(self, pipeline, options):
        logging.getLogger("apache_beam").warning("about to fail")
        raise RuntimeError("Traceback of Beam's\nno cluster is there")


def test_a_runner_that_cannot_start_is_one_line(model, tmp_path, caplog):
    options = pipeline.read_options([f"--runner={__name__}.Failing"])
    description = read_model(str(model))
    output = Output(str(tmp_path / "out"), description.classes, description.fingerprint)
    record = pipeline.record_of(description)
    with pytest.raises(ValueError, match=r"Failing cannot start: no cluster is there$"):
        pipeline.run(["none"], None, description, output, record, options, batch_size=1, progress=None)
    assert caplog.records == []


def test_beam_runs_here_without_a_look_at_the_internet():
    for flags in ([], ["--runner=DirectRunner"], ["--runner", "direct"]):
        options = pipeline.read_options(flags).get_all_options()
        assert options["runner"] == "FnApiRunner"  # DirectRunner itself downloads one written in Go
        assert (options["direct_running_mode"], options["direct_num_workers"]) == ("in_memory", 2)
    assert pipeline.read_options(["--direct_num_workers=1"]).get_all_options()["direct_num_workers"] == 1
    flink = pipeline.read_options(["--runner=FlinkRunner", "--parallelism=8", "--flink_master=host"])
    assert flink.get_all_options()["runner"] == "FlinkRunner"  # whose server knows --parallelism
    assert flink.get_all_options(retain_unknown_options=True)["parallelism"] == 8
