"""Draw the pictures of docs/architecture.md as SVG: the network, the packages, and the rooms of the commands.

python -m tools.drawings      rewrites them; a part of `make docs-pages`
"""

import ast
import sys
from functools import partial
from html import escape
from pathlib import Path

from fcn_keras.backbone import VGG16

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
BLUE, GREEN, ORANGE, GREY = "#dbe7f5", "#dcefdc", "#fbe6cf", "#eeeeee"
INK, FAINT = "#222222", "#666666"


class Drawing:
    """Boxes, arrows and words on a white ground, in the order in which they are drawn."""

    def __init__(self, width, height, title):
        self.width, self.height, self.title, self.parts = width, height, title, []

    def box(self, x, y, width, height, color, *lines):
        """Draw a rectangle with lines of text in its middle; (x, y) is its upper left corner."""
        self.parts.append(
            f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="4" fill="{color}" stroke="{INK}"/>'
        )
        top = y + height / 2 - 9 * (len(lines) - 1)
        for number, line in enumerate(lines):
            self.text(x + width / 2, top + 18 * number + 5, line, bold=number == 0, anchor="middle")

    def text(self, x, y, line, *, bold=False, anchor="start", color=INK):
        weight = ' font-weight="600"' if bold else ""
        self.parts.append(
            f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" fill="{color}"{weight}>{escape(line)}</text>'
        )

    def arrow(self, *points):
        path = " ".join(f"{x:g},{y:g}" for x, y in points)
        self.parts.append(f'<polyline points="{path}" fill="none" stroke="{INK}" marker-end="url(#head)"/>')

    def svg(self):
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" width="{self.width}" '
            f'font-family="sans-serif" font-size="14" role="img">\n<title>{escape(self.title)}</title>\n'
            '<defs><marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" '
            f'orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="{INK}"/></marker></defs>\n'
            f'<rect width="{self.width}" height="{self.height}" fill="white"/>\n'
        )
        return head + "\n".join(self.parts) + "\n</svg>\n"


def network():
    """Draw FCN-8s, with FCN-16s and FCN-32s as what ends earlier."""
    drawing = Drawing(876, 480, "FCN-8s: VGG16 with two skips, scores upsampled and added")
    left, right, wide, height, step = 16, 424, 296, 36, 58
    blocks, width = VGG16
    rows = [("image", "RGB, the mean subtracted", GREY, 1)]
    rows += [
        (f"conv{n} x {count}, pool{n}", f"{filters} channels", BLUE, 2**n)
        for n, (filters, count) in enumerate(blocks, 1)
    ]
    rows += [("fc6 7x7, fc7 1x1", f"{width} channels", BLUE, 32)]
    levels = []
    for number, (name, told, color, stride) in enumerate(rows):
        y = 46 + step * number
        levels.append(y + height / 2)
        drawing.box(left, y, wide, height, color, f"{name}: {told}")
        drawing.text(left + wide + 8, y + 23, f"1/{stride}" if stride > 1 else "H x W", color=FAINT)
        if number:
            drawing.arrow((left + wide / 2, y - step + height), (left + wide / 2, y))
    drawing.text(left, 30, "Backbone: VGG16, convolutionalised", bold=True)
    drawing.text(right, 30, "Scores: one channel a class", bold=True)
    _heads(drawing, right, levels[6], levels[4], levels[3], height)
    drawing.text(left, 466, "Right of a box: height and width of its map, as shares of the image's.", color=FAINT)
    return drawing.svg()


def _heads(drawing, x, fc7, pool4, pool3, height):
    """Draw the scoring layers beside fc7, pool4 and pool3, and the three nets that come out."""
    for y, name in ((fc7, "score_fr 1x1"), (pool4, "score_pool4 1x1"), (pool3, "score_pool3 1x1")):
        drawing.box(x, y - height / 2, 134, height, GREEN, name)
        drawing.arrow((x - 56, y), (x, y))
    for y, name in ((pool4, "fuse_pool4: add"), (pool3, "fuse_pool3: add")):
        drawing.box(x + 160, y - height / 2, 136, height, GREEN, name)
        drawing.arrow((x + 134, y), (x + 160, y))
    up = x + 228
    drawing.arrow((x + 67, fc7 - height / 2), (x + 67, pool4 + 44), (up, pool4 + 44), (up, pool4 + height / 2))
    drawing.text(x + 77, pool4 + 62, "upscore2: 2x")
    drawing.arrow((up, pool4 - height / 2), (up, pool3 + height / 2))
    drawing.text(up - 8, (pool3 + pool4) / 2 + 5, "upscore_pool4: 2x", anchor="end")
    outputs = ((fc7, 134, "upscore: 32x", "FCN-32s"), (pool4, 296, "upscore16: 16x", "FCN-16s"))
    for y, start, told, name in (*outputs, (pool3, 296, "upscore8: 8x", "FCN-8s")):
        drawing.arrow((x + start, y), (x + 324, y))
        drawing.box(x + 324, y - height / 2 - 4, 118, height + 8, ORANGE, name, told)
    drawing.text(x, 46 + 22, "Each is cropped to the image: (B, H, W, classes).", color=FAINT)
    drawing.text(x, 46 + 42, "Each finer net starts from the weights of the coarser.", color=FAINT)


def packages():
    """Draw who may import whom."""
    drawing = Drawing(760, 300, "The packages and who imports whom")
    drawing.box(20, 20, 340, 80, BLUE, "training/", "fcn-train, fcn-evaluate, fcn-predict,", "fcn-doctor, ...")
    drawing.box(
        400, 20, 340, 80, BLUE, "serving/", "fcn-export, fcn-serve, fcn-query,", "fcn-check, fcn-kit, fcn-batch"
    )
    drawing.box(
        20, 190, 510, 90, GREEN, "fcn_keras/", "networks, weights, loss, metric, optimizer,", "data, prediction"
    )
    drawing.box(570, 190, 170, 90, GREY, "fcn_keras_console/", "options, files, workdirs,", "progress, exit codes")
    drawing.arrow((190, 100), (190, 190))
    drawing.arrow((440, 100), (440, 190))
    drawing.arrow((660, 100), (660, 190))
    drawing.arrow((340, 100), (340, 128), (600, 128), (600, 190))
    drawing.text(200, 150, "imports")
    drawing.text(450, 150, "fcn-export alone")
    return drawing.svg()


def rooms(folder):
    """Draw the rooms of a folder of commands, and which imports which; as the imports of its files are.

    An arrow is left out where others lead the same way: if `train` imports `doctor` and `doctor` imports `reading`, the
    arrow from `train` to `reading` tells nothing new.
    """
    imported = _imported_rooms(ROOT / folder)
    below = {room: _all_below(room, imported) for room in imported}
    floors, top = {}, max(_floor(room, imported) for room in imported)
    for room in sorted(imported):
        needed = any(room in others for others in imported.values())
        floors.setdefault(_floor(room, imported) if needed else top, []).append(room)
    wide, high, gap, step = 176, 40, 16, 110
    width = max(len(floor) for floor in floors.values()) * (wide + gap) + gap
    drawing = Drawing(width, len(floors) * step - step + high + 40, f"The rooms of {folder}/ and which imports which")
    places = {}
    for floor, names in floors.items():
        y = 20 + step * (top - floor)
        left = (width - len(names) * (wide + gap) + gap) / 2
        for number, room in enumerate(names):
            places[room] = left + number * (wide + gap), y
    for room, others in sorted(imported.items()):
        for other in sorted(others):
            if not any(other in below[between] for between in others):
                (x, y), (to_x, to_y) = places[room], places[other]
                drawing.arrow((x + wide / 2, y + high), (to_x + wide / 2, to_y))
    for room, (x, y) in sorted(places.items()):
        command = (ROOT / folder / room / "command.py").is_file()
        drawing.box(x, y, wide, high, BLUE if command else GREEN, room)
    return drawing.svg()


def _imported_rooms(folder):
    """Return by room of a folder the set of the other rooms there that its files import."""
    rooms = {
        path.stem for path in folder.iterdir() if not path.name.startswith("_") and (path / "__init__.py").is_file()
    }
    rooms |= {path.stem for path in folder.glob("*.py") if not path.name.startswith("_")}
    imported = {room: set() for room in rooms}
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder).with_suffix("").parts
        if parts[0] not in rooms:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level == len(parts):  # from the folder itself
                names = [node.module] if node.module else [alias.name for alias in node.names]
                imported[parts[0]] |= {name.partition(".")[0] for name in names} & rooms - {parts[0]}
    return imported


def _all_below(room, imported):
    return imported[room].union(*(_all_below(other, imported) for other in imported[room]))


def _floor(room, imported):
    return 1 + max((_floor(other, imported) for other in imported[room]), default=-1)


PICTURES = {
    "network.svg": network,
    "packages.svg": packages,
    "training.svg": partial(rooms, "training"),
    "serving.svg": partial(rooms, "serving"),
}


def main():
    for name, draw in PICTURES.items():
        (DOCS / name).write_text(draw(), encoding="utf-8")
        print(f"docs/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
