"""Count what a command found in folders and left alone, in one line for every command."""

from collections import Counter

_HIDDEN, _LINK, _NAMELESS = "hidden file", "link", "no extension"


def kinds_of(paths):
    """Count paths by kind: `.heic`, `no extension`, `link` (a link to a folder that is not followed), `hidden file`.

    Returns:
        dict of kind -> number.
    """
    counts = Counter(map(_kind, paths))
    last = [kind for kind in (_LINK, _HIDDEN) if kind in counts]
    return {kind: counts[kind] for kind in [*sorted(counts.keys() - set(last)), *last]}


def left_alone(kinds, to_install=None):
    """Say what was left alone: `left alone: 5 .heic, 2 images in no list, 1 link`; nothing for nothing.

    Args:
        kinds: number by kind: an extension, or a noun in the singular such as `image in no list`.
        to_install: by extension, the command that installs what reads it, which is named beside it.
    """
    told = [_told(kind, number, (to_install or {}).get(kind)) for kind, number in kinds.items() if number]
    return f"left alone: {', '.join(told)}" if told else ""


def as_line(kinds):
    """Return the same as a sentence that begins a line of its own, behind what a command prints; or nothing."""
    told = left_alone(kinds)
    return f"\n{told[0].upper()}{told[1:]}." if told else ""


def _kind(path):
    if path.name.startswith("."):
        return _HIDDEN
    return _LINK if path.is_dir() else path.suffix.lower() or _NAMELESS


def _told(kind, number, command):
    if kind.startswith(".") or kind == _NAMELESS:
        return f"{number:,} {kind}" + (f" ({command} reads them)" if command else "")
    noun, rest = (kind, "") if kind == _HIDDEN else (kind.partition(" ")[0], "".join(kind.partition(" ")[1:]))
    return f"{number:,} {noun}{'' if number == 1 else 's'}{rest}"
