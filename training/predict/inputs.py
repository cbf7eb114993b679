"""Images and videos to label: find them in files, folders, patterns and stdin, and read images with their depth."""

import contextlib
import logging
import shutil
import sys
from pathlib import Path

from fcn_keras_console.disk_errors import naming
from fcn_keras_console.image_files import ImageFinder
from fcn_keras_console.words import counted, some

from .marks import is_result
from .video import EXTENSIONS as VIDEOS
from .video import opened

LOG = logging.getLogger("fcn_keras_console")  # whose notices every command prints
STDIN = "-"


def image_finder():
    """Make what tells the images to label from other files, and from what `fcn-predict` wrote into the same folders."""
    from fcn_keras.datasets.images import extensions, extensions_to_install

    to_install = extensions_to_install()
    return ImageFinder(extensions() - to_install.keys(), is_result, VIDEOS, to_install)


def find_images(finder, inputs, companion_folders, temporary_folder, passed_over):
    """List the images and videos to label. The masks of a data set that is given as a whole are none.

    Args:
        finder: as `image_finder` makes it.
        inputs: paths of images, videos and folders of images; patterns such as `photos/**/*.jpg`; `-` for an image from
            stdin.
        companion_folders: folders by `"depth"` and `"hha"`, with a file of the same key for each image.
        temporary_folder: an empty one, for what comes from stdin; None where nothing can.
        passed_over: list that gets the files of folders and patterns that are no images.

    Raises:
        ValueError: as `ImageFinder.find`.
    """
    stdin = temporary_folder / "stdin" if STDIN in inputs else None
    if stdin is not None:
        with naming(temporary_folder.parent), stdin.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
    found = finder.find(
        [stdin if given == STDIN else given for given in inputs],
        companion_folders,
        name_of=lambda path: "stdin" if path == stdin else str(path),  # whose path nobody knows
        passed_over=passed_over,
    )
    return _without_masks(found, inputs, passed_over)


def _without_masks(found, inputs, passed_over):
    """Leave out files in a data set's folders of masks, but those that are named themselves, or whose folder is."""
    from fcn_keras.datasets.layouts import lies_among_masks

    folders = [Path(given) for given in inputs if Path(given).is_dir()]
    photographs, masks = [], []
    for image in found:
        within = [folder for folder in folders if folder in image.path.parents]
        is_alone = "/" not in image.key  # named itself, or right in a folder that was named
        is_mask = not is_alone and within and all(lies_among_masks(image.path, folder) for folder in within)
        (masks if is_mask else photographs).append(image)
    if not masks or not photographs:
        return found
    passed_over += [image.path for image in masks]
    LOG.warning("%s in a data set's folders of masks: not labelled", counted(len(masks), "file"))
    return photographs


def require_readable(images):
    """Open every file's header, so that a bad one shows before the model runs.

    Raises:
        ValueError: naming the first few bad files.
    """
    bad = []
    without_unreadable(images, lambda error: bad.append(str(error)))
    if len(bad) > 1:
        raise ValueError(f"{len(bad)} files are bad: {some(bad, between=' ')}")
    if bad:
        raise ValueError(bad[0])


def without_unreadable(images, unreadable):
    """Return the images whose files' headers can be read; call `unreadable` with the error of each other file."""
    from fcn_keras.datasets.images import read_size

    readable = []
    for image in images:
        whole = True
        for path in (image.path, *image.companions.values()):
            try:
                with _named(image):
                    if image.video:
                        _require_video(path)
                    else:
                        read_size(path)
            except ValueError as error:
                unreadable(error)
                whole = False
        readable += [image] * whole
    return readable


def read_example(image):
    """Read an input image as an example without label: `image`, and `depth` (millimetres) or `hha`.

    Raises:
        ValueError: if a file is damaged, of another size than the image, or depth is not 16-bit grey.
    """
    from fcn_keras.datasets.images import read_image

    with _named(image):
        example = {"image": read_image(image.path)}
    for name, path in image.companions.items():
        pixels = _read_depth(path) if name == "depth" else read_image(path)
        if pixels.shape[:2] != example["image"].shape[:2]:
            raise ValueError(
                f"{image.name} is {example['image'].shape[:2]} (height, width), and {path} {pixels.shape[:2]}. "
                f"Expected {name} of the image's size."
            )
        example[name] = pixels
    return example


def _read_depth(path):
    from fcn_keras.datasets.images import read_mask

    depth = read_mask(path)
    if depth.ndim != 2 or depth.dtype.itemsize < 2:
        what = "colours" if depth.ndim == 3 else f"{8 * depth.dtype.itemsize}-bit grey"
        raise ValueError(f"{path} holds {what}. Expected depth in millimetres as 16-bit grey PNG.")
    return depth


def _require_video(path):
    with opened(path):
        pass


@contextlib.contextmanager
def _named(image):
    """Let errors call an image by its name."""
    try:
        yield
    except ValueError as error:
        raise ValueError(str(error).replace(str(image.path), image.name)) from error
