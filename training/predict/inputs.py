"""Images and videos to label: find them in files, folders, patterns and stdin, and read images with their depth."""

import contextlib
import glob
import os
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

from .marks import is_result
from .video import EXTENSIONS as VIDEOS
from .video import opened

STDIN = "-"
_NAMED = 5  # files an error names before it only counts


@dataclass(frozen=True)
class Scene:
    """One image or video and what belongs to it.

    Attributes:
        key: where its results go: the path below the folder that was given, without the extension.
        name: what people call it: its path, or stdin.
        partners: files by `"depth"` and `"hha"`.
    """

    key: str
    image: Path
    name: str
    partners: dict[str, Path] = field(default_factory=dict)

    @property
    def video(self):
        return self.image.suffix.lower() in VIDEOS

    @property
    def file_name(self):
        """The path below the folder that was given."""
        return self.key + self.image.suffix


def find_scenes(inputs, partners, spool):
    """List the images that are meant by files, folders, patterns and `-`, without what `fcn-predict` wrote into those.

    Args:
        inputs: paths of images, videos, and folders of images (with their sub-folders); patterns such as
            `photos/**/*.jpg`; `-` for an image from stdin.
        partners: folders by `"depth"` and `"hha"` that hold a file of the same key for each image.
        spool: an empty folder for what comes from stdin.

    Raises:
        ValueError: if a path is missing, a folder or pattern has no image, two images would have one result, or an
            image lacks a partner.
    """
    found = {}
    for given in dict.fromkeys(inputs):
        for key, path in _from_stdin(spool) if given == STDIN else _listed(given):
            place = f"{key}.mp4" if path.suffix.lower() in VIDEOS else f"{key}.png"
            if place in found and not found[place][1].samefile(path):
                one, other = (_name(known, spool) for known in (found[place][1], path))
                raise ValueError(
                    f"{one} and {other} would both become {place}. Label them in two calls, each with an --output of "
                    "its own."
                )
            found[place] = key, path
    files = {name: dict(_listed(folder)) for name, folder in partners.items()}
    for name, folder in partners.items():
        alone = [path for key, path in found.values() if key not in files[name]]
        if alone:
            raise ValueError(f"{_some(alone)} lack a file of the same name in --{name} {folder}. Add it.")
    return [
        Scene(key, path, _name(path, spool), {name: each[key] for name, each in files.items()})
        for key, path in found.values()
    ]


def _name(path, spool):
    """Name a file as people do: what came from stdin has a path that nobody knows."""
    return "stdin" if path.parent == spool else str(path)


def require_readable(scenes):
    """Open every file's header, so that a bad one shows before the model runs.

    Raises:
        ValueError: naming the first few bad files.
    """
    bad = []
    without_unreadable(scenes, lambda error: bad.append(str(error)))
    if len(bad) > 1:
        more = f" ... and {len(bad) - _NAMED} more" if len(bad) > _NAMED else ""
        raise ValueError(f"{len(bad)} files are bad: {' '.join(bad[:_NAMED])}{more}")
    if bad:
        raise ValueError(bad[0])


def without_unreadable(scenes, unreadable):
    """Return the scenes whose files' headers can be read; call `unreadable` with the error of each other file."""
    from fcn_keras.datasets.images import read_size

    left = []
    for scene in scenes:
        whole = True
        for path in (scene.image, *scene.partners.values()):
            try:
                with _named(scene):
                    if scene.video:
                        _require_video(path)
                    else:
                        read_size(path)
            except ValueError as error:
                unreadable(error)
                whole = False
        left += [scene] * whole
    return left


def read_scene(scene):
    """Read a scene as an example without label: `image`, and `depth` (millimetres) or `hha`.

    Raises:
        ValueError: if a file is damaged, of another size than the image, or depth is not 16-bit grey.
    """
    from fcn_keras.datasets.images import read_image

    with _named(scene):
        example = {"image": read_image(scene.image)}
    for name, path in scene.partners.items():
        pixels = _read_depth(path) if name == "depth" else read_image(path)
        if pixels.shape[:2] != example["image"].shape[:2]:
            raise ValueError(
                f"{scene.name} is {example['image'].shape[:2]} (height, width), and {path} {pixels.shape[:2]}. "
                f"Expected {name} of the image's size."
            )
        example[name] = pixels
    return example


def _read_depth(path):
    from fcn_keras.datasets.images import read_mask

    depth = read_mask(path)
    if depth.ndim != 2 or depth.dtype.itemsize < 2:
        raise ValueError(f"{path} holds {depth.dtype}. Expected depth in millimetres as 16-bit grey PNG.")
    return depth


def _require_video(path):
    with opened(path):
        pass


@contextlib.contextmanager
def _named(scene):
    """Let errors call a scene by its name."""
    try:
        yield
    except ValueError as error:
        raise ValueError(str(error).replace(str(scene.image), scene.name)) from error


def _from_stdin(spool):
    path = spool / "stdin"
    with path.open("wb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
    return [("stdin", path)]


def _listed(given):
    """List keys and files: the one that is given, the images below a folder, or what a pattern matches."""
    path = Path(given)
    if path.is_dir():
        return _keyed(_walk(path), path) or _refuse_empty(path)
    if path.exists():
        return [(path.stem, path)]
    if not glob.has_magic(str(given)):
        raise ValueError(f"{given} is missing. Name images, or folders of images.")
    root = Path(*_fixed(path.parts))
    matches = [root / name for name in sorted(glob.glob(str(path.relative_to(root)), root_dir=root, recursive=True))]
    found = _keyed([match for match in matches if _labelled(match, VIDEOS)], root)
    if not found:
        raise ValueError(f"{given} matches no image. Expected a pattern such as 'photos/**/*.jpg', in quotes.")
    return found


def _fixed(parts):
    """Return the folders before the first part of a pattern that is one; the file's name is none of them."""
    first = next(index for index, part in enumerate(parts) if glob.has_magic(part))
    return parts[:first]


def _keyed(paths, folder):
    """Pair files with their keys, which an image and a video may share."""
    found = {}
    for path in paths:
        key = path.relative_to(folder).with_suffix("").as_posix()
        other = found.setdefault((key, path.suffix.lower() in VIDEOS), path)
        if other is not path:
            raise ValueError(
                f"{other} and {path.name} would both become {key}.png. Rename one, or take it out of {folder}."
            )
    return [(key, path) for (key, _), path in found.items()]


def _refuse_empty(folder):
    videos = sorted(path.name for path in folder.iterdir() if path.suffix.lower() in VIDEOS)
    hint = f" Videos are labelled when they are named: {folder / videos[0]}." if videos else ""
    raise ValueError(f"{folder} holds no image. Expected files such as 0001.jpg.{hint}")


def _labelled(path, more=frozenset()):
    """Tell whether a file is one that is to be labelled, by its extension, and not a result."""
    from fcn_keras.datasets.images import extensions

    return path.suffix.lower() in extensions() | more and path.is_file() and not is_result(path)


def _walk(folder):
    """List the image files below a folder in a stable order, without hidden ones and results."""
    files = []

    def refuse(error):
        raise error

    for parent, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        paths = [Path(parent, name) for name in sorted(names) if not name.startswith(".")]
        files += [path for path in paths if _labelled(path)]
    return files


def _some(paths):
    more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
    return ", ".join(map(str, paths[:_NAMED])) + more
