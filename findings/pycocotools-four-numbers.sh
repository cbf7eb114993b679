#!/usr/bin/env bash
# pycocotools takes a two-point polygon for a box or for nothing, by its place in the list.
#
# pycocotools 2.0.11. Exports of COCO hold polygons of two points (four numbers): a click and a release. `frPyObjects` on a
# list of polygons raises TypeError where such a polygon comes first ("Argument 'bb' has incorrect type"). Where it comes
# later, it silently gives a mask of area 0. So one wrong polygon makes an image unreadable or goes unseen.
# Seen: "first: TypeError; later: areas [190, 0]".
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet pycocotools==2.0.11 numpy==2.4.6
seen=$("$work/venv/bin/python" - <<'PYTHON'
from pycocotools import mask

triangle, two_points = [20, 20, 40, 20, 40, 40], [1, 2, 10, 12]
try:
    first = mask.frPyObjects([two_points, triangle], 50, 50)
except TypeError:
    first = "TypeError"
later = [int(mask.area(one)) for one in mask.frPyObjects([triangle, two_points], 50, 50)]
print(f"first: {first}; later: areas {later}")
PYTHON
)
echo "$seen"
[ "$seen" = "first: TypeError; later: areas [190, 0]" ]
