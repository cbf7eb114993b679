"""The experiments of the paper and of its release: rates, solvers, and what learns."""

from tests.training.tiny import NARROW
from training.recipes import paper
from training.recipes.catalogue import RECIPES


def test_the_released_rates_fall_by_a_hundred_from_stage_to_stage():
    rates = {name: recipe.learning_rate for name, recipe in RECIPES.items()}
    assert [rates[f"voc_fcn{s}s"] for s in (32, 16, 8)] == [1e-10, 1e-12, 1e-14]
    assert [rates[f"context_fcn{s}s"] for s in (32, 16, 8)] == [1e-10, 1e-12, 1e-14]
    assert [rates[f"sift_flow_fcn{s}s"] for s in (32, 16, 8)] == [1e-10, 1e-12, 1e-12]
    assert [rates[f"voc_paper_fcn{s}s"] for s in (32, 16, 8)] == [1e-4, 1e-6, 1e-8]
    assert rates["nyud_fcn32s_rgb_hha"] == 1e-12
    for recipe in paper.RECIPES:
        if recipe.optimizer in (paper.VOC_FCN32S.optimizer,):
            solver = recipe.optimizer(recipe.learning_rate)
            assert (solver.momentum, solver.l2, solver.bias_multiplier) == (0.99, 5e-4, 2.0)
            assert (recipe.reduction, recipe.batch_size, recipe.replacement) == ("sum", 1, True)
    for recipe in (paper.VOC_PAPER_FCN32S, paper.VOC_MIXED_FCN32S):
        assert (recipe.optimizer(1e-4).momentum, recipe.reduction) == (0.9, "mean")
        assert recipe.batch_size * recipe.accumulate == 20
        assert recipe.batch_size * recipe.steps == 200_000
    assert [rates[f"voc_mixed_fcn{s}s"] for s in (32, 16, 8)] == [1e-4, 1e-6, 1e-8]


def test_the_fixed_net_learns_its_scoring_layer_alone():
    recipe = paper.VOC_FCN32S_FIXED
    model = recipe.model(21, **{**recipe.model_options, "channels": NARROW})
    kept = [
        layer.name for layer in model.layers if layer.trainable_weights and not layer.name.startswith(recipe.frozen)
    ]
    assert kept == ["score_fr"]
