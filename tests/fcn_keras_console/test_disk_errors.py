"""Errors of disks name the file that the user asked for, whoever raises them."""

import errno
import os
import shutil
from pathlib import Path

import pytest

from fcn_keras_console import run
from fcn_keras_console.disk_errors import ADVICE, NotWrittenError, in_words, naming, writable_error
from fcn_keras_console.files import new_folder, write_text, written, written_together

FULL = OSError(errno.ENOSPC, "No space left on device")
PLACE = "/data/.fcn-abc_1234.tmp/new/net.xml"
H5PY = "Can't write data (file write failed: time = Mon Nov 30, errno = 28, error message = 'No space left on device')"


class Foreign(Exception):
    """What a library raises that knows nothing of `OSError`."""


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (FULL, "net.xml cannot be written: No space left on device. Make room, and give the same command again."),
        (
            OSError(errno.EIO, "Input/output error", PLACE),
            "net.xml cannot be written: Input/output error. The disk may",
        ),
        (
            OSError(errno.EACCES, "Permission denied", "/data/.fcn-abc_1234.tmp"),
            "net.xml cannot be written: Permission",
        ),
        (OSError(errno.ENOSPC, "x", f"/data/.{'0af' * 10}12.part"), "net.xml cannot be written: No space"),
        (OSError(errno.ENOSPC, "x", "photo.jpg", None, PLACE), "net.xml cannot be written: No space"),
        (OSError(H5PY), "net.xml cannot be written: No space left"),
        (Foreign(f"{PLACE}; Disk quota exceeded [Op:SaveV2]"), "net.xml cannot be written: Disk quota exceeded."),
        (Foreign("net.xml: Read-only file system"), "net.xml cannot be written: Read-only file system."),
        (shutil.Error([("a", PLACE, "[Errno 28] No space left on device")]), "net.xml cannot be written: No space"),
    ],
)
def test_errors_of_writing_name_the_target(error, told):
    with pytest.raises(NotWrittenError) as raised, naming("net.xml"):
        raise error
    assert in_words(raised.value).startswith(told)
    assert raised.value.__cause__ is error


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(errno.ENOENT, "No such file or directory", "photo.jpg"),
        OSError(errno.EIO, "Input/output error", "photo.jpg"),
        OSError("image file is truncated"),
        ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"),
        OSError("Unable to open file (name = 'a.h5', errno = 2, error message = 'No such file or directory')"),
        ValueError(f"{PLACE} cannot be read: Permission denied."),
        ImportError("pip install it"),
        RuntimeError("a fault of ours"),
        Foreign("photo.jpg: Permission denied"),
        KeyboardInterrupt(),
    ],
)
def test_other_errors_stay_as_they_are(error):
    with pytest.raises(type(error)) as raised, naming("net.xml"):
        raise error
    assert raised.value is error


def test_files_of_a_folder_are_named_themselves(tmp_path):
    with pytest.raises(NotWrittenError, match=r"card\.md cannot"), written_together(tmp_path, "net.xml") as place:
        raise OSError(errno.EIO, "x", str(place / "card.md"))
    with pytest.raises(NotWrittenError, match=r"net\.xml cannot"), written_together(tmp_path, "net.xml"):
        raise FULL
    with pytest.raises(NotWrittenError) as raised, new_folder(tmp_path / "copy", "--fix", tmp_path / "a") as place:
        raise OSError(errno.ENOSPC, "x", str(place / "labels" / "1.png"))
    assert raised.value.filename == str(tmp_path / "copy" / "labels" / "1.png")
    with pytest.raises(NotWrittenError) as raised, written(tmp_path / "a.png") as place:
        raise OSError(errno.ENOSPC, "x", str(place / "lock"))
    assert raised.value.filename == str(tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_in_words_and_without_a_name():
    assert in_words(OSError(errno.ENOSPC, "No space left on device", "a.png")).startswith("a.png cannot be written: No")
    assert in_words(FULL).startswith("A file cannot be written: No space left on device.")
    assert in_words(OSError(errno.EACCES, "Permission denied", "a.png")) == "a.png: Permission denied"
    assert in_words(OSError("it is odd")) == "it is odd"
    assert "Choose another place." in str(NotWrittenError(errno.ENOTDIR, "Not a directory", "a"))
    assert all(text[0].isupper() and not text.endswith(".") for text in ADVICE.values())


def test_why_a_library_could_not_write(tmp_path, file_limit):
    assert writable_error(tmp_path, 1000) == errno.EIO
    assert writable_error(tmp_path / "missing", 1000) == errno.ENOENT
    with file_limit(500):
        assert writable_error(tmp_path, 1000) == errno.EFBIG
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def file_limit():
    """Let no file become larger than so many bytes for a while: as on a full disk, whoever writes."""
    import contextlib
    import resource

    @contextlib.contextmanager
    def limited(size):
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limited


def test_an_old_result_stays_whole(tmp_path, file_limit, capsys):
    path = tmp_path / "metrics.txt"
    write_text(path, "old")

    def body(_):
        with file_limit(10_000):
            write_text(path, "new" * 10_000)

    assert run("fcn-x", body, None) == 2
    assert capsys.readouterr().err == (
        f"fcn-x: {path} cannot be written: File too large. Raise the limit on the size of files, or choose another "
        "place.\n"
    )
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == [Path(path).name]


@pytest.mark.parametrize("error", [ValueError, OSError])
def test_a_scratch_folder_has_the_name_that_was_asked_for(error, capsys):
    def body(_):
        raise error("folder out/.fcn-ji4mixa_.tmp/new, or out/.fcn-ji4mixa_.tmp/net.prototxt, or a/.fcn-0/b")

    assert run("fcn-x", body, None) == 2
    assert capsys.readouterr().err == "fcn-x: folder out, or out/net.prototxt, or a/.fcn-0/b\n"
