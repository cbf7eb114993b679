#!/usr/bin/env bash
# labelme and pycocotools fill one polygon with different pixels, and labelme's neighbours overlap.
#
# labelme 6.3.1, pycocotools 2.0.11. labelme takes the pixels under a polygon's outline for inside on all four sides;
# pycocotools fills what the outline encloses. A square from (2, 2) to (6, 6) has 25 pixels or 16, a triangle 15 or 6. So a
# COCO file whose areas come from labelme's masks disagrees with its own polygons, most for thin and small objects. Two
# squares that share an edge share its pixels in labelme: which class these get is a matter of the drawing order.
# Seen: "square 25 and 16; triangle 15 and 6; shared by two neighbours 5 and 0".
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet labelme==6.3.1 pycocotools==2.0.11
seen=$("$work/venv/bin/python" - <<'PYTHON'
from labelme.utils import shape_to_mask
from pycocotools import mask

SIZE = 20, 20


def drawn(points):
    return shape_to_mask(SIZE, points, "polygon")


def filled(points):
    return mask.decode(mask.frPyObjects([sum(points, [])], *SIZE))[:, :, 0].astype(bool)


left, right = ([[x, 2], [x + 4, 2], [x + 4, 6], [x, 6]] for x in (2, 6))
square, triangle, shared = (
    f"{of(drawn)} and {of(filled)}"
    for of in (
        lambda fill: fill(left).sum(),
        lambda fill: fill(left[:3]).sum(),
        lambda fill: (fill(left) & fill(right)).sum(),
    )
)
print(f"square {square}; triangle {triangle}; shared by two neighbours {shared}")
PYTHON
)
echo "$seen"
[ "$seen" = "square 25 and 16; triangle 15 and 6; shared by two neighbours 5 and 0" ]
