"""The watchdog: every failure really produced on tiny nets, and silence where nothing is wrong."""

import math
import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest

import fcn_keras as fcn
from fcn_keras.datasets.synthetic import Synthetic
from fcn_keras.optimizers import SGDW, AdamW
from tests.training.watched import NAMES, SAFE, STEPS, net, pixels, run
from training.recipes import catalogue as recipes
from training.recipes.catalogue import RECIPES
from training.train import command as train
from training.train.compiling import compile_model
from training.train.watchdog import Watchdog, confusion_metrics, learning_rate_advice, only_class, uniform_loss

DOCS = Path(__file__).resolve().parents[3] / "docs" / "training.md"


def said(capsys):
    """Return the lines on stderr, each of the agreed form and with a place in the docs that exists."""
    lines = capsys.readouterr().err.splitlines()
    for line in lines:
        assert line.startswith("fcn-train: watchdog: tiny: ")
        assert_documented(line)
    return lines


def assert_documented(message):
    headings = re.findall(r"^### (.+)$", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    assert message.split("#")[-1] in [f"{heading.lower().replace(' ', '-')}." for heading in headings]
    assert "See docs/training.md#" in message


def test_every_recipes_rate_fits():
    assert [learning_rate_advice(recipe) for recipe in RECIPES.values()] == [None] * len(RECIPES)


def descending(rate, momentum=0.99, **options):
    return replace(SAFE, learning_rate=rate, optimizer=partial(fcn.CaffeSGD, momentum=momentum), **options)


@pytest.mark.parametrize(
    ("recipe", "wanted"),
    [
        # The released rate of the sum, given to a mean: 250 000 times too small. And the other way round.
        (descending(1e-10), "--learning-rate 2.5e-05 learns as 1e-10 does with reduction 'sum'"),
        (descending(2.5e-5, reduction="sum"), "--learning-rate 1e-10 learns as 2.5e-05 does with reduction 'mean'"),
        # A sum over four images moves the weights four times as far.
        (descending(2.5e-5, reduction="sum", batch_size=4), "--learning-rate 2.5e-11 learns as 2.5e-05"),
        (descending(1e-10, batch_size=4), "--learning-rate 0.0001 learns as 1e-10"),
        # Nothing that another reduction explains: the released net's 2.5e-3 = 2.5e-4 / (1 - 0.9).
        (descending(1e-20, momentum=0.9), "--learning-rate 0.00025 learns as the released FCN-32s does."),
        (descending(1e-14, init_from="coarser"), "--learning-rate 2.5e-09 learns as 1e-14"),
        (descending(30.0, init_from="coarser"), "takes a hundredth of the coarser one's"),
        (
            replace(SAFE, optimizer=keras.optimizers.SGD, learning_rate=5.0),
            "--learning-rate 0.0025 learns as the released",
        ),
        (replace(SAFE, optimizer=keras.optimizers.AdamW, learning_rate=0.1), "Try --learning-rate 0.0001"),
        (replace(SAFE, optimizer=keras.optimizers.Adam, learning_rate=1e-9), "Try --learning-rate 0.0001"),
        (replace(SAFE, optimizer=AdamW, learning_rate=0.1, clip=1.0, ema=0.9), "Try --learning-rate 0.0001"),
        (replace(SAFE, optimizer=SGDW, learning_rate=5.0), "--learning-rate 0.00025 learns as the released"),
    ],
)
def test_a_rate_that_does_not_fit(recipe, wanted):
    advice = learning_rate_advice(recipe)
    assert wanted in advice
    assert f"learning rate {recipe.learning_rate:g} does not fit" in advice
    assert_documented(advice)


def test_a_rate_that_nothing_can_be_said_about():
    assert learning_rate_advice(replace(SAFE, optimizer=keras.optimizers.Adadelta, learning_rate=1.0)) is None


def test_a_clipped_gradient_tells_nothing_of_the_loss():
    """However large the sum of a loss, the step is no longer than the rate times the norm."""
    assert learning_rate_advice(descending(1.0, reduction="sum")) is not None
    assert learning_rate_advice(descending(1.0, reduction="sum", clip=1e-3)) is None


@pytest.mark.parametrize(("changes", "known"), [({}, True), ({"loss": "focal"}, False), ({"hardest": 0.5}, False)])
def test_only_of_cross_entropy_the_loss_of_equal_scores_is_known(changes, known, capsys):
    run(replace(SAFE, learning_rate=1e-12, **changes), net())
    assert any("stands at" in line for line in said(capsys)) == known


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("weights", [None, (0.5, 2.0, 0.0)])
def test_the_loss_of_equal_scores_is_the_losss_own(reduction, weights):
    label = np.array([[[0, 1, 1, 255, 2]]])
    loss = fcn.PixelCrossentropy(reduction=reduction, class_weights=weights)(label, np.zeros((1, 1, 5, 3)))
    matrix = np.array([[1, 0, 0], [0, 0, 2], [1, 0, 0]])
    given = uniform_loss(matrix, reduction=reduction, batches=1, class_weights=weights)
    assert given == pytest.approx(float(loss), rel=1e-6)


def test_the_loss_of_equal_scores_by_hand():
    matrix = np.diag([3, 5])
    assert uniform_loss(matrix, reduction="sum", batches=2) == pytest.approx(4 * math.log(2))
    assert uniform_loss(matrix, reduction="mean", batches=2) == pytest.approx(math.log(2))
    assert uniform_loss(np.zeros((2, 2), int), reduction="mean", batches=2) is None


def test_the_only_class():
    assert only_class(np.array([[0, 4], [0, 1]])) == 1
    assert only_class(np.array([[0, 4], [0, 0]])) is None  # the truth has no other
    assert only_class(np.array([[1, 4], [0, 1]])) is None
    assert only_class(np.zeros((2, 2), int)) is None


def test_a_run_that_learns_is_left_alone(capsys):
    weights = run(replace(SAFE, learning_rate=0.1), net())
    assert len(weights) == 4
    assert said(capsys) == []


def test_a_loss_that_becomes_nan():
    with pytest.raises(
        ValueError, match=r"^watchdog: tiny: the loss became (NaN|infinite) at batch \d+ of epoch 1"
    ) as e:
        run(descending(1e30, momentum=0.9), net())
    assert "--learning-rate" in str(e.value)
    assert "another --workdir" in str(e.value)
    assert_documented(str(e.value))


def test_weights_that_the_epochs_last_batch_breaks():
    """The loss of that batch is finite still."""
    recipe = replace(descending(3e38), steps=1, steps_per_epoch=1)
    image, label = pixels()
    with pytest.raises(ValueError, match=r"the weights of conv, score_ became NaN or infinite in epoch 1"):
        run(recipe, net(), train=[(image * 1e4, label)])


def test_a_validation_loss_of_no_number():
    image, label = pixels()
    with pytest.raises(ValueError, match=r"the validation loss of epoch 1 is (nan|inf)"):
        run(SAFE, net(bias=1.0), val=[(np.full_like(image, 3e38), label)])


def test_a_label_of_no_class_is_told_from_a_high_rate():
    model = net()
    compile_model(model, SAFE, 3)
    model.train_on_batch(*pixels())
    watch = Watchdog(SAFE, 3, {"": NAMES})
    watch.set_model(model)
    watch.on_epoch_begin(0)
    with pytest.raises(ValueError, match=r"lower rate, such as --learning-rate 0\.001"):
        watch.on_train_batch_end(0, {"loss": math.nan})
    confusion_metrics(model)[0].illegal.assign(1)
    with pytest.raises(ValueError, match="A label is of no class: run fcn-doctor"):
        watch.on_train_batch_end(0, {"loss": math.nan})


@pytest.mark.parametrize(("reduction", "weights"), [("mean", None), ("sum", (1.0, 2.0, 4.0))])
def test_a_loss_that_stands_still(capsys, reduction, weights):
    """Said after 50 batches, the second epoch: at that level every run starts."""
    recipe = replace(SAFE, learning_rate=1e-12, reduction=reduction, class_weights=weights, batch_size=2)
    run(recipe, net(), train=[tuple(x.repeat(2, axis=0) for x in pixels())])
    (line,) = [line for line in said(capsys) if "stands" in line]
    assert "after epoch 2 the loss stands at ln(3) = 1.099 a pixel" in line
    assert ("weighted" in line) == (weights is not None)


def test_a_frozen_net_stands_still_in_a_continued_run(capsys):
    model = net()
    model.trainable = False
    run(SAFE, model, first=2, val=[pixels((0,))])
    (line,) = said(capsys)
    assert "after epoch 4 the loss stands at" in line


def test_a_loss_that_falls_to_that_of_equal_scores_and_stays(capsys):
    """The first epoch learns, to not knowing; the others nothing."""
    random = np.random.default_rng(0).integers(0, 3, (1, 90, 90))
    image = np.zeros((1, 90, 90, 3), "float32")
    run(replace(SAFE, learning_rate=0.5), net(bias=5.0), train=[(image, random)])
    assert len([line for line in said(capsys) if "stands at" in line]) == 1


def test_a_loss_that_only_passes_that_of_equal_scores(capsys):
    watch = Watchdog(SAFE, 3, {"": NAMES})
    watch._batches = 50
    for before, lines in ((1.5, 0), (1.005, 1)):
        watch._before = {"": before}
        watch._constant("", 0.995, 0)
        assert len(said(capsys)) == lines


def test_everything_as_one_class(capsys):
    """Said after the second epoch: the first of many runs ends so."""
    run(replace(SAFE, learning_rate=1e-9), net(bias=3.0))
    (line,) = said(capsys)
    assert "predicted as sky after epoch 2" in line


def test_classes_that_are_never_found(capsys):
    """The training images have none of them, one validation image has; at half of the epochs, and at the end."""
    run(replace(SAFE, learning_rate=0.1), net(), train=[pixels((0, 2))], val=[pixels((0, 1, 2))])
    half, end = said(capsys)
    assert "in epochs 1 to 2 of 4 IoU is 0 for ground. " in half
    assert "in epochs 1 to 4 of 4 IoU is 0 for ground. " in end
    assert "and weigh them with --class-weights. See" in end
    weighing = SimpleNamespace(recipe=replace(SAFE, class_weights=(1.0, 2.0, 1.0)))  # as is chosen for uneven classes
    assert Watchdog._weigh(weighing).startswith("train longer, or weigh them by more than now")


def test_two_heads_are_told_apart(capsys):
    """One sees one class, the other learns nothing."""
    heads = ("sem", "geo")
    model = net(heads)
    model.get_layer("score_sem").trainable = False
    image, label = pixels(heads=heads)
    labels = {"sem": label["sem"], "geo": np.where(label["geo"] == 255, 255, 2)}
    run(replace(SAFE, learning_rate=0.05), model, train=[(image, labels)], val=[(image, label)], heads=heads)
    lines = said(capsys)
    assert [("stands at" in line, "'sem'" in line) for line in lines if "stands at" in line] == [(True, True)]
    assert [line for line in lines if "predicted as wall of head 'geo' after epoch 2" in line]


def test_the_model_that_scores(capsys):
    """Where a copy scores, its matrix counts, not that of the model that trains."""
    copy = net(bias=3.0)
    compile_model(copy, SAFE, 3)
    copy.evaluate(*pixels(), verbose=0)
    run(replace(SAFE, learning_rate=0.1), net(), scored=copy)
    (line,) = said(capsys)
    assert "predicted as sky" in line


def test_an_epoch_that_was_stopped_just_before_its_end(capsys):
    """Closing it, `fit` calls no batch and knows no parameters. Of several processes one speaks."""
    model = net(bias=3.0)
    compile_model(model, SAFE, 3)
    logs = model.evaluate(*pixels(), verbose=0, return_dict=True)
    watches = [Watchdog(SAFE, 3, {}, lead=lead) for lead in (False, True)]
    listed = keras.callbacks.CallbackList(watches, model=model)
    listed.on_train_begin()
    listed.on_epoch_begin(1)
    listed.on_epoch_end(1, logs)
    (line,) = said(capsys)
    assert "predicted as class 0 after epoch 2" in line


def test_float16_leaves_out_a_batch_that_overflows(capsys):
    """Its loss is no number, and the weights never see it: that is what the loss scale is for."""
    image, label = pixels()
    recipe = replace(SAFE, learning_rate=0.1, dtype_policy="mixed_float16")
    train = [(image * 1e6, label)] + [(image, label)] * (STEPS - 1)
    assert len(run(recipe, net(dtype="mixed_float16"), train=train)) == 4
    assert said(capsys) == []


def test_float16_that_always_overflows():
    image, label = pixels()
    recipe = replace(SAFE, dtype_policy="mixed_float16")
    with pytest.raises(ValueError, match="every batch of epoch 2 overflowed float16") as e:
        run(recipe, net(dtype="mixed_float16"), train=[(image * 1e6, label)])
    assert_documented(str(e.value))


@pytest.mark.parametrize("dtype", ["float32", "mixed_float16"])
def test_weights_that_are_broken_from_the_start(dtype):
    model = net(dtype=dtype)
    model.get_layer("conv").bias.assign([np.nan] * 4)
    with pytest.raises(ValueError, match="the weights of conv are NaN or infinite before the first batch"):
        run(replace(SAFE, dtype_policy=dtype), model)


def test_weights_that_break_while_the_loss_stays_a_number():
    """As on x86, where TensorFlow computes convolution and ReLU in one call whose ReLU turns NaN into 0."""
    inputs = keras.Input((None, None, 3))
    hidden = keras.layers.Conv2D(4, 3, padding="same", name="conv", activation=zero_for_nan)(inputs)
    model = keras.Model(inputs, keras.layers.Conv2D(3, 1, name="score")(hidden))

    def spoil(batch, logs):
        model.get_layer("conv").bias.assign([np.nan] * 4)

    recipe = replace(SAFE, steps=2, steps_per_epoch=2)
    losses = []
    callbacks = [
        keras.callbacks.LambdaCallback(on_train_batch_end=spoil),
        keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: losses.append(logs["loss"])),
    ]
    with pytest.raises(ValueError, match="the weights of conv became NaN or infinite in epoch 1") as e:
        run(recipe, model, callbacks=callbacks)
    assert np.isfinite(losses).all()
    assert len(losses) == 2
    assert "no broken weights were saved" in str(e.value)


def zero_for_nan(x):
    return keras.ops.where(keras.ops.isnan(x), keras.ops.zeros_like(x), keras.ops.relu(x))


def test_float16_with_weights_that_break_amid_an_epoch():
    """A loss that is no number may be a batch that is left out; broken weights are told from it."""
    model = net(dtype="mixed_float16")
    recipe = replace(SAFE, dtype_policy="mixed_float16")
    compile_model(model, recipe, 3)
    watch = Watchdog(recipe, 3, {"": NAMES})
    watch.set_model(model)
    watch.set_params({"steps": STEPS})
    watch.on_epoch_begin(0)
    watch.on_train_batch_end(0, {"loss": math.nan})  # left out
    model.get_layer("conv").bias.assign([np.nan] * 4)
    with pytest.raises(ValueError, match="the loss became NaN at batch 2 of epoch 1"):
        watch.on_train_batch_end(1, {"loss": math.nan})


def breaking(rate):
    """Descend well for an epoch of two steps, and then not."""
    return fcn.CaffeSGD(keras.optimizers.schedules.PiecewiseConstantDecay([2], [rate, 1e38]))


def test_fcn_train_ends_before_it_saves_broken_weights(tmp_path, capsys, monkeypatch):
    """The checkpoint of the epoch before stays; one line, exit code 2."""
    recipe = replace(
        SAFE,
        model_options={"channels": (((4, 1),) * 5, 4)},
        data=lambda directory, split: Synthetic(4, seed=len(split), height=32, width=32),
        steps=6,
        steps_per_epoch=2,
        optimizer=breaking,
        learning_rate=1e-3,
    )
    monkeypatch.setitem(recipes.RECIPES, "tiny", recipe)
    assert train.main(["tiny", "--workdir", str(tmp_path), "--quiet"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("fcn-train: watchdog: tiny: ")
    assert "epoch 2" in line
    assert "no broken weights were saved" in line
    assert_documented(line)
    last = keras.saving.load_model(tmp_path / "tiny" / "last.keras")
    assert all(np.isfinite(values).all() for values in last.get_weights())
    assert (tmp_path / "tiny" / "log.csv").read_text().count("\n") == 2  # the names, and the first epoch
