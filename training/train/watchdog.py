"""Watch a run for the failures that everybody meets, and say each once: what is wrong, and what to do."""

import math
import sys

import keras
import numpy as np

import fcn_keras as fcn
from fcn_keras.finite import broken_layers
from fcn_keras.interface import heads_of
from fcn_keras_console.words import some

from ..recipes.loss import CROSSENTROPY
from ..recipes.solvers import HEAVY, PIXELS, Solver, translate
from .compiling import optimizer_of

DOCS = "docs/training.md"
NOT_A_NUMBER = "the-loss-is-not-a-number"
ENOUGH = 50  # batches after which a loss that has not moved is no start any more
START = 10  # batches over which the loss at the start is averaged
NEAR = 0.01  # of the loss of equal scores
# What runs that learn have as `rate * scale / (1 - momentum)`: the released FCN-32s 2.5e-3, the paper's 1e-3. Finer
# nets go on at a hundredth of the rate they start from, an FCN-8s at 1e-7.
LOWEST, LOWEST_FINER, HIGHEST = 1e-5, 1e-8, 1.0
# These divide a gradient by its size: neither reduction nor momentum scales their steps.
SCALE_FREE = (keras.optimizers.Adam, keras.optimizers.Nadam, keras.optimizers.Adamax, keras.optimizers.RMSprop)
LOWEST_FREE, HIGHEST_FREE = 1e-7, 1e-2


def learning_rate_advice(recipe):
    """Say what is wrong with a recipe's learning rate for its reduction, momentum and batch; None if nothing is."""
    problem = _learning_rate_problem(recipe, optimizer_of(recipe, recipe.learning_rate))
    return problem and f"{recipe.name}: {problem} {_see('the-learning-rate-does-not-fit')}"


def _learning_rate_problem(recipe, optimizer):
    rate = recipe.learning_rate
    if isinstance(optimizer, SCALE_FREE):
        if LOWEST_FREE <= rate <= HIGHEST_FREE:
            return None
        return (
            f"learning rate {rate:g} does not fit {type(optimizer).__name__}, which learns between {LOWEST_FREE:g} and "
            f"{HIGHEST_FREE:g}. Try --learning-rate 0.0001."
        )
    clipped = optimizer.clipnorm or optimizer.global_clipnorm or optimizer.clipvalue  # the size of a loss is cut off
    if clipped or not isinstance(optimizer, fcn.CaffeSGD | keras.optimizers.SGD):
        return None
    given = _solver(recipe, recipe.reduction, float(optimizer.momentum))
    lowest = LOWEST_FINER if recipe.sources else LOWEST
    if lowest <= _effect(given) <= HIGHEST:
        return None
    meant = _solver(recipe, "mean" if recipe.reduction == "sum" else "sum", given.momentum)
    mistaken = lowest <= _effect(meant) <= HIGHEST
    wanted = translate(
        meant if mistaken else HEAVY, reduction=given.reduction, images=given.images, momentum=given.momentum
    )
    as_what = f"as {rate:g} does with reduction {meant.reduction!r}" if mistaken else "as the released FCN-32s does"
    if recipe.sources and not mistaken:
        as_what += "; a net that starts from a coarser one takes a hundredth of the coarser one's"
    return (
        f"learning rate {rate:g} does not fit reduction {given.reduction!r} at momentum {given.momentum:g}: in the end "
        f"the weights move by {_effect(given):.2g} of an image's mean gradient, in runs that learn by {lowest:g} to "
        f"{HIGHEST:g}. --learning-rate {wanted.learning_rate / _summed(recipe, given.reduction):.3g} learns {as_what}."
    )


def _solver(recipe, reduction, momentum):
    """State a recipe as the solver that averages its images' gradients, as if its rate were meant for `reduction`."""
    rate = recipe.learning_rate * _summed(recipe, reduction)
    return Solver(rate, momentum, reduction, images=recipe.batch_size * (recipe.accumulate or 1))


def _summed(recipe, reduction):
    """How many images' losses one batch adds up: `PixelCrossentropy` averages a batch's mean, not its sum."""
    return recipe.batch_size if reduction == "sum" else 1


def _effect(solver):
    """How far the mean gradient of an image of `PIXELS` pixels moves the weights in the end."""
    return solver.learning_rate * (PIXELS if solver.reduction == "sum" else 1) / (1 - solver.momentum)


def uniform_loss(matrix, *, reduction, batches, class_weights=None):
    """Compute the loss of a net that finds every class equally likely.

    Exact for a sum and without class weights; their mean is taken over all pixels, not within every batch.

    Args:
        matrix: `(C, C)` counts of the pixels the loss is of, rows truth.
        batches: number of batches they came in.

    Returns:
        The mean over the batches of what `PixelCrossentropy` gives, a float; None if no pixel counts.
    """
    truth = matrix.sum(axis=1).astype("float64")
    if not truth.sum() > 0:
        return None
    weighted = truth @ np.asarray(class_weights, "float64") if class_weights is not None else truth.sum()
    return math.log(len(matrix)) * float(weighted) / (batches if reduction == "sum" else float(truth.sum()))


def only_class(matrix):
    """Return the class that everything is predicted as while the truth has several, else None."""
    predicted, true = (np.flatnonzero(matrix.sum(axis=axis)) for axis in (0, 1))
    return int(predicted[0]) if len(predicted) == 1 and len(true) > 1 else None


class Watchdog(keras.callbacks.Callback):
    """Stop a run whose loss or weights are not finite; name the other failures on stderr, each once.

    It stands behind what puts validation scores into the logs and before what saves: broken weights are never written.

    Args:
        recipe: what is trained.
        num_classes: int, or `{head: int}`.
        class_names: `{head: names}`; the only head of most models is `""`.
        scored: compiled model whose `ConfusionMatrix` metrics hold the validation matrix after an epoch; None for the
            one that trains.
        lead: whether to print; of several processes, which all stop alike, one does.
    """

    def __init__(self, recipe, num_classes, class_names, scored=None, lead=True):
        super().__init__()
        self.recipe = recipe
        self.num_classes = heads_of(num_classes)
        self.class_names = class_names
        self.scored = scored
        self.lead = lead
        self._said, self._first, self._batches = set(), None, 0
        self._before, self._levels = {}, {}  # head -> loss over that of equal scores
        self._found = {head: np.zeros(count, bool) for head, count in self.num_classes.items()}

    def on_train_begin(self, logs=None):
        if layers := broken_layers(self.model):
            raise ValueError(
                self._not_finite(f"the weights of {some(layers)} are NaN or infinite before the first batch")
            )

    def on_epoch_begin(self, epoch, logs=None):
        if self._first is None:
            self._first = epoch
        self._epoch = epoch
        self._infinite = 0
        self._levels = {}
        self._scale = self._loss_scale()

    def on_train_batch_end(self, batch, logs=None):
        self._batches += 1
        if not math.isfinite(logs["loss"]):
            self._stop_unless_skipped(batch, logs["loss"])
        if self._batches == START and not self._before:
            self._before = self._relative(logs)
        if batch + 1 == self.params["steps"]:  # before validation empties the metrics
            self._levels = self._relative(logs)

    def on_epoch_end(self, epoch, logs=None):
        self._require_finite(epoch, logs)
        for head, level in self._levels.items():
            self._constant(head, level, epoch)
        self._before = {**self._before, **self._levels}
        for head, matrix in self._matrices(self.scored or self.model).items():
            self._predicted(head, matrix, epoch)

    def _stop_unless_skipped(self, batch, loss):
        """Raise at a loss that is not finite, unless the loss scale leaves such batches out and the weights are whole.

        The logs' loss is the epoch's mean so far and stays infinite: the weights are looked at ever more rarely.
        """
        self._infinite += 1
        skips = isinstance(self.model.optimizer, keras.optimizers.LossScaleOptimizer)
        if skips and self._infinite & (self._infinite - 1):
            return
        _sync(self.model)
        if skips and not broken_layers(self.model):
            return
        what = "NaN" if math.isnan(loss) else "infinite"
        raise ValueError(self._not_finite(f"the loss became {what} at batch {batch + 1} of epoch {self._epoch + 1}"))

    def _require_finite(self, epoch, logs):
        """Raise if an update broke the weights, validation gave no number, or every batch was left out.

        The loss does not tell: ReLU may turn NaN into 0, see `fcn_keras.finite`.
        """
        if layers := broken_layers(self.model):
            raise ValueError(
                self._not_finite(f"the weights of {some(layers)} became NaN or infinite in epoch {epoch + 1}")
            )
        scale = self._loss_scale()
        if scale is None:
            if not math.isfinite(logs.get("val_loss", 0.0)):
                raise ValueError(self._not_finite(f"the validation loss of epoch {epoch + 1} is {logs['val_loss']}"))
        elif self._infinite and self._batches >= ENOUGH and scale <= self._scale * 0.5 ** self.params["steps"]:
            raise ValueError(
                f"watchdog: {self.recipe.name}: every batch of epoch {epoch + 1} overflowed float16 and was left out: "
                "nothing is learned. Start anew, in another --workdir, with --dtype-policy mixed_bfloat16 or float32. "
                f"{_see(NOT_A_NUMBER)}"
            )

    def _not_finite(self, what):
        metrics = [metric for model in (self.model, self.scored or self.model) for metric in confusion_metrics(model)]
        if any(keras.ops.convert_to_numpy(metric.illegal) == 1 for metric in metrics):
            todo = "A label is of no class: run fcn-doctor on the data, which names the files."
        else:
            problem = _learning_rate_problem(self.recipe, optimizer_of(self.recipe, self.recipe.learning_rate))
            todo = "Start anew, in another --workdir" + (
                f": {problem}"
                if problem
                else f", with a lower rate, such as --learning-rate {self.recipe.learning_rate / 10:g}."
            )
        return f"watchdog: {self.recipe.name}: {what}; no broken weights were saved. {todo} {_see(NOT_A_NUMBER)}"

    def _constant(self, head, level, epoch):
        """Speak where a net of `ENOUGH` batches still finds every class equally likely, and did before."""
        if self._batches < ENOUGH or not abs(level - 1) <= NEAR or level < (1 - NEAR) * self._before.get(head, level):
            return
        loaded = "the VGG16 weights" if self.recipe.imagenet else "weights to start from"
        count, weighted = self.num_classes[head], ", weighted" if self.recipe.class_weights else ""
        self._say(
            ("constant", head),
            f"after epoch {epoch + 1} the loss{_of(head)} stands at ln({count}) = {math.log(count):.4g} a pixel"
            f"{weighted}, that of a net that finds every class equally likely. Look whether {loaded} were loaded and "
            f"the rate is not too low ({self.recipe.learning_rate:g}). {_see('the-loss-stands-still')}",
        )

    def _predicted(self, head, matrix, epoch):
        """Speak where validation gives all pixels one class, or never any pixel of a class that is there."""
        self._found[head] |= np.diagonal(matrix) > 0
        only = only_class(matrix)
        if only is not None:
            if epoch >= 1:
                self._say(
                    ("only", head),
                    f"every pixel of the validation images is predicted as {self._name(head, only)}{_of(head)} after "
                    f"epoch {epoch + 1}. Look at how rare the other classes are (fcn-doctor), {self._weigh()}, or "
                    f"train on with another rate. {_see('everything-is-one-class')}",
                )
            return
        epochs = self.recipe.epochs
        if epoch + 1 not in (-(-epochs // 2), epochs):
            return
        missing = np.flatnonzero((matrix.sum(axis=1) > 0) & ~self._found[head])
        if len(missing):
            self._say(
                ("missing", head, epoch),
                f"in epochs {self._first + 1} to {epoch + 1} of {epochs} IoU is 0{_of(head)} for "
                f"{', '.join(self._name(head, index) for index in missing)}. Look at how many pixels they have in the "
                f"training split (fcn-doctor), and {self._weigh()}. {_see('a-class-is-never-found')}",
            )

    def _weigh(self):
        if self.recipe.class_weights is None:
            return "weigh them with --class-weights"
        return "train longer, or weigh them by more than now with --class-weights"

    def _relative(self, logs):
        """Return `{head: mean loss of the epoch so far over that of equal scores}`, where it can be told."""
        relative = {}
        if self.recipe.loss != CROSSENTROPY or self.recipe.hardest < 1:
            return relative
        _sync(self.model)
        # Not counted here: a run that goes on within an epoch has the metrics of the batches before.
        images = next(metric.count for metric in self.model.metrics if metric.name == "loss")
        batches = float(keras.ops.convert_to_numpy(images)) / self.recipe.batch_size
        for head, matrix in self._matrices(self.model).items():
            loss = logs.get(f"{head}_loss" if head else "loss", math.nan)
            uniform = uniform_loss(
                matrix, reduction=self.recipe.reduction, batches=batches, class_weights=self.recipe.class_weights
            )
            if uniform and math.isfinite(loss):
                relative[head] = loss / uniform
        return relative

    def _matrices(self, model):
        """Return `{head: (C, C) counts}` of what the metrics hold now."""
        _sync(model)
        metrics = confusion_metrics(model)
        if list(self.num_classes) == [""]:
            return {"": keras.ops.convert_to_numpy(metrics[0].matrix)}
        return {metric.name: keras.ops.convert_to_numpy(metric.matrix) for metric in metrics}

    def _loss_scale(self):
        """The factor on the loss under mixed_float16, else None."""
        optimizer = self.model.optimizer
        if not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
            return None
        if not optimizer.built:
            return float(optimizer.initial_scale)
        return float(keras.ops.convert_to_numpy(optimizer.dynamic_scale))

    def _name(self, head, index):
        names = self.class_names.get(head)
        return str(names[index]) if names else f"class {index}"

    def _say(self, failure, message):
        if failure not in self._said and self.lead:
            print(f"fcn-train: watchdog: {self.recipe.name}: {message}", file=sys.stderr, flush=True)
        self._said.add(failure)


def confusion_metrics(model):
    """List the confusion matrices a model was compiled with."""
    metrics = [inner for metric in model.metrics for inner in (metric, *getattr(metric, "metrics", ()))]
    return [metric for metric in metrics if isinstance(metric, fcn.ConfusionMatrix)]


def _sync(model):
    """On JAX, bring the variables up to date, which lag behind within an epoch."""
    if keras.backend.backend() == "jax":
        model.jax_state_sync()


def _of(head):
    return f" of head {head!r}" if head else ""


def _see(heading):
    return f"See {DOCS}#{heading}."
