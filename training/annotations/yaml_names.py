"""Read the class names of YOLO's `data.yaml`: three ways to write a list, and nothing else of YAML."""

import re

from .annotations import label_text
from .class_ids import lines_of


def read_names(path):
    """Return the tuple of `names`, by number where they have some, or None if there are none.

    Read are `names: [road, car]`, `names: {0: road, 1: car}`, and lines of `- road` or `0: road` below `names:`.

    Raises:
        ValueError: if they are there and cannot be read.
    """
    lines = [re.sub(r"(^|\s)#.*", "", line).rstrip() for line in lines_of(path)]
    start = next((index for index, line in enumerate(lines) if re.match(r"names\s*:", line)), None)
    if start is None:
        return None
    inline = lines[start].partition(":")[2].strip()
    if inline:
        for line in lines[start + 1 :]:  # a list may go on, up to its bracket
            if inline.endswith(("]", "}")):
                break
            inline += " " + line.strip()
        entries = _inline(inline, path)
    else:
        entries = _below(lines[start + 1 :])
    numbers = [number for number, _ in entries]
    if not entries or sorted(numbers) != list(range(len(entries))):
        raise ValueError(f"{path}: `names` should be a list of names, or of numbers from 0 with a name each.")
    return tuple(label_text(_plain(name), f"{path}: the name of class {number}") for number, name in sorted(entries))


def _inline(text, path):
    """Return `(number, name)` of `[a, b]` or `{0: a, 1: b}`."""
    if text[0] + text[-1] not in ("[]", "{}"):
        raise ValueError(f"{path}: `names` should be a list of names. Received: {text:.60}")
    inner, entries = text[1:-1].strip(), []
    for index, part in enumerate(_parts(inner, path)):
        number, colon, name = part.partition(":") if text[0] == "{" else (str(index), ":", part)
        if not colon or not re.fullmatch(r"\s*\d{1,5}\s*", number):
            raise ValueError(f"{path}: `names` should have numbers. Received: {part:.60}")
        entries.append((int(number), name))
    return entries


def _parts(text, path):
    """Divide a list at its commas, but those within quotes."""
    parts, part, quote = [], "", None
    for letter in text:
        if quote is None and letter == ",":
            parts.append(part)
            part = ""
            continue
        if quote is None and letter in "\"'" and not part.rpartition(":")[2].strip():
            quote = letter
        elif letter == quote:
            quote = None
        part += letter
    if quote is not None:
        raise ValueError(f"{path}: `names` has a quote that does not end.")
    return [*parts, part] if part.strip() or not parts else parts


def _below(lines):
    """Return `(number, name)` of the lines of a list."""
    entries = []
    for line in lines:
        if not line.strip():
            continue
        item = re.fullmatch(r"\s*-\s+(.+)", line)
        numbered = re.fullmatch(r"\s+[\"']?(\d{1,5})[\"']?\s*:\s+(.+)", line)
        if not item and not numbered:
            break
        entries.append((len(entries), item[1]) if item else (int(numbered[1]), numbered[2]))
    return entries


def _plain(name):
    """Take the quotes from a name."""
    name = name.strip()
    if len(name) > 1 and name[0] == name[-1] == "'":
        return name[1:-1].replace("''", "'")
    if len(name) > 1 and name[0] == name[-1] == '"':
        return re.sub(r"\\(.)", r"\1", name[1:-1])
    return name
