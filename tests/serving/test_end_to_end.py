"""The exported network behind the local server, asked by the client: labels are `fcn_keras.predict`'s, bit by bit."""

import numpy as np
import pytest

from fcn_keras import inference
from fcn_keras.models import FCN8s
from serving.client.client import Client, ImageRefused
from serving.export import export
from serving.server.command import running
from tests.serving.image_files import encode, evaluated, files, picture, rotated_files
from tests.serving.nets import randomize

NARROW = (((8, 2), (12, 2), (16, 3), (20, 3), (20, 3)), 32)


@pytest.fixture(scope="module")
def net():
    return randomize(FCN8s(21, padding="caffe", channels=NARROW))


@pytest.fixture(scope="module")
def addresses(net, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "fcn"
    export(net, folder, sizes=[(24, 40)], extras=("confidence",))
    with running({"fcn": folder}) as addresses:
        yield {"REST": addresses.rest, "gRPC": f"grpc://{addresses.grpc}"}


@pytest.mark.parametrize("protocol", ["REST", "gRPC"])
def test_files_of_all_kinds_get_the_labels_of_predict(net, addresses, protocol):
    found = {**files(), **{name: contents for name, contents in rotated_files().items() if name.endswith("6 <")}}
    with Client(addresses[protocol], model="fcn") as client:
        answers = list(client.predict_many(found.values()))
    distinct = set()
    for name, contents, answer in zip(found, found.values(), answers, strict=True):
        assert answer.error is None, name
        expected = inference.predict(net, evaluated(contents))
        np.testing.assert_array_equal(answer.labels, expected, err_msg=name)
        assert answer.labels.dtype == np.uint8
        assert 1 / 21 < answer.outputs["confidence"] <= 1
        distinct |= set(np.unique(expected))
    assert len(distinct) > 5  # not one class everywhere


@pytest.mark.parametrize("protocol", ["REST", "gRPC"])
def test_a_bad_image_among_good_ones(addresses, protocol):
    with Client(addresses[protocol], model="fcn") as client:
        good, bad = client.predict_many([picture(9, 7), encode(picture(40, 50), "JPEG")[:300]])
        assert good.labels.shape == (9, 7)
        assert isinstance(bad.error, ImageRefused)
        with pytest.raises(ImageRefused, match="This is not a JPEG, PNG, BMP or WebP file"):
            client.predict(b"no image")
