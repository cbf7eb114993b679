"""What the metric's update adds to the forward pass, and what `model.evaluate` takes in all."""

from results import table

from speed import show
from speed.turns import Contender, Field, median

TITLE = "Evaluation"
NEEDS_TORCH = False
NAME = "evaluation"
PARTS = {
    "forward": "fcn.predict",
    "update": "ConfusionMatrix.update_state",
    "evaluate": "model.evaluate, with loss and metric",
}
HEADS = ("of one image", "s", "of the forward pass")


def measure(settings, files, found):
    """Measure the parts in turn, in one process.

    Returns:
        dict of JSON's types: `row`, `size`, `seconds` by part, and `share`, the update's of the forward pass.
    """
    image = files.image(settings.size, settings.size)
    contender = Contender(NAME, "speed.scoring:Scoring", {"net": files.net(), "image": image})
    with Field(settings, [contender]) as field:
        for part in PARTS:
            field.warm_up(part)
        for _ in range(settings.rounds):
            for part in PARTS:
                field.round(part)
    row = field.rows[NAME]
    seconds = {part: median(row, part) for part in PARTS}
    share = seconds["update"] / seconds["forward"] if seconds["update"] else None
    return {"row": row, "size": settings.size, "seconds": seconds, "share": share}


def tabulate(result):
    if "reason" in result["row"]:
        return "\n".join(show.reasons({NAME: result["row"]}))
    seconds = result["seconds"]
    lines = [
        [title, f"{seconds[part]:.4f}", f"{seconds[part] / seconds['forward']:.2%}"] for part, title in PARTS.items()
    ]
    return table(HEADS, lines) + f"\n\n{result['size']}x{result['size']}, 21 classes."


def draw(axes, result):
    seconds = {PARTS[part]: value for part, value in result["seconds"].items() if value}
    show.bars(axes, seconds, "seconds an image", "{:.4f}")
