"""Images to label: find them in files and folders, with the depth or HHA beside them, and read them."""

import os
from dataclasses import dataclass, field
from pathlib import Path

MARK = "fcn-predict"  # in the metadata of every file the command writes
_NAMED = 5  # files an error names before it only counts


@dataclass(frozen=True)
class Scene:
    """One image and what belongs to it.

    Attributes:
        key: where its results go: the path below the folder that was given, without the extension.
        partners: files by `"depth"` and `"hha"`.
    """

    key: str
    image: Path
    partners: dict[str, Path] = field(default_factory=dict)


def find_scenes(inputs, partners):
    """List the images in files and folders (with their sub-folders), without what `fcn-predict` wrote into those.

    Args:
        inputs: paths of images and folders.
        partners: folders by `"depth"` and `"hha"` that hold a file of the same key for each image.

    Raises:
        ValueError: if a path is missing, a folder holds no image, two images would have one result, or an image
            lacks a partner.
    """
    found = {}
    for given in inputs:
        for key, path in _listed(given).items():
            if key in found and not found[key].samefile(path):
                raise ValueError(f"{found[key]} and {path} would both become {key}.png. Label them in two calls.")
            found[key] = path
    files = {name: _listed(folder) for name, folder in partners.items()}
    for name, folder in partners.items():
        alone = [found[key] for key in found if key not in files[name]]
        if alone:
            raise ValueError(f"{_some(alone)} lack a file of the same name in --{name} {folder}. Add it.")
    return [Scene(key, path, {name: files[name][key] for name in files}) for key, path in found.items()]


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

    example = {"image": read_image(scene.image)}
    for name, path in scene.partners.items():
        pixels = _read_depth(path) if name == "depth" else read_image(path)
        if pixels.shape[:2] != example["image"].shape[:2]:
            raise ValueError(
                f"{scene.image} is {example['image'].shape[:2]} (height, width), and {path} {pixels.shape[:2]}. "
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


def is_result(path):
    """Tell whether `fcn-predict` wrote a file."""
    from fcn_keras.datasets.images import read_header

    try:
        _, _, info = read_header(path)
    except ValueError:  # this command's are whole
        return False
    comment = info.get("comment", b"")
    return info.get("Software") == MARK or comment in (MARK, MARK.encode())


def _listed(given):
    """Map keys to image files: the one that is given, or those below the folder that is given."""
    if not given.exists():
        raise ValueError(f"{given} is missing. Name images, or folders of images.")
    if not given.is_dir():
        return {given.stem: given}
    found = {}
    for path in _walk(given):
        key = path.relative_to(given).with_suffix("").as_posix()
        if key in found:
            raise ValueError(
                f"{found[key]} and {path.name} would both become {key}.png. Rename one, or take it out of {given}."
            )
        found[key] = path
    if not found:
        raise ValueError(f"{given} holds no image. Expected files such as 0001.jpg.")
    return found


def _walk(folder):
    """List the image files below a folder in a stable order, without hidden ones and results."""
    from fcn_keras.datasets.images import extensions

    known, files = extensions(), []

    def refuse(error):
        raise error

    for parent, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        paths = [Path(parent, name) for name in sorted(names) if not name.startswith(".")]
        files += [path for path in paths if path.suffix.lower() in known and not is_result(path)]
    return files


def _some(paths):
    more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
    return ", ".join(map(str, paths[:_NAMED])) + more
