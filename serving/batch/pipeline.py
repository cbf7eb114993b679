"""The pipeline of `fcn-batch`: its options, what has to hold before it, and its steps in order."""

import contextlib
import io
import json
import logging
import os
import re
import sys

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems
from apache_beam.ml.inference.base import RunInference
from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions, StandardOptions

from . import steps
from .filesystems import delete, delete_folder, files_below, read_file
from .model import LARGE, Labeller
from .progress_counter import PROGRESS

# Two threads: one reads, writes and decodes while the other has the model, which by itself uses every core.
IN_PROCESS = "--direct_running_mode=multi_threading", "--direct_num_workers=2"


def read_options(flags):
    """Read Beam's own options, and choose its runner within this process unless another is named."""
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
        standard.runner = "FnApiRunner"  # DirectRunner first looks on the internet for a runner written in Go
    unknown = [
        flag for flag in flags if flag.lstrip("-").partition("=")[0].replace("-", "_") in set(named) - set(known)
    ]
    if unknown and standard.runner == "FnApiRunner":  # others may ask a server of theirs
        raise ValueError(f"Neither fcn-batch nor Beam knows {unknown[0]}.")
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
    elif earlier and earlier["fingerprint"] != record["fingerprint"]:
        raise ValueError(
            f"{output.folder} holds labels by {earlier['model']}, not by {record['model']}. Choose another --output, "
            "or say --overwrite to delete them first."
        )
    elif earlier and not earlier["last_run"]:  # interrupted
        for path in (path for head in heads for path in files_below(output.labels(head), "**.part")):
            delete(path)
    steps.write_record(output, record, None)


def read_record(output):
    """Return the record of the calls before, or None."""
    path = output.path(steps.RECORD)
    if not FileSystems.exists(path):
        return None
    try:
        record = json.loads(read_file(path))
        if not all(re.fullmatch(r"(\w[\w-]*)?", head) for head in record["heads"]):
            raise ValueError("heads name folders, which may be deleted")
        return {name: record[name] for name in ("model", "fingerprint", "heads", "last_run")}
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
    labeller = Labeller(model.folder, list(model.classes), batch_size=batch_size, shared=shared, scale=scale)
    pipeline = beam.Pipeline(options=options)
    matched = pipeline | "Patterns" >> beam.Create(patterns) | "Find" >> beam.FlatMap(steps.find_images, output)
    lists = pipeline | "List" >> beam.Create([list_path] if list_path else [])
    entries = lists | "Entries" >> beam.FlatMap(steps.listed_images)
    images = (matched, entries) | "Images" >> beam.Flatten() | "Key" >> beam.Map(steps.with_its_name)
    table = pipeline | "Table" >> beam.Create([output.path(steps.TABLE)])
    rows = table | "Earlier rows" >> beam.FlatMap(steps.labelled_rows)
    planned = {"images": images, "rows": rows} | "Join" >> beam.CoGroupByKey()
    planned |= "Plan" >> beam.FlatMap(steps.plan, output).with_outputs("rows", main="images")
    files = planned.images | "Read" >> beam.FlatMap(steps.read_image, output).with_outputs("rows", main="files")
    written = files.files | "Label" >> RunInference(labeller) | "Write" >> beam.Map(steps.write_labels, output)
    rows = (planned.rows, files.rows, written) | "Rows" >> beam.Flatten() | "Together" >> beam.Map(steps.with_no_key)
    _ = rows | "Group" >> beam.GroupByKey() | "Write table" >> beam.Map(steps.write_table, output, record)
    _wait(pipeline, quietly=_in_process(options))
    return read_record(output)["last_run"]  # not metrics: those do not reach us from every runner


def _wait(pipeline, quietly):
    """Run a pipeline to its end; one in this process without what Beam logs and prints, as it is raised here anyway."""
    root, level = logging.getLogger(), logging.getLogger().level
    root.setLevel(logging.CRITICAL if quietly else level)  # of all loggers without one of their own; ours have
    try:
        with contextlib.redirect_stderr(io.StringIO() if quietly else sys.stderr):
            state = pipeline.run().wait_until_finish()
    except RuntimeError as error:  # Beam wraps a worker's error, with its traceback as text
        reason = str(error).strip().splitlines()[-1].removeprefix("RuntimeError: ")
        if not re.match(r"(\w+\.)*(BeamIO|OS|IO|Permission|FileNotFound|NotADirectory)Error\b", reason):
            raise
        raise OSError(reason) from error
    finally:
        root.setLevel(level)
    if state != "DONE":
        raise OSError(f"The pipeline ended as {state}. Call again to go on; what is labelled is kept.")


def _in_process(options):
    mode = options.view_as(DirectOptions).direct_running_mode
    return options.view_as(StandardOptions).runner == "FnApiRunner" and mode != "multi_processing"
