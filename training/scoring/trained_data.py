"""Say where images that a net is scored on are not those that its run was trained and scored on."""

from fcn_keras_console.workdir import StageFiles

from ..workdir.data_changes import changes, sentence
from ..workdir.data_list import list_data, read_data_list
from ..workdir.run_record import RunRecord, settings_of

PARTS = ("train", "val")  # what a recipe's splits are for


def data_notes(path, examples, origin):
    """Compare the images of a split with those of the run that trained a model.

    Args:
        path: of the model; what lies beside it says how it was trained.
        examples: data set of the split.
        origin: of `open_split`, which says where it comes from.

    Returns:
        list of sentences: what changed while the run was trained, and what changed since. Empty where nothing did, or
        nothing is known of it: another folder, a split that was not trained or scored on, a run of an earlier version.
    """
    stage = StageFiles(path.parent)
    try:
        record = RunRecord.of(stage)
    except ValueError:
        record = None
    decisions = settings_of(stage).get("decisions")
    if record is None or not isinstance(decisions, dict):
        return []
    notes = [
        f"{path.parent} was trained on other data up to batch {change.get('after_batch')} ({sentence(change['what'])})."
        for change in record.changes
        if isinstance(change.get("what"), dict)
    ]
    splits = (decisions.get("settings") or {}).get("splits")
    same = (origin["recipe"], origin["data"]) == (decisions.get("recipe"), decisions.get("data"))
    if not same or not isinstance(splits, list) or origin["split"] not in splits:
        return notes
    said = _since(stage, record, examples, PARTS[splits.index(origin["split"])])
    return notes + ([f"These are not the images and masks of the run in {path.parent}: {said}."] if said else [])


def _since(stage, record, examples, part):
    known = read_data_list(stage.data)
    known = known if known is not None and record.knows(known.digests) else None
    listed = list_data({part: examples}, known)
    if all(record.data.get(name) == digest for name, digest in listed.digests.items()):
        return ""
    if known is not None and known.digests == record.data:
        return sentence(changes(known, listed))
    return "which ones changed, the lost data.json would tell"
