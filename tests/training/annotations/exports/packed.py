"""Pack the files that another tool wrote into one archive, and unpack it for a test."""

import tempfile
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent


def pack(write, name):
    """Call `write(folder)`, and keep what it wrote as `name.zip` beside this file, alike on every day."""
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder))
        files = [path for path in sorted(Path(folder).rglob("*")) if path.is_file()]
        with zipfile.ZipFile(HERE / f"{name}.zip", "w") as archive:
            for path in files:
                member = zipfile.ZipInfo(path.relative_to(folder).as_posix(), (2026, 11, 30, 0, 0, 0))
                archive.writestr(member, path.read_bytes(), zipfile.ZIP_DEFLATED, 9)


def unpacked(name, part, folder):
    """Unpack the files of `name.zip` below `part` into a folder, and return that."""
    with zipfile.ZipFile(HERE / f"{name}.zip") as archive:
        for member in archive.namelist():
            if member.startswith(f"{part}/"):
                path = folder / member.removeprefix(f"{part}/")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(archive.read(member))
    return folder
