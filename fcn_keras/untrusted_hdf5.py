"""HDF5 files that may come from anyone: no link leaves the file, no number lies outside it, no chunk is huge."""

import math
from collections.abc import Iterator
from typing import Any

import h5py

MAX_CHUNK_BYTES = 2**26  # HDF5 allocates whole chunks, whatever the array's size


class MalformedError(Exception):
    """What is wrong with a file; whoever reads it adds its name."""


def member(group: Any, name: str) -> Any:
    """Return a member of a group, None if there is none.

    Args:
        group: `h5py.Group`, or a file.
        name: of the member.

    Returns:
        `h5py.Dataset` or `h5py.Group`, or None.

    Raises:
        MalformedError: if it is a link to elsewhere.
    """
    link = group.get(name, getlink=True, default=None)
    if link is None:
        return None
    if not isinstance(link, h5py.HardLink):
        raise MalformedError(f"{name} is a link to elsewhere ({type(link).__name__})")
    return group[name]


def leaves(group: Any, most: int) -> Iterator[tuple[str, Any]]:
    """Yield the name and the object of everything below a group that is no group itself.

    Args:
        group: `h5py.Group`, or a file.
        most: members that may be looked at.

    Yields:
        `(name, h5py.Dataset)`.

    Raises:
        MalformedError: if there are more, if one is there twice, or if one is a link to elsewhere.
    """
    pending, looked, seen = [group], 0, set()
    while pending:
        group = pending.pop()
        looked += len(group)
        if looked > most:
            raise MalformedError(f"over {most} members")
        for name in group:
            node = member(group, name)
            address = h5py.h5o.get_info(node.id).addr
            if address in seen:
                raise MalformedError(f"{name} is there twice, or a cycle")
            seen.add(address)
            if isinstance(node, h5py.Group):
                pending.append(node)
            else:
                yield name, node


def require_within(dataset: Any, name: str) -> None:
    """Check before a dataset is read that its numbers lie in the file, in chunks that can be allocated.

    Args:
        dataset: `h5py.Dataset`.
        name: what errors call it.

    Raises:
        MalformedError: if they do not.
    """
    if dataset.external or dataset.is_virtual:
        raise MalformedError(f"the numbers of {name} lie in another file")
    if dataset.chunks and math.prod(dataset.chunks) * dataset.dtype.itemsize > MAX_CHUNK_BYTES:
        raise MalformedError(f"{name} has chunks of {dataset.chunks} numbers")
