"""What a stage's network is to remember of the photographs that it learns from."""

from fcn_keras.augment import drawn_crop, drawn_scales
from fcn_keras.photographs import Photographs


def trained_photographs(recipe, examples):
    """Sum up the sizes of a split, and by which factors and windows its recipe changes them.

    Args:
        recipe: of the stage.
        examples: data set to train on.

    Returns:
        `Photographs`, or None where the data set does not know the sizes of its images.
    """
    sizes = getattr(examples, "sizes", None)
    if not sizes:
        return None
    reduced_to = getattr(examples, "most_pixels", None)
    return Photographs.of(sizes, drawn_scales(recipe.augment), drawn_crop(recipe.augment), reduced_to=reduced_to)
