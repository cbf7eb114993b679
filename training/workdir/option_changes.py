"""What differs between the decisions of a run in a workdir and those of now, by the names of the options."""

# What a setting of a recipe comes from, where an option of another name says more.
CAUSES = {
    "steps_per_epoch": ("steps",),
    "model_options": ("width",),
    "imagenet": ("width",),
    "optimizer": ("weight_decay",),
    "mix": ("augment",),
}
NAMED = 4  # options that are named before the others are only counted


def option_changes(there, here):
    """Compare two runs' decisions.

    What a recipe comes to is compared, not the words for it: `--steps 80` is no change where a recipe has 80 itself.
    An option that something else overrules is one.

    Args:
        there, here: JSON-able, `Prepared.decisions`.

    Returns:
        dict from a name to the values there and here, empty if nothing differs.
    """
    settings = [{name: x for name, x in each.get("settings", {}).items() if name != "data"} for each in (there, here)]
    overrides = [each.get("overrides", {}) for each in (there, here)]
    top = [{name: x for name, x in each.items() if name not in ("settings", "overrides")} for each in (there, here)]
    found = {}
    for name in {**overrides[0], **overrides[1]}:
        given = [each.get(name) for each in overrides]
        is_so = [each.get(name, value) for each, value in zip(settings, given, strict=True)]
        if name != "stages" and given[0] != given[1] and (is_so[0] != is_so[1] or given[1] not in (None, is_so[1])):
            found[name] = (is_so[0], is_so[1] if given[1] is None else given[1])
    for name in {**settings[0], **settings[1]}:
        values = tuple(each.get(name) for each in settings)
        if values[0] != values[1] and not found.keys() & CAUSES.get(name, ()):
            found.setdefault(name, values)
    for name in {**top[0], **top[1]}:
        values = tuple(each.get(name) for each in top)
        if values[0] != values[1]:
            found[name] = values
    return found


def in_words(changes):
    """Write what `option_changes` returns as `steps: 80 there, 120 now; ...`."""
    said = [f"{name.replace('_', ' ')}: {_value(a)} there, {_value(b)} now" for name, (a, b) in changes.items()]
    more = [f"{len(said) - NAMED} more"] if len(said) > NAMED else []
    return "; ".join(said[:NAMED] + more)


def _value(value):
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return " ".join(_value(x) for x in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
