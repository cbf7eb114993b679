"""The pipeline of `fcn-batch`: its options, what has to hold before it, and its steps in order."""

import contextlib
import io
import json
import logging
import os
import re

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems
from apache_beam.ml.inference.base import RunInference
from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions, StandardOptions

from fcn_keras_console.digests import DamagedError
from fcn_keras_console.disk_errors import NotWrittenError

from . import steps
from .filesystems import delete, delete_folder, files_below, is_part, read_file
from .model import LARGE, Labeller
from .progress_counter import PROGRESS

LOG = logging.getLogger("fcn_keras_console")  # whose notices every command prints
FILE_ERRORS = {"BeamIOError", "OSError", "IOError", "PermissionError", "FileNotFoundError", "NotADirectoryError"}
FILE_ERRORS |= {NotWrittenError.__name__}
FORMAT = 2  # of the labels: they say what they were made from
HERE = "FnApiRunner"
# Two threads: one reads, writes and decodes while the other has the model, which by itself uses every core.
# Not multi_threading: its workers flush a buffer every so often amid an element, which another reads as another one,
# or as one of gigabytes (Beam 2.77, from some thousand images on).
IN_PROCESS = "--direct_running_mode=in_memory", "--direct_num_workers=2"


def read_options(flags, near=()):
    """Read Beam's own options, and choose its runner within this process unless another is named.

    Args:
        flags: of the command line, without those of `fcn-batch` itself.
        near: by flag, the end of the error where it is nearly one of those.

    Raises:
        ValueError: on a flag that nobody knows, or a value that is none.
    """
    if flags and not flags[0].startswith("-"):
        raise ValueError(f"{flags[0]} follows no option. Images are named by --input.")
    complaint = io.StringIO()
    logging.disable(logging.WARNING)  # Beam drops what it does not know with no more than a warning
    try:
        with contextlib.redirect_stderr(complaint):
            options = PipelineOptions([*IN_PROCESS, *flags])  # the last one counts
            known, named = options.get_all_options(), options.get_all_options(retain_unknown_options=True)
    except SystemExit:
        raise ValueError(complaint.getvalue().strip().rpartition("error: ")[2]) from None
    finally:
        logging.disable(logging.NOTSET)
    standard = options.view_as(StandardOptions)
    if (standard.runner or "direct").lower().removesuffix("runner") == "direct":
        standard.runner = HERE  # DirectRunner first looks on the internet for a runner written in Go
    unknown = [
        flag for flag in flags if flag.lstrip("-").partition("=")[0].replace("-", "_") in set(named) - set(known)
    ]
    if unknown and standard.runner == HERE:  # others may ask a server of theirs
        raise ValueError(f"Neither fcn-batch nor Beam knows {unknown[0]}{dict(near).get(unknown[0], '')}.")
    return options


def check_inputs(patterns, list_path):
    """Raise for a pattern without files and an empty list: at work they would look like work without images."""
    for pattern in patterns:
        if os.path.isdir(pattern):
            raise ValueError(
                f'{pattern} is a folder. Say "{pattern}/*.jpg", or "{pattern}/**" for every file below it.'
            )
        if not FileSystems.exists(pattern) and not FileSystems.match([pattern], [1])[0].metadata_list:
            raise ValueError(f"No file matches {pattern}.")
    if list_path and next(steps.listed_images(list_path), None) is None:
        raise ValueError(f"{list_path} lists no file.")


def prepare(output, record, overwrite):
    """Refuse to mix labels with another model's or another program's, then note whose are written."""
    earlier = read_record(output)
    heads = earlier["heads"] if earlier else []
    table = output.path(steps.TABLE)
    taken = [output.labels(head) for head in output.classes if head not in heads]
    taken = [path for path in taken if files_below(path)]
    taken += [table] if not earlier and FileSystems.exists(table) else []
    if taken:
        raise ValueError(f"{taken[0]} exists, and fcn-batch did not write it. Choose another --output.")
    if earlier and overwrite:
        for head in heads:
            delete_folder(output.labels(head))
        if FileSystems.exists(table):
            delete(table)
    elif earlier and earlier["format"] != FORMAT:
        raise ValueError(
            f"{output.folder} holds labels of another version of fcn-batch, which do not say what they were made from. "
            "Choose another --output, or say --overwrite to delete them first."
        )
    elif earlier and earlier["fingerprint"] != record["fingerprint"]:
        raise ValueError(
            f"{output.folder} holds labels by {earlier['model']}, not by {record['model']}. Choose another --output, "
            "or say --overwrite to delete them first."
        )
    is_interrupted = earlier and not earlier["last_run"]
    _delete_parts(output, [output.labels(head) for head in heads if is_interrupted])
    steps.write_record(output, record, None)


def record_of(model):
    """Say whose labels a folder is going to hold, for `prepare` and `run`."""
    return {
        "format": FORMAT,
        "model": model.folder,
        "fingerprint": model.fingerprint,
        "heads": list(model.classes),
    }


def _delete_parts(output, folders):
    """Delete what a killed run had not completed, and say so."""
    patterns = [(output.folder, "*.part"), *((folder, "**.part") for folder in folders)]
    parts = [path for folder, pattern in patterns for path in files_below(folder, pattern) if is_part(path)]
    for path in parts:
        delete(path)
    if parts:
        LOG.warning("%s: %d unfinished files removed, which a killed fcn-batch left", output.folder, len(parts))


def read_record(output):
    """Return the record of the calls before, or None."""
    path = output.path(steps.RECORD)
    if not FileSystems.exists(path):
        return None
    try:
        record = json.loads(read_file(path))
        if not all(re.fullmatch(r"(\w[\w-]*)?", head) for head in record["heads"]):
            raise ValueError("heads name folders, which may be deleted")
        wanted = {name: record[name] for name in ("model", "fingerprint", "heads", "last_run")}
        return {**wanted, "format": record.get("format", 1)}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"{path} is damaged. Choose another --output.") from error


def run(patterns, list_path, model, output, record, options, *, batch_size, progress, scale=None):
    """Build the pipeline, run it to its end, and return what it came to, as `write_table` counts.

    Args:
        progress: called as `progress(done, total)` after each image, where the pipeline runs in this process.
        scale: text of `--scale`, or None.
    """
    PROGRESS.restart(progress)
    shared = model.size >= LARGE and not _in_process(options)
    labeller = Labeller(model, batch_size=batch_size, shared=shared, scale=scale)
    with _without_logs(logging.ERROR):  # what a runner lacks is raised as well
        pipeline = beam.Pipeline(options=options)
    matched = pipeline | "Patterns" >> beam.Create(patterns) | "Find" >> beam.FlatMap(steps.find_images, output)
    lists = pipeline | "List" >> beam.Create([list_path] if list_path else [])
    entries = lists | "Entries" >> beam.FlatMap(steps.listed_images)
    images = (matched, entries) | "Images" >> beam.Flatten() | "Key" >> beam.Map(steps.with_its_name)
    folder = pipeline | "Label folder" >> beam.Create([output.labels(next(iter(model.classes)))])
    labels = folder | "Earlier labels" >> beam.FlatMap(steps.labelled_names)
    planned = {"images": images, "labels": labels} | "Join" >> beam.CoGroupByKey()
    planned |= "Plan" >> beam.FlatMap(steps.plan, output).with_outputs("rows", main="images")
    files = planned.images | "Read" >> beam.FlatMap(steps.read_image, output).with_outputs("rows", main="files")
    written = files.files | "Label" >> RunInference(labeller) | "Write" >> beam.Map(steps.write_labels, output)
    rows = (planned.rows, files.rows, written) | "Rows" >> beam.Flatten() | "Together" >> beam.Map(steps.with_no_key)
    _ = rows | "Group" >> beam.GroupByKey() | "Write table" >> beam.Map(steps.write_table, output, record)
    _wait(pipeline, options)
    return read_record(output)["last_run"]  # not metrics: those do not reach us from every runner


def _run_here(pipeline, quietly):
    """Run a pipeline to its end; quietly without what Beam logs and prints, as it is raised here anyway."""
    if not quietly:
        return pipeline.run()
    with _without_logs(logging.CRITICAL), contextlib.redirect_stderr(io.StringIO()):
        return pipeline.run()


def _start(pipeline, runner):
    """Hand a pipeline to a runner elsewhere.

    Raises:
        ValueError: if it cannot start, whatever it lacks: a Java, a cluster, a project.
    """
    with _without_logs(logging.ERROR):
        try:
            return pipeline.run()
        except Exception as error:  # each runner has errors of its own
            reason = (str(error).strip() or type(error).__name__).splitlines()[-1]
            raise ValueError(f"{runner} cannot start: {reason}") from error


@contextlib.contextmanager
def _without_logs(level):
    """Keep back what is below a level, of all loggers without one of their own; ours have."""
    root, before = logging.getLogger(), logging.getLogger().level
    root.setLevel(level)
    try:
        yield
    finally:
        root.setLevel(before)


def _wait(pipeline, options):
    """Run a pipeline to its end."""
    try:
        runner = options.view_as(StandardOptions).runner
        result = _run_here(pipeline, _in_process(options)) if runner == HERE else _start(pipeline, runner)
        state = result.wait_until_finish()
    except RuntimeError as error:  # Beam wraps a worker's error, with its traceback as text
        raised = str(error).strip().splitlines()[-1].removeprefix("RuntimeError: ")
        kind, _, reason = re.sub(r" \[while running .*?\]$", "", raised).partition(": ")
        kind = kind.rpartition(".")[2]
        if kind == DamagedError.__name__:
            raise ValueError(reason) from error
        if kind not in FILE_ERRORS:
            raise
        raise OSError(re.sub(r"^\[Errno \d+\] (.*): '(.*)'$", r"\2: \1", reason)) from error
    if state != "DONE":
        raise OSError(f"The pipeline ended as {state}. Call again to go on; what is labelled is kept.")


def _in_process(options):
    mode = options.view_as(DirectOptions).direct_running_mode
    return options.view_as(StandardOptions).runner == HERE and mode != "multi_processing"
