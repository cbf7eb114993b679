"""A terminal in thirty lines: what is to be seen after a text with control characters was written to it."""

import re

PARTS = re.compile(r"\x1b\[(?P<number>\d*)(?P<code>[A-Za-z])|(?P<character>(?s:.))")


def shown(text, width):
    """Return the lines on a terminal of this width and of endless height, and the cursor's row and column."""
    lines, row, column = [""], 0, 0
    for part in PARTS.finditer(text):
        character = part["character"]
        if part["code"] == "J":  # from the cursor to the end
            assert not part["number"]
            lines[row:] = [lines[row][:column]]
        elif part["code"] == "A":
            row -= int(part["number"] or 1)
            assert row >= 0
        elif part["code"]:
            assert part["code"] == "m", part[0]  # colours
        elif character == "\r":
            column = 0
        else:
            if character == "\n" or column == width:
                row, column = row + 1, 0
                lines += [""] * (row + 1 - len(lines))
            if character != "\n":
                lines[row] = lines[row][:column].ljust(column) + character + lines[row][column + 1 :]
                column += 1
    return [line.rstrip() for line in lines], (row, column)
