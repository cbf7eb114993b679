"""Each image goes to the net of its fold, and no two nets are in memory at once."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.training.doctor.test_suspects import KnowingNet
from tests.training.faulty import change, copy_tree, masks
from training.doctor.examination import examination
from training.doctor.fold_nets import FoldNets
from training.doctor.fold_training import TrainedFold
from training.doctor.folds import divided
from training.doctor.suspects import find_suspects
from training.doctor.suspects_report import section, text


@pytest.fixture(scope="module")
def asked(origin, tmp_path_factory):
    data = copy_tree(origin, tmp_path_factory.mktemp("asked") / "data")
    knowing = KnowingNet(data)

    def swap(ids):
        ids[20:40, 30:50] = (ids[20:40, 30:50] % 7) + 1
        return ids

    change(masks(data, "val")[1:2], swap)
    result = examination(data)
    fold_of, loaded, seen = divided(result, 3), [], []

    def load(path, class_names):
        loaded.append(path.stem)
        return lambda pixels, index: seen.append((path.stem, index)) or knowing(pixels, index)

    trained = [TrainedFold(Path(f"{number}.keras"), score) for number, score in enumerate((0.5, 0.25, None))]
    net = FoldNets(Path("folds"), trained, fold_of, result.report.class_names, load=load)
    return SimpleNamespace(
        result=result, net=net, fold_of=fold_of, suspects=find_suspects(result, net), loaded=loaded, seen=seen
    )


def test_every_image_is_asked_of_the_net_of_its_fold(asked):
    assert asked.loaded[:3] == ["0", "1", "2"]
    assert sorted(index for _, index in asked.seen[:10]) == list(range(10))
    assert all(name == str(asked.fold_of[index]) for name, index in asked.seen)


def test_all_are_ranked_together_and_told(asked):
    suspects = asked.suspects
    assert suspects.asked == 10
    assert suspects.images[0].file == "val/labels/1.png"
    assert suspects.images[0].trained_on is False
    told = " ".join(text(suspects, asked.result.report.class_names).split())
    assert "Out-of-fold: each mask is judged by the one of 3 nets" in told
    assert "mean IU on what they judge: 50.00, 25.00, - %." in told
    loads = len(asked.loaded)
    drawn = section(asked.result, suspects, asked.net)
    assert [each.text for each in drawn.iter("h3")] == [each.file for each in suspects.images]
    assert len(asked.loaded) - loads <= 3
