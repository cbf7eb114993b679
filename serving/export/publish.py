"""Put files that belong together under their names, together or not at all."""

import contextlib
from pathlib import Path


@contextlib.contextmanager
def made(folder):
    """Make a folder and those above it, and take them away again if what is done within fails."""
    folder = Path(folder).absolute()
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield folder
    except BaseException:
        for path in new:
            with contextlib.suppress(OSError):  # another process may have put something there
                path.rmdir()
        raise


def publish(files, folder):
    """Move finished files into a folder of the same file system, over older ones.

    Several files cannot appear in one instant. So the last, the one that readers open, is taken away first and comes
    back last: whoever sees it sees new files beside it.

    Args:
        files: paths; the last one names the whole.
        folder: where they go.

    Raises:
        OSError: if one cannot be moved; then none of them is there.
    """
    targets = [Path(folder) / path.name for path in files]
    if wrong := [target for target in targets if target.is_dir()]:
        raise IsADirectoryError(f"{wrong[0]} is a folder. Choose another name, or remove it.")
    targets[-1].unlink(missing_ok=True)
    moved = []
    try:
        for path, target in zip(files, targets, strict=True):
            path.replace(target)
            moved.append(target)
    except OSError:
        for target in moved:
            target.unlink()
        raise
