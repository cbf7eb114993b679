"""The steps of `fcn-batch` that Apache Beam's workers run: nothing here needs the command, or Keras."""

import csv
import errno
import io
import json
import posixpath
import re
from contextlib import suppress
from typing import NamedTuple

import apache_beam as beam
import numpy as np
from apache_beam.io.filesystems import FileSystems
from PIL import Image

from .filesystems import absolute, delete, open_file, read_file, replacing
from .progress_counter import PROGRESS

TABLE = "images.csv"
RECORD = "fcn-batch.json"  # in the output folder: which model wrote there, and what the last run came to
MAX_BYTES = 256 * 2**20  # a file larger than this is not read into a worker's memory
COLUMNS = ("image", "name", "status", "bytes", "height", "width")  # before the share of every class
LABELLED = "labelled"
BAD_NAME = errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EEXIST  # such as a label where a folder has to be
NAMED = 5  # refused images that the summary names


class InputFile(NamedTuple):
    """One input file."""

    name: str  # of its label below the folder of labels, without `.png`
    path: str
    size: int | None = None  # bytes; None where nobody has looked yet
    problem: str = ""


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
    """

    folder: str
    classes: dict[str, list[str]]

    def path(self, name):
        return FileSystems.join(self.folder, name)

    def labels(self, head):
        return self.path(f"labels_{head}" if head else "labels")

    def label(self, head, name):
        return FileSystems.join(self.labels(head), *f"{name}.png".split("/"))

    def holds(self, path):
        """Whether a file is one that `fcn-batch` writes."""
        below = any(path.startswith(self.labels(head) + "/") for head in self.classes)
        return below or path in (self.path(TABLE), self.path(RECORD))

    def is_labelled(self, name):
        return all(FileSystems.exists(self.label(head, name)) for head in self.classes)

    def header(self):
        shares = [f"{head}_{name}".lstrip("_") for head, names in self.classes.items() for name in names]
        return [*COLUMNS, *shares]

    def row(self, kind, image, *, status=LABELLED, pngs=None):
        """Describe an image, by its labels' files (head -> contents) where it has them."""
        cells = [image.path, image.name, " ".join(status.split()), "" if image.size is None else image.size, "", ""]
        if pngs is not None:
            maps = {head: np.asarray(Image.open(io.BytesIO(png), formats=["PNG"])) for head, png in pngs.items()}
            cells[4:] = next(iter(maps.values())).shape
            cells += [f"{share:.6g}" for head, label in maps.items() for share in self._shares(head, label)]
        return Row(kind, image.name, _line(cells))

    def _shares(self, head, label):
        count = len(self.classes[head])
        return np.bincount(label.ravel(), minlength=count)[:count] / label.size


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
        for line in io.TextIOWrapper(file, encoding="utf-8", errors="surrogateescape"):
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


def labelled_rows(path):
    """Yield `(name, cells)` of what an earlier table says is labelled."""
    if not FileSystems.exists(path):
        return
    with open_file(path) as file:
        rows = csv.reader(io.TextIOWrapper(file, encoding="utf-8", errors="replace", newline=""))
        width = len(next(rows, []))
        for cells in rows:
            if len(cells) == width and cells[2].partition(",")[0] == LABELLED:
                yield cells[1], cells


def with_its_name(image):
    PROGRESS.add()
    return image.name, image


def plan(group, output):
    """Sort the images of one name into those to label (untagged), and rows for those that need nothing more.

    An image is done when its label is there, and the table has it with the file's present size.
    """
    name, images_and_rows = group
    listed, to_label = list(images_and_rows["images"]), None
    images = {image.path: image for image in listed}
    is_labelled = output.is_labelled(name)
    cells = next(iter(images_and_rows["rows"]), None) if is_labelled else None
    if not images:
        if cells:
            yield _tagged(Row("kept", name, _line(cells)))
        return
    owner = _owner(images, cells)
    taken = f"{name}.png is the label of {owner}" if owner else _shared(images)
    image = images.pop(owner, None)
    for other in images.values():
        yield _tagged(output.row("refused", other, status=other.problem or f"{taken}. Give it another --output."))
    if owner and not image:
        yield _tagged(Row("kept", name, _line(cells)))
    elif image and image.problem:
        yield _tagged(output.row("refused", image, status=image.problem))
    elif image:
        row = _done(image, cells, output) if is_labelled else None
        if row:
            yield _tagged(row)
        else:
            to_label = image
    PROGRESS.settle(len(listed) - (to_label is not None))
    if to_label:
        yield to_label


def _tagged(row):
    return beam.pvalue.TaggedOutput("rows", row)


def _shared(images):
    return f"{len(images)} images would have this name: {', '.join(sorted(images)[:3])}"


def _owner(images, cells):
    """Return the path of the image that a name's label belongs to, or None where several ask for it."""
    if cells and cells[0] not in images and len(images) == 1:
        (image,) = images.values()  # moved, if it is the same
        return image.path if str(_size(image)) == cells[3] else cells[0]
    if cells:
        return cells[0]
    return next(iter(images)) if len(images) == 1 else None


def _done(image, cells, output):
    """Return the row of an image whose label is there, or None if it has to be labelled again."""
    size = _size(image)
    if cells and (size is None or str(size) == cells[3]):  # None: its label outlived it
        return Row("done", image.name, _line([image.path, *cells[1:]]))
    if not cells:  # an earlier run was interrupted before it wrote its table
        try:
            pngs = {head: read_file(output.label(head, image.name)) for head in output.classes}
            return output.row("done", image._replace(size=size), pngs=pngs)
        except (OSError, SyntaxError):  # Pillow raises either for a damaged file
            pass
    with suppress(OSError):
        for head in output.classes:
            delete(output.label(head, image.name))
    return None


def _size(image):
    if image.size is not None:
        return image.size
    try:
        return FileSystems.get_filesystem(image.path).metadata(image.path).size_in_bytes
    except Exception:  # every file system has errors of its own; to read the image will tell
        return None


def read_image(image, output):
    """Yield `(image, contents)`, or a row that says why not."""
    try:
        contents = read_file(image.path, MAX_BYTES + 1)
    except Exception as error:  # every file system has errors of its own
        reason = getattr(error, "strerror", None) or f"{error}" or type(error).__name__
        yield _tagged(_refused(output, image, f"Cannot be read: {reason}."))
        return
    image = image._replace(size=len(contents))
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
    try:
        for head, png in answer.pngs.items():
            with replacing(output.label(head, image.name)) as file:
                file.write(png)
    except OSError as error:
        if error.errno not in BAD_NAME:  # a full disk, say, concerns them all
            raise
        return _refused(output, image, f"Its label cannot be written: {error.strerror}.")
    status = ", ".join(filter(None, (LABELLED, answer.scaled)))
    PROGRESS.finish(image.path, status)
    return output.row("labelled", image, status=status, pngs=answer.pngs)


def _refused(output, image, reason):
    """Count an image that was to be labelled as refused, and describe it."""
    PROGRESS.finish(image.path, reason)
    return output.row("refused", image, status=reason)


def with_no_key(row):
    return None, row


def write_table(group, output, record):
    """Write the table of all rows, then what the run came to into the record."""
    counts, refused = {"labelled": 0, "scaled": 0, "refused": 0, "done": 0, "kept": 0}, []
    with replacing(output.path(TABLE)) as file:
        file.write(_line(output.header()).encode())
        for row in sorted(group[1], key=lambda row: (row.name, row.line)):
            file.write(row.line.encode())
            counts[row.kind] += 1
            counts["scaled"] += row.kind == "labelled" and next(csv.reader([row.line]))[2] != LABELLED
            if row.kind == "refused" and len(refused) < NAMED:
                refused.append(next(csv.reader([row.line]))[:3])
    write_record(output, record, {**counts, "named": [(path, status) for path, _, status in refused]})


def write_record(output, record, last_run):
    with replacing(output.path(RECORD)) as file:
        file.write(json.dumps({**record, "last_run": last_run}, indent=1).encode() + b"\n")
