"""Which photographs a net's run knows already: those that it was trained or validated on, by their bytes."""

from fcn_keras_console.workdir import StageFiles

from ..workdir.data_list import digest_of_file, read_data_list


def without_labelled(images, path):
    """Leave out what the run of a net was trained or validated on, wherever it lies and whatever it is called.

    Args:
        images: list of `fcn_keras_console.image_files.InputImage`.
        path: of the net; what lies beside it lists the files of its data.

    Returns:
        the images that are left, and how many were left out: None where no list says so.
    """
    listed = read_data_list(StageFiles(path.parent).data)
    if listed is None:
        return images, None
    known = {digest for split in listed.splits.values() for digest in split.digests.get("image", ())}
    if not known:
        return images, None
    left = [image for image in images if digest_of_file(image.path) not in known]
    return left, len(images) - len(left)
