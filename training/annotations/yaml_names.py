"""Read YOLO's `data.yaml`, and the class names in it."""

from .annotations import label_text
from .class_ids import lines_of


def read_names(path):
    """Return the tuple of `names`, by number where they have some, or None if there are none.

    Raises:
        ValueError: if the file is no YAML, or its `names` are neither a list nor numbered from 0.
        ImportError: without PyYAML.
    """
    content = read_content(path)
    names = content.get("names") if isinstance(content, dict) else None
    if names is None:
        return None
    entries = dict(enumerate(names)) if isinstance(names, list) else _numbered(names)
    if not entries or sorted(entries) != list(range(len(entries))):
        raise ValueError(
            f"{path}: `names` should be a list of names, or of numbers from 0 with a name each. Received: {names!r:.60}"
        )
    return tuple(label_text(entries[number], f"{path}: the name of class {number}") for number in range(len(entries)))


def read_content(path):
    """Return what a YAML file holds: lists, dicts and text.

    Raises:
        ValueError: if it is no YAML.
        ImportError: without PyYAML.
    """
    try:
        import yaml
    except ImportError:
        raise ImportError(f'{path} needs PyYAML: pip install "fcn_keras[yolo]"') from None
    try:
        # It makes nothing but lists, dicts and text: a class called `no` is no False.
        return yaml.load("\n".join(lines_of(path)), Loader=yaml.BaseLoader)
    except (yaml.YAMLError, RecursionError) as error:
        place = getattr(error, "problem_mark", None)
        where = f":{place.line + 1}" if place else ""
        reason = getattr(error, "problem", None) or "it is nested too deeply"
        raise ValueError(f"{path}{where} cannot be read as YAML: {reason}.") from None


def _numbered(names):
    """Return names by their numbers; nothing where they are not numbered."""
    if not isinstance(names, dict) or not all(isinstance(number, str) and number.isdecimal() for number in names):
        return {}
    return {int(number): name for number, name in names.items()}
