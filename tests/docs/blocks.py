"""The code blocks of README.md and docs/, and the commands in those of the shell."""

import re
import shlex
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("README.md", "CONTRIBUTING.md", "SECURITY.md", *sorted(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md")))
_FENCE = re.compile(r"^(?P<fence>```+)(?P<language>[^\n]*)\n(?P<text>.*?)^(?P=fence)[ ]*$", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?<=\n\n)(?:    \S.*\n(?:\n(?=    ))?)+")


class Block(NamedTuple):
    """A block of code: its page, the line on which its text begins, its language and its text."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self):
        return f"{self.page}:{self.line}"


class Command(NamedTuple):
    """One command of a shell block: its words, as a shell would split them, and as it is written."""

    words: tuple[str, ...]
    text: str


def blocks(page):
    """List a page's blocks of code in their order; indented ones are of the shell. Sphinx's own are no code."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = [(match.start("text"), match["language"].strip(), match["text"]) for match in _FENCE.finditer(text)]
    rest = _FENCE.sub(lambda match: re.sub(r"[^\n]", "x", match[0]), text)
    for match in _INDENTED.finditer(rest):
        found.append((match.start(), "sh", re.sub(r"^    ", "", match[0], flags=re.MULTILINE)))
    listed = [Block(page, text.count("\n", 0, start) + 1, *rest) for start, *rest in sorted(found)]
    return [block for block in listed if not block.language.startswith("{")]


def all_blocks():
    return [block for page in PAGES for block in blocks(page)]


def commands(block):
    """Split a block of the shell into its commands: by lines, unless quoted or continued, and by `&&`.

    Raises:
        ValueError: where a quotation is not closed.
    """
    waiting = ""
    for line in block.text.splitlines():
        waiting += line + "\n"
        if line.endswith("\\"):
            continue
        try:
            words = shlex.split(waiting.replace("\\\n", " "), comments=True)
        except ValueError:  # no closing quotation yet
            continue
        text, waiting = waiting, ""
        while words:
            end = words.index("&&") if "&&" in words else len(words)
            yield Command(tuple(words[:end]), text.strip() if end == len(words) else shlex.join(words[:end]))
            words = words[end + 1 :]
    if waiting.strip():
        raise ValueError(f"{block}: a quotation is not closed: {waiting}")
