"""Which kind of file holds VGG16's weights, and where Keras's come from."""

import os
import pickle
import zipfile

import keras
import pytest

from fcn_keras import vgg16_files
from fcn_keras.imagenet import load_imagenet
from fcn_keras.vgg16_channels_first import Caffe, Safetensors
from fcn_keras.vgg16_formats import Hdf5, Npz
from tests.fcn_keras.small_nets import net
from tests.weight_files import CHANNELS, caffemodel, npz, published_h5, torchvision, vgg16_arrays


def test_other_files_and_arguments(tmp_path, untouched):
    path = tmp_path / "weights.bin"
    path.write_bytes(b"PNG or so")
    with pytest.raises(ValueError, match=r"must hold VGG16 weights.*weights.bin: it begins with b'PNG or s'"):
        load_imagenet(untouched, path)
    with pytest.raises(ValueError, match="it is no file"):
        load_imagenet(untouched, tmp_path)
    with pytest.raises(FileNotFoundError):
        load_imagenet(untouched, tmp_path / "absent.h5")
    with pytest.raises(ValueError, match=r"`preprocessing` is one of .*Received: 'tf'"):
        load_imagenet(untouched, path, preprocessing="tf")
    with pytest.raises(ValueError, match='published weights expect `preprocessing="caffe"`'):
        load_imagenet(untouched, preprocessing="torch")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")
    with pytest.raises(ValueError, match=r"layer conv1_1 is missing .it has none of VGG16"):
        load_imagenet(untouched, path)


def test_no_network(monkeypatch, untouched):
    def get_file(*args, **options):
        raise Exception("URL fetch failure")

    monkeypatch.setattr(keras.utils, "get_file", get_file)
    with pytest.raises(
        OSError, match=r"could not be downloaded .URL fetch failure.*_notop.h5 .59 MB. elsewhere.*~/.keras"
    ):
        load_imagenet(untouched)


def test_a_file_is_told_by_its_first_bytes(tmp_path):
    arrays = vgg16_arrays(classifier=False)
    network = tmp_path / "of ours"
    net().save(tmp_path / "net.keras")
    os.replace(tmp_path / "net.keras", network)
    written = {
        published_h5(tmp_path / "a", arrays): Hdf5,
        npz(tmp_path / "b.npz", arrays): Npz,
        torchvision(tmp_path / "c", arrays): Safetensors,
        caffemodel(tmp_path / "d", arrays): Caffe,
        network: None,
    }
    assert {path: vgg16_files.kind(path) for path in written} == written
    with pytest.raises(ValueError, match=r"of ours: it is a network; `load_imagenet` takes it"):
        vgg16_files.read(network, {})


class Evil:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5, "archive"])
def test_pickles_are_refused_in_one_line_and_not_read(tmp_path, untouched, protocol):
    path, trap = tmp_path / "vgg16-397923af.pth", tmp_path / "trap"
    if protocol == "archive":  # as PyTorch writes them today
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("vgg16/data.pkl", pickle.dumps(Evil(str(trap))))
            archive.writestr("vgg16/version", "3")
    else:
        path.write_bytes(pickle.dumps(Evil(str(trap)), protocol))
    with pytest.raises(
        ValueError, match=r"397923af\.pth is a pickle.*save_file.* vgg16-397923af\.safetensors$"
    ) as error:
        load_imagenet(untouched, path)
    assert "\n" not in str(error.value)
    assert not trap.exists()


def test_the_shapes_of_a_network_are_known_before_it_is_built():
    shapes = vgg16_files.kernel_shapes(CHANNELS)
    model = net()
    assert {name: tuple(model.get_layer(name).kernel.shape) for name in shapes} == shapes
    assert len(shapes) == 15


def test_damage_within_the_arrays_is_not_looked_for_beforehand(tmp_path):
    path = published_h5(tmp_path / "vgg.h5", vgg16_arrays(classifier=False))
    assert vgg16_files.check(path, vgg16_files.kernel_shapes(CHANNELS)) is None
    other = ((9, 2), *CHANNELS[0][1:]), CHANNELS[1]
    with pytest.raises(
        ValueError, match=r"layer conv1_1: its kernel has shape .*vgg\.h5|vgg\.h5.*layer conv1_1: its kernel"
    ):
        vgg16_files.check(path, vgg16_files.kernel_shapes(other))


def test_where_weights_cannot_be_had_the_error_tells_the_file_and_its_size():
    error = vgg16_files.DownloadError(True, "no route\nto host")
    assert error.url == vgg16_files.URL + "vgg16_weights_tf_dim_ordering_tf_kernels.h5"
    assert (error.megabytes, error.reason) == (553, "no route to host")
    assert vgg16_files.DownloadError(False, "").megabytes == 59
