"""The steps of `fcn-batch` that Apache Beam's workers run: nothing here needs the command, or Keras."""

import csv
import errno
import hashlib
import io
import json
import posixpath
import re
import time
from contextlib import suppress
from typing import NamedTuple

import apache_beam as beam
import numpy as np
from apache_beam.io.filesystems import FileSystems
from PIL import Image

from fcn_keras_console.locks import OUTPUT

from .filesystems import absolute, delete, files_below, is_part, open_file, read_file, replacing, stamp
from .label_record import LabelRecord, is_whole, read_record, with_record
from .progress_counter import PROGRESS

TABLE = "images.csv"
RECORD = "fcn-batch.json"  # in the output folder: which model wrote there, and what the last run came to
MAX_BYTES = 256 * 2**20  # a file larger than this is not read into a worker's memory
COLUMNS = ("image", "name", "status", "bytes", "height", "width")  # before the share of every class
LABELLED = "labelled"
RESTED = 2  # seconds since its last change, after which another change of a file is sure to show in its times
FOREIGN = "It is no whole label of this model, with a record of what it was made from. Delete it."
PAINTED = "{} was changed since fcn-batch wrote it, or is not by it. Move it away to have the image labelled anew."
BAD_NAME = errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EEXIST  # such as a label where a folder has to be
NAMED = 5  # refused images that the summary names


class InputFile(NamedTuple):
    """One input file."""

    name: str  # of its label below the folder of labels, without `.png`
    path: str
    size: int | None = None  # bytes; None where nobody has looked yet
    problem: str = ""
    sha256: str = ""  # of the contents that were read
    stamp: list | None = None  # of the file that held them


class Row(NamedTuple):
    """One line of the table. Workers hand it on as text, a tenth of what its cells weigh."""

    kind: str  # "labelled", "refused", "done" by an earlier run, or "kept" from one that had other images
    name: str
    line: str


class Output(NamedTuple):
    """The folder that is written, and what the model answers.

    Args:
        folder: a path of any file system that Beam knows.
        classes: names of the classes by head; an only head is named `""`.
        model: its fingerprint.
    """

    folder: str
    classes: dict[str, list[str]]
    model: str

    def path(self, name):
        return FileSystems.join(self.folder, name)

    def labels(self, head):
        return self.path(f"labels_{head}" if head else "labels")

    def label(self, head, name):
        return FileSystems.join(self.labels(head), *f"{name}.png".split("/"))

    def holds(self, path):
        """Whether a file is one that `fcn-batch` writes."""
        below = any(path.startswith(self.labels(head) + "/") for head in self.classes)
        return below or path in {self.path(name) for name in (TABLE, RECORD, OUTPUT)} or is_part(path)

    def records(self, name):
        """Return the records in an image's labels by head; None if one is missing, damaged, or of something else."""
        try:
            records = {head: read_record(read_file(self.label(head, name))) for head in self.classes}
        except OSError:
            return None
        if None in records.values():
            return None
        origins = {(record.image, record.sha256, record.model) for record in records.values()}
        return records if len(origins) == 1 and origins.pop()[-1] == self.model else None

    def painted(self, name):
        """Return the first of an image's labels that is whole and not as it was written here: somebody's work."""
        for path in (self.label(head, name) for head in self.classes):
            with suppress(OSError):
                png = read_file(path)
                if is_whole(png) and read_record(png) is None:
                    return path
        return None

    def header(self):
        shares = [f"{head}_{name}".lstrip("_") for head, names in self.classes.items() for name in names]
        return [*COLUMNS, *shares]

    def refused(self, image, reason):
        """Describe an image that has no label."""
        size = "" if image.size is None else image.size
        return Row("refused", image.name, _line([image.path, image.name, " ".join(reason.split()), size, "", ""]))

    def row(self, kind, name, records):
        """Describe an image by the records of its labels."""
        record = next(iter(records.values()))
        cells = [record.image, name, " ".join(record.status.split()), record.bytes, record.height, record.width]
        for head, names in self.classes.items():
            one = records[head]
            shares = (one.pixels.get(str(number), 0) / (one.height * one.width) for number in range(len(names)))
            cells += [f"{share:.6g}" for share in shares]
        return Row(kind, name, _line(cells))


def _line(cells):
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(cells)  # which quotes both characters
    return text.getvalue().removesuffix("\r\n") + "\n"


def find_images(pattern, output):
    """Yield the images of a pattern, named by what follows its fixed folders; without what was written here."""
    if FileSystems.exists(pattern):  # by its own name, brackets included
        files, folder = [FileSystems.get_filesystem(pattern).metadata(pattern)], posixpath.dirname(pattern)
    else:
        files, folder = FileSystems.match([pattern])[0].metadata_list, _fixed_folder(pattern)
    for file in files:
        if not output.holds(file.path):
            yield named(file.path, folder)._replace(size=file.size_in_bytes)


def _fixed_folder(pattern):
    return posixpath.dirname(re.match(r"[^\[*?]*", pattern).group())


def listed_images(path):
    """Yield the images of a list of paths, one a line; relative ones start at the list's own folder."""
    folder = posixpath.dirname(path)
    with open_file(path) as file:
        for line in io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape"):
            if line.strip():
                yield named(absolute(line.strip("\r\n"), folder), folder)


def named(path, folder):
    """Make an image, whose name is its path below `folder`, or else the whole path."""
    name = path[len(folder) :] if path.startswith(folder.rstrip("/") + "/") else path.rpartition("://")[2]
    file = InputFile(posixpath.splitext(name.strip("/"))[0], path)
    try:
        path.encode()
        return file
    except UnicodeEncodeError:  # neither Beam nor a table can carry it
        name, path = (text.encode(errors="surrogateescape").decode(errors="replace") for text in file[:2])
        return InputFile(name, path, problem="The file's name is not UTF-8. Rename it.")


def labelled_names(folder):
    """Yield `(name, True)` of every label below a head's folder."""
    for path in files_below(folder, "**.png"):
        yield posixpath.splitext(path[len(folder) :].strip("/"))[0], True


def with_its_name(image):
    PROGRESS.add()
    return image.name, image


def plan(group, output):
    """Sort the images of one name into those to label (untagged), and rows for those that need nothing more.

    An image is done when its labels are there, whole, and say that this model made them from what the image holds now.
    A label that somebody has changed since stays, and its image is refused.
    """
    name, images_and_labels = group
    listed, to_label = list(images_and_labels["images"]), None
    images = {image.path: image for image in listed}
    is_there = any(images_and_labels["labels"])
    records = output.records(name) if is_there else None
    record = next(iter(records.values())) if records else None
    if not images:
        label = InputFile(name, output.label(next(iter(output.classes)), name))
        yield _tagged(output.row("kept", name, records) if records else output.refused(label, FOREIGN))
        return
    owner = _owner(images, record)
    taken = f"{name}.png is the label of {owner}" if owner else _shared(images)
    image = images.pop(owner, None)
    for other in images.values():
        yield _tagged(output.refused(other, other.problem or f"{taken}. Give it another --output."))
    if owner and not image:
        yield _tagged(output.row("kept", name, records))
    elif image and image.problem:
        yield _tagged(output.refused(image, image.problem))
    elif image and record and _is_of(record, image):
        named = {head: one._replace(image=image.path) for head, one in records.items()}
        yield _tagged(output.row("done", name, named))
    elif image and (painted := is_there and output.painted(name)):
        yield _tagged(output.refused(image, PAINTED.format(painted)))
    elif image:
        _delete_labels(name, output, is_there)
        to_label = image
    PROGRESS.settle(len(listed) - (to_label is not None))
    if to_label:
        yield to_label


def _tagged(row):
    return beam.pvalue.TaggedOutput("rows", row)


def _shared(images):
    return f"{len(images)} images would have this name: {', '.join(sorted(images)[:3])}"


def _owner(images, record):
    """Return the path of the image that a name's label belongs to, or None where several ask for it."""
    if record and record.image not in images and len(images) == 1:
        (image,) = images.values()  # moved, if it is the same
        return image.path if _is_of(record, image) else record.image
    if record:
        return record.image
    return next(iter(images)) if len(images) == 1 else None


def _is_of(record, image):
    """Whether a label was made from what an image's file holds now; also where the file is gone, which it outlived."""
    now = stamp(image.path)
    if now is not None and now[0] != record.bytes:
        return False
    if now is not None and now == record.stamp:
        return True
    try:
        contents = read_file(image.path, MAX_BYTES + 1)
    except Exception:  # every file system has errors of its own
        return now is None
    return hashlib.sha256(contents).hexdigest() == record.sha256


def _delete_labels(name, output, is_there):
    for head in output.classes if is_there else ():
        with suppress(OSError):
            delete(output.label(head, name))


def read_image(image, output):
    """Yield `(image, contents)`, or a row that says why not."""
    before = stamp(image.path)
    try:
        contents = read_file(image.path, MAX_BYTES + 1)
    except Exception as error:  # every file system has errors of its own
        reason = getattr(error, "strerror", None) or f"{error}" or type(error).__name__
        yield _tagged(_refused(output, image, f"Cannot be read: {reason}."))
        return
    is_sure = before == stamp(image.path) and before is not None and before[1] < time.time() - RESTED
    image = image._replace(
        size=len(contents), sha256=hashlib.sha256(contents).hexdigest(), stamp=before if is_sure else None
    )
    if len(contents) > MAX_BYTES:
        reason = f"The file is larger than {MAX_BYTES // 2**20} MB."
        yield _tagged(_refused(output, image._replace(size=None), reason))
    elif not contents:
        yield _tagged(_refused(output, image, "The file is empty."))
    else:
        yield image, contents


def write_labels(answered, output):
    """Write an image's labels, and return its row."""
    image, answer = answered
    if isinstance(answer, str):
        return _refused(output, image, answer)
    status = ", ".join(filter(None, (LABELLED, answer.scaled)))
    records = {head: _record(image, status, png, output.model) for head, png in answer.pngs.items()}
    try:
        for head, png in answer.pngs.items():
            with replacing(output.label(head, image.name)) as file:
                file.write(with_record(png, records[head]))
    except OSError as error:
        if error.errno not in BAD_NAME:  # a full disk, say, concerns them all
            raise
        return _refused(output, image, f"Its label cannot be written: {error.strerror}.")
    PROGRESS.finish(image.path, status)
    return output.row("labelled", image.name, records)


def _record(image, status, png, model):
    label = np.asarray(Image.open(io.BytesIO(png), formats=["PNG"]))
    counts = np.bincount(label.ravel())
    pixels = {str(number): int(counts[number]) for number in np.flatnonzero(counts)}
    return LabelRecord(image.path, image.size, image.sha256, image.stamp, model, status, *label.shape, pixels)


def _refused(output, image, reason):
    """Count an image that was to be labelled as refused, and describe it."""
    PROGRESS.finish(image.path, reason)
    return output.refused(image, reason)


def with_no_key(row):
    return None, row


def write_table(group, output, record):
    """Write the table of all rows, then what the run came to into the record."""
    counts, refused = {"labelled": 0, "scaled": 0, "refused": 0, "done": 0, "kept": 0}, []
    with replacing(output.path(TABLE), durable=True) as file:
        file.write(_line(output.header()).encode())
        for row in sorted(group[1], key=lambda row: (row.name, row.line)):
            file.write(row.line.encode())
            counts[row.kind] += 1
            counts["scaled"] += row.kind == "labelled" and next(csv.reader([row.line]))[2] != LABELLED
            if row.kind == "refused" and len(refused) < NAMED:
                refused.append(next(csv.reader([row.line]))[:3])
    write_record(output, record, {**counts, "named": [(path, status) for path, _, status in refused]})


def write_record(output, record, last_run):
    with replacing(output.path(RECORD), durable=True) as file:
        file.write(json.dumps({**record, "last_run": last_run}, indent=1).encode() + b"\n")
