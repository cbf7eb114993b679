"""Stages of runs, laid out by hand."""

import json


def stage(folder, name, *, start=None, rows="", times="", steps=6, plan=None, seconds=None, **settings):
    """Lay out one stage as fcn-train leaves it; its model is never opened here.

    Args:
        plan: as recipe.json has it; None for a run that was not planned.
        seconds: of the whole stage; None if it is not finished.
        settings: further ones, as `describe` writes them.
    """
    place = folder / name
    place.mkdir(parents=True)
    (place / "best.keras").touch()
    settings = {"init_from": start, "steps": steps, "steps_per_epoch": 2, "batch_size": 5, **settings}
    planned = {} if plan is None else {"plan": plan}
    (place / "recipe.json").write_text(json.dumps({"decisions": {"settings": settings}, **planned}))
    if seconds is not None:
        (place / "summary.json").write_text(json.dumps({"seconds": seconds}))
    if rows:
        (place / "log.csv").write_text("epoch,loss,val_loss,confusion_mean_iu,val_confusion_mean_iu\n" + rows)
    if times:
        (place / "timings.csv").write_text("epoch,batches,training,validation\n" + times)
    return place


def names(run):
    return [trained.name for trained in run]
