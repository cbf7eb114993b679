"""Where an exported network's time goes."""

import hot_spots
import pytest
from fcn_keras_serving.export import export

from fcn_keras.models import FCN32s

TINY = (((4, 1), (6, 1), (8, 1), (8, 1), (8, 1)), 8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return str(export(FCN32s(3, channels=TINY), tmp_path_factory.mktemp("models") / "net", memory=16, sizes=[(32, 48)]))


def test_every_layer_has_its_time(folder):
    spent = hot_spots.traced(folder, 64)
    for layer in ("conv1_1", "conv5_1", "fc6", "score_fr", "upscore"):
        assert any(name.split()[0] == layer and seconds > 0 for name, seconds in spent.items()), (layer, spent)


def test_the_table_adds_up(folder, capsys):
    assert hot_spots.main([folder, "--size", "64", "--rows", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in (lines[0], lines[-1])] == ["operation", "all"]
    assert len(lines) == 6  # three operations, what is left, and the sum
    shares = [float(line.split()[-1].rstrip("%")) for line in lines[1:-1]]
    assert sum(shares) == pytest.approx(100, abs=0.3)
