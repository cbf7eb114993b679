"""The loss of a recipe, from its names and numbers."""

from fcn_keras import losses

CROSSENTROPY = "crossentropy"
PLAIN = {"label_smoothing": 0.0, "hardest": 1.0}  # what only cross-entropy takes, at what changes nothing


def loss_of(recipe):
    """Make a recipe's loss of one head.

    Raises:
        ValueError: if there is no such loss, or the recipe gives it what it does not take.
    """
    options = {name: getattr(recipe, name) for name in PLAIN}
    given = [name for name, value in options.items() if value != PLAIN[name]]
    if given and CROSSENTROPY not in names_in(recipe.loss):
        raise ValueError(f"{recipe.name}: `{given[0]}` is for crossentropy. The loss is {recipe.loss}.")
    if recipe.reduction != "mean" and recipe.loss != CROSSENTROPY:
        raise ValueError(
            f"{recipe.name} sums its loss over the pixels, which crossentropy alone does. The loss is {recipe.loss}."
        )
    weights = recipe.class_weights
    return losses.from_text(recipe.loss, class_weights=weights, reduction=recipe.reduction, **options)


def names_in(text):
    """List the losses that `Recipe.loss` names."""
    return [term.rpartition("*")[2].strip() for term in text.split("+")]


def averages_pixels(recipe):
    """Tell whether a recipe's loss is a mean or a sum of what each pixel costs by itself."""
    return set(names_in(recipe.loss)) <= {CROSSENTROPY, "focal"} and recipe.hardest == PLAIN["hardest"]
