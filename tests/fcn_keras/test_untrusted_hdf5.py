"""What both readers of weights refuse of an HDF5 file; their own tests are of whole files."""

import h5py
import numpy as np
import pytest

from fcn_keras.untrusted_hdf5 import MalformedError, leaves, member, require_within


@pytest.fixture
def file(tmp_path):
    with h5py.File(tmp_path / "weights.h5", "w") as opened:
        opened["conv/kernel"] = np.arange(6.0)
        opened["conv/deep/bias"] = np.zeros(2)
        yield opened


def test_everything_below_a_group(file):
    assert {name: node.shape for name, node in leaves(file, 4)} == {"kernel": (6,), "bias": (2,)}
    with pytest.raises(MalformedError, match="over 3 members"):
        list(leaves(file, 3))


@pytest.mark.parametrize("link", [h5py.SoftLink("/conv"), h5py.ExternalLink("/etc/passwd", "/")])
def test_links_to_elsewhere(file, link):
    file["conv/linked"] = link
    for look in (lambda: member(file["conv"], "linked"), lambda: list(leaves(file, 9))):
        with pytest.raises(MalformedError, match=rf"linked is a link to elsewhere \({type(link).__name__}\)"):
            look()


def test_members(file):
    assert member(file["conv"], "kernel").shape == (6,)
    assert member(file["conv"], "absent") is None


@pytest.mark.parametrize("name", ["conv/kernel", "conv"])
def test_the_same_object_twice(file, name):
    """A hard link to a group above never ends; to an array, it is counted twice."""
    file["conv/again"] = file[name]
    with pytest.raises(MalformedError, match="is there twice, or a cycle"):
        list(leaves(file, 99))


def test_numbers_of_other_files_and_chunks_of_gigabytes(file):
    require_within(file["conv/kernel"], "kernel")
    file.create_dataset("outside", (4,), "u1", external=[("/etc/passwd", 0, 4)])
    file.create_dataset("wide", (4,), "f4", chunks=(2**25,), maxshape=(None,))
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("elsewhere.h5", "x", (4,))
    file.create_virtual_dataset("virtual", layout)
    for name, message in (("outside", "lie in another file"), ("virtual", "lie in another"), ("wide", "has chunks of")):
        with pytest.raises(MalformedError, match=f"{name} {message}"):
            require_within(file[name], name)
