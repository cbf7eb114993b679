"""Stages of runs, laid out by hand."""

import json


def stage(folder, name, *, start=None, rows="", times="", steps=6):
    """Lay out one stage as fcn-train leaves it; its model is never opened here."""
    place = folder / name
    place.mkdir(parents=True)
    (place / "best.keras").touch()
    settings = {"init_from": start, "steps": steps, "steps_per_epoch": 2, "batch_size": 5}
    (place / "recipe.json").write_text(json.dumps({"decisions": {"settings": settings}}))
    if rows:
        (place / "log.csv").write_text("epoch,loss,val_loss,confusion_mean_iu,val_confusion_mean_iu\n" + rows)
    if times:
        (place / "timings.csv").write_text("epoch,batches,training,validation\n" + times)
    return place


def names(run):
    return [trained.name for trained in run]
