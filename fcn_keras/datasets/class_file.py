"""Read the lines of class files, which people write, export and rename: what is something else is refused in words."""

import os
import re
import unicodedata
from pathlib import Path

_MOST_BYTES = 1 << 20
_SEPARATORS = {"\u2028", "\u2029"}
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_YAML = re.compile(r"---|(-?\s*)(names|classes|labels|categories)\s*:\s*([\[{].*)?", re.IGNORECASE)
_COLOR = re.compile(r"(^|\s)#[0-9a-fA-F]{6}$")
_COLOR_FIRST = re.compile(r"(\d{1,3}[\s,;]+){3}\D.*")
_OTHER_COLOR = re.compile(
    r".*?[\s,;:(\[]+(\d{1,3}\s*[,;]\s*\d{1,3}\s*[,;]\s*\d{1,3}|\d*\.\d+[\s,;]+\d*\.\d+[\s,;]+\d*\.\d+)[\s)\],;:]*"
)


def text_lines(path: str | os.PathLike[str], advice: str = "Expected one class a line, UTF-8.") -> list[str]:
    """Return the lines of a text file of classes, whichever line ends it has.

    Args:
        path: of the file.
        advice: the end of the errors.

    Raises:
        ValueError: if it cannot be read, is not UTF-8, holds control characters, or is JSON, YAML or XML.
    """
    try:
        if Path(path).stat().st_size > _MOST_BYTES:
            raise ValueError(f"{path} is larger than 1 MiB, and no class file. {advice}")
        content = Path(path).read_bytes()
    except OSError as error:
        raise ValueError(f"{path} is not a readable class file. {advice}") from error
    if content.startswith(_UTF_16) or b"\0" in content[:2]:
        raise ValueError(f"{path} is a class file in UTF-16. Save it as UTF-8.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = content[: error.start].count(b"\n") + 1
        raise ValueError(f"{path} is not a readable class file: line {place} is not UTF-8. {advice}") from error
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for number, line in enumerate(lines, 1):
        for character in line:
            if character in _SEPARATORS or (unicodedata.category(character) == "Cc" and character != "\t"):
                raise ValueError(
                    f"{path}:{number} holds the character U+{ord(character):04X}, which belongs to no name. {advice}"
                )
    kind = _kind([line.strip() for line in lines])
    if kind:
        raise ValueError(f"{path} is {kind}, and no class file. {advice}")
    return lines


def _kind(lines: list[str]) -> str | None:
    filled = [line for line in lines if line and not line.startswith("#")]
    if not filled:
        return None
    if filled[0][0] in "[{" or filled[-1] in ("]", "}", "],", "},"):
        return "JSON"
    if filled[0].casefold().startswith(("<?xml", "<!doctype", "<html")):
        return "XML"
    if any(_YAML.fullmatch(line) for line in filled) or (len(filled) > 1 and all(x.startswith("- ") for x in filled)):
        return "YAML"
    return None


def class_lines(path: str | os.PathLike[str]) -> list[tuple[int, str]]:
    """Return the lines `name` or `name R G B` of a class file with their numbers, without comments and empty ones.

    Quotes around all names, and commas or semicolons at the end of all lines but the last, are left out. Tabs and
    several spaces are one space.

    Raises:
        ValueError: as `text_lines`; or if colours are given in another way, or all names in one line.
    """
    lines = text_lines(path, "Pass a number, names or a path as `classes`, or write one class a line, UTF-8.")
    if any(map(str.strip, lines)) and all(_COLOR.search(line.rstrip()) for line in lines if line.strip()):
        raise ValueError(f"{path} gives colours as #RRGGBB, and # starts a comment. Expected `name R G B` a line.")
    bare = [(number, re.sub(r"(^|\s)#.*", "", line).strip()) for number, line in enumerate(lines, 1)]
    filled = [(number, line) for number, line in bare if line]
    if len(filled) > 1 and all(line[-1] in ",;" for _, line in filled[:-1]):
        filled = [(number, line.rstrip(",; ")) for number, line in filled]
    quoted = [re.fullmatch(r"([\"'])(.+?)\1(.*)", line) for _, line in filled]
    if all(quoted):
        filled = [(number, match[2] + match[3]) for (number, _), match in zip(filled, quoted, strict=True) if match]
    result = []
    for number, line in filled:
        if _COLOR_FIRST.fullmatch(line) or _OTHER_COLOR.fullmatch(line):
            raise ValueError(
                f"{path}:{number} gives a colour in another form: {line!r}. Expected `name R G B`, 0..255."
            )
        if line:
            result.append((number, " ".join(line.split())))
    if len(result) == 1 and re.search(r"[,;]\S", result[0][1]):
        raise ValueError(
            f"{path} holds one line with commas or semicolons: {result[0][1]!r}. Expected one class a line."
        )
    _refuse_alpha(path, [line for _, line in result])
    return result


def _refuse_alpha(path: str | os.PathLike[str], lines: list[str]) -> None:
    """Refuse `name R G B 255`, of which the red would become a part of the name."""
    columns = [re.fullmatch(r"(.+?) \d{1,3} \d{1,3} \d{1,3} (\d{1,3})", line) for line in lines]
    names = [match[1] for match in columns if match and match[2] in ("255", "0")]
    if len(lines) > 1 and len(set(names)) == len(lines) and len({match[2] for match in columns if match}) == 1:
        raise ValueError(f"{path} gives four numbers a line: {lines[0]!r}. Expected `name R G B`, without opacity.")
