"""The exported network behind the local server, asked by the client: labels are `fcn_keras.predict`'s, bit by bit."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from fcn_keras import inference
from fcn_keras.models import FCN8s
from serving.client.client import Client, ImageRefused
from serving.export import export
from serving.server.command import running
from tests.serving.image_files import encode, evaluated, files, picture, rotated_files
from tests.serving.nets import randomize

NARROW = ((6, 1), (6, 1), (8, 1), (8, 1), (8, 1)), 8
TURNED = ("rotated jpeg", "rotated png", "rotated webp", "jpeg rotated by xmp alone")


@pytest.fixture(scope="module")
def net():
    return randomize(FCN8s(21, channels=NARROW))


@pytest.fixture(scope="module")
def addresses(net, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "fcn"
    export(net, folder, memory=16, sizes=[(24, 40)], extras=("confidence", "confidence_map"))
    for row in json.loads((folder / "1" / "model.json").read_text())["parity"]:
        assert 0 < row["largest_confidence_error"] < 0.0021  # half a step of 255, and rounding
    assert "largest confidence error" in (folder / "1" / "README.md").read_text()
    with running({"fcn": folder}) as addresses:
        yield {"REST": addresses.rest, "gRPC": f"grpc://{addresses.grpc}"}


@pytest.fixture(scope="module")
def images(net):
    """Files of all kinds, and the labels of what they hold: `{name: (contents, labels)}`."""
    found = {**files(), **{name: contents for name, contents in rotated_files().items() if name.endswith("6 <")}}
    return {name: (contents, inference.predict(net, evaluated(contents))) for name, contents in found.items()}


@pytest.mark.parametrize("protocol", ["REST", "gRPC"])
def test_files_of_all_kinds_get_the_labels_of_predict(images, addresses, protocol):
    with Client(addresses[protocol], model="fcn") as client:
        answers = list(client.predict_many(contents for contents, _ in images.values()))
    distinct = set()
    for (name, (_, expected)), answer in zip(images.items(), answers, strict=True):
        assert answer.error is None, name
        np.testing.assert_array_equal(answer.labels, expected, err_msg=name)
        assert answer.labels.dtype == np.uint8
        assert 1 / 21 < answer.outputs["confidence"] <= 1
        assert answer.confidence.shape == expected.shape
        assert abs(answer.confidence.mean() / 255 - answer.outputs["confidence"]) < 0.005
        distinct |= set(np.unique(expected))
    assert len(distinct) > 5  # not one class everywhere


def test_pil_images_get_the_labels_of_their_files(images, addresses):
    """Which the server turns by EXIF, as the client turns PIL images; XMP turns none of them."""
    with Client(addresses["REST"], model="fcn") as client:
        for name in TURNED:
            contents, expected = images[name]
            np.testing.assert_array_equal(client.predict(Image.open(io.BytesIO(contents))), expected, err_msg=name)


@pytest.mark.parametrize("protocol", ["REST", "gRPC"])
def test_a_bad_image_among_good_ones(addresses, protocol):
    with Client(addresses[protocol], model="fcn") as client:
        good, bad = client.predict_many([picture(9, 7), encode(picture(40, 50), "JPEG")[:300]])
        assert good.labels.shape == (9, 7)
        assert isinstance(bad.error, ImageRefused)
        with pytest.raises(ImageRefused, match="This is not a JPEG, PNG, BMP or WebP file"):
            client.predict(b"no image")
