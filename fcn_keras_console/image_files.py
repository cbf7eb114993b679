"""Find the images that a command is given, name their results, and tell these results from files of others."""

import glob
import os
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image, PngImagePlugin

from .given import did_you_mean_path
from .left_alone import kinds_of, left_alone
from .words import some

_LINKS_DEEP = 4  # links to folders within linked folders: two folders that link to each other never end


@dataclass(frozen=True)
class InputImage:
    """An image, or a video, that a command is to label.

    Attributes:
        key: names its results: the path below the folder that was given, without the extension.
        path: the file.
        name: what messages call it: its path, or stdin.
        video: whether it is a video.
        companions: files that belong to it, by what they hold: `{"depth": path}`.
    """

    key: str
    path: Path
    name: str
    video: bool = False
    companions: dict[str, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class ImageFinder:
    """What a command takes for an image.

    Attributes:
        extensions: of images, in lower case with the dot; folders and patterns are searched for them.
        is_result: tells whether the command itself wrote a file, which is then no image to label.
        videos: extensions of videos, which patterns match as well. In folders they are left alone.
        to_install: extensions of images that one more package would read, and the command that installs it.
    """

    extensions: frozenset[str]
    is_result: Callable[[Path], bool]
    videos: frozenset[str] = frozenset()
    to_install: dict[str, str] = field(default_factory=dict)

    def find(self, inputs, companion_folders=None, *, name_of=str, passed_over=None):
        """List the images that files, folders (with their sub-folders) and patterns such as `photos/**/*.jpg` name.

        Args:
            inputs: paths and patterns.
            companion_folders: folders by what their files hold, such as `"depth"`; each has a file of the same key
                for every image.
            name_of: tells what messages call a path.
            passed_over: list that gets the files of folders and patterns that are no images, hidden files, and the
                links to folders that are not followed.

        Returns:
            list of `InputImage`. A file that is named twice is there once.

        Raises:
            ValueError: if a path is missing, a folder or pattern has no image, two images would have one result, or an
                image lacks a companion.
            OSError: if a folder cannot be read.
        """
        if "" in inputs:  # such as an unset variable of a shell; `Path` would make the current folder of it
            raise ValueError("An input is empty. Name images, or folders of images; this folder is called `.`.")
        passed_over = [] if passed_over is None else passed_over
        keyed = (pair for given in dict.fromkeys(inputs) for pair in self._listed(given, passed_over))
        images = self._without_clashes(keyed, name_of)
        passed_over[:] = set(passed_over) - {path for _, path in images}  # by one input and not by another
        companions = {}
        for content, folder in (companion_folders or {}).items():
            files = self._without_clashes(self._listed(folder, []), str)
            companions[content] = files = {composed(key): path for key, path in files}
            if alone := [name_of(path) for key, path in images if composed(key) not in files]:
                lack = "lacks" if len(alone) == 1 else "lack"
                raise ValueError(f"{some(alone)} {lack} a file of the same name in --{content} {folder}. Add it.")
        return [
            InputImage(
                key,
                path,
                name_of(path),
                self._is_video(path),
                {name: files[composed(key)] for name, files in companions.items()},
            )
            for key, path in images
        ]

    def _without_clashes(self, keyed, name_of):
        """Drop files that come twice; refuse two files that would have one result."""
        by_result = {}
        for key, path in keyed:
            result = f"{key}.mp4" if self._is_video(path) else f"{key}.png"
            _, earlier = by_result.setdefault(result, (key, path))
            if earlier is not path and not earlier.samefile(path):
                raise ValueError(
                    f"{name_of(earlier)} and {name_of(path)} would both become {result}. Rename one, or label them in "
                    "two calls, each with an --output of its own."
                )
        return list(by_result.values())

    def _listed(self, given, passed_over):
        """List keys and files: the one that is given, the images below a folder, or what a pattern matches."""
        path = Path(given)
        if path.is_dir():
            others = []
            images = self._sorted_out(files_below(path, others=others), self.extensions, others)
            passed_over += others
            return _keyed(images, path) or self._refuse_empty(path, others)
        if path.exists():
            return [(path.stem, path)]
        if not glob.has_magic(str(given)):
            raise ValueError(f"{given} is missing. Name images, or folders of images.{did_you_mean_path(path)}")
        folder = _fixed_folder(path)
        names = sorted(glob.glob(str(path.relative_to(folder)), root_dir=folder, recursive=True))
        matches, others = [folder / name for name in names], []
        images = self._sorted_out(matches, self.extensions | self.videos, others)
        passed_over += others
        if not images:
            raise ValueError(
                f"{given} matches no image. Expected a pattern such as 'photos/**/*.jpg', in quotes."
                + self._told(others)
            )
        return _keyed(images, folder)

    def left_alone(self, paths):
        """Count what `find` passed over: `left alone: 5 .heic, 1 link`; nothing for no path."""
        return left_alone(kinds_of(paths), self.to_install)

    def _sorted_out(self, paths, extensions, others):
        """Return the images among paths, and add the files that are none to `others`, but not what was written here.

        A link to nowhere is an image: that its file is missing has to be said.
        """
        images = []
        for path in paths:
            is_named, is_file = path.suffix.lower() in extensions, path.is_file()
            if is_named and (is_file or not path.exists()):
                images += [] if self.is_result(path) else [path]
            elif not path.is_dir() and not (is_file and self.is_result(path)):
                others.append(path)
        return images

    def _told(self, others):
        return f" {told[0].upper()}{told[1:]}." if (told := self.left_alone(others)) else ""

    def _is_video(self, path):
        return path.suffix.lower() in self.videos

    def _refuse_empty(self, folder, others):
        videos = sorted(path.name for path in folder.iterdir() if self._is_video(path))
        hint = f" Videos are labelled when they are named: {folder / videos[0]}." if videos else ""
        raise ValueError(f"{folder} holds no image. Expected files such as 0001.jpg.{hint or self._told(others)}")


def files_below(folder, *, others=None):
    """List the files below a folder in a stable order: links to folders are followed, hidden files are not listed.

    A link to a folder that holds it is not followed, so that nothing goes round in circles. As
    `fcn_keras.datasets.listing.files_below`, which the readers of data sets have.

    Args:
        others: list that gets hidden files and folders, and the links that are not followed.

    Raises:
        OSError: if a folder cannot be read.
    """
    return list(_walk(Path(folder), [os.path.realpath(folder)], 0, [] if others is None else others))


def _walk(folder, above, links, others):
    inner = []
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        path = folder / entry.name
        if entry.name.startswith("."):
            others.append(path)
        elif not _is_folder(entry):
            yield path
        else:
            inner.append((path, entry.is_symlink()))
    for path, linked in inner:
        real = os.path.realpath(path)
        deep = links + linked
        if linked and (deep > _LINKS_DEEP or any(Path(one).is_relative_to(real) for one in above)):
            others.append(path)
        else:
            yield from _walk(path, [*above, real], deep, others)


def _is_folder(entry):
    """Tell whether an entry, or what it links to, is a folder; links that lead to each other are none."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _keyed(paths, folder):
    return [(path.relative_to(folder).with_suffix("").as_posix(), path) for path in paths]


def composed(text):
    """Return a name in one Unicode form (NFC), as `fcn_keras.datasets.names.composed` does."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _fixed_folder(pattern):
    """Return the folder before the first part of a pattern that has wildcards."""
    first = next(index for index, part in enumerate(pattern.parts) if glob.has_magic(part))
    return Path(*pattern.parts[:first])


def png_mark(command):
    """Make the metadata of a PNG that say which command wrote it."""
    mark = PngImagePlugin.PngInfo()
    mark.add_text("Software", command)
    return mark


def is_written_by(command, path):
    """Tell whether a command wrote a PNG or JPEG file, by `png_mark` or the comment in a JPEG."""
    if not path.is_file():  # to open a pipe would wait for ever
        return False
    try:
        with Image.open(path, formats=("PNG", "JPEG")) as image:
            marks = image.info.get("Software"), image.info.get("comment")
    except Exception:  # a damaged file makes Pillow raise nearly anything; what a command wrote is whole
        return False
    return command in marks or command.encode() in marks
