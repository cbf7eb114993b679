"""When patience runs out."""

from types import SimpleNamespace

import pytest

from training.train.patience import Patience, ran_out


@pytest.mark.parametrize(
    ("scores", "patience", "expected"),
    [
        ([], 1, False),
        ([0.5], 1, False),
        ([0.5, 0.4], 1, True),
        ([0.5, 0.5], 1, True),  # no better
        ([0.5, 0.4, 0.6], 2, False),
        ([0.5, 0.4, 0.45], 2, True),
        ([0.1, 0.5, 0.4, 0.45], 3, False),
        ([0.1, 0.5, 0.4, 0.5, 0.3], 3, True),  # as good as the best is not better
        ([0.5, 0.4, 0.3, 0.2], None, False),
    ],
)
def test_epochs_without_a_better_score(scores, patience, expected):
    assert ran_out(scores, patience) is expected


def test_it_stops_the_fit_and_goes_on_from_the_scores_before():
    callback = Patience(2, [0.5, 0.4])
    model = SimpleNamespace(stop_training=False)
    callback.set_model(model)
    assert not callback.ran_out()
    callback.on_epoch_end(2, {"val_sem_mean_iu": 0.6, "val_geo_mean_iu": 0.3, "mean_iu": 0.9})
    assert callback.ran_out()
    assert model.stop_training
    assert Patience(2, callback.scores).ran_out()
