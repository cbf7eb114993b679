#!/usr/bin/env bash
# Label Studio's COCO export leaves out images that were labelled with the brush, and writes polygons of two points.
#
# label-studio-sdk 2.1.2, whose converter Label Studio exports with. An image with a brush mask alone is missing in `images`
# of result.json, not only its mask: who trains on the export takes it for an image that nobody labelled. A polygon of two
# points, which the editor lets one draw, becomes a segmentation of four numbers and area 0. Both end without an error.
# Seen: "images: ['b.png']; segmentation [[3.0, 2.0, 15.0, 12.0]] of area 0.0".
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet label-studio-sdk==2.1.2
seen=$(cd "$work" && "$work/venv/bin/python" - <<'PYTHON'
import json
import logging

import numpy as np
from label_studio_sdk.converter import Converter, brush

logging.disable()
LABELS = (
    '<View><Image name="i" value="$image"/>'
    '<BrushLabels name="b" toName="i"><Label value="road"/></BrushLabels>'
    '<PolygonLabels name="p" toName="i"><Label value="car"/></PolygonLabels></View>'
)


def task(number, image, kind, source, value):
    result = {"id": kind, "type": kind, "from_name": source, "to_name": "i", "value": value}
    result |= {"original_width": 30, "original_height": 20, "image_rotation": 0}
    annotation = {"id": number, "completed_by": {"id": 1}, "result": [result]}
    return {"id": number, "data": {"image": f"/data/upload/1/{image}"}, "annotations": [annotation]}


mask = np.zeros((20, 30), np.uint8)
mask[5:10, 5:20] = 255
painted = {"format": "rle", "rle": brush.mask2rle(mask), "brushlabels": ["road"]}
two_points = {"points": [[10, 10], [50, 60]], "polygonlabels": ["car"]}
with open("tasks.json", "w") as file:
    tasks = [task(1, "a.png", "brushlabels", "b", painted), task(2, "b.png", "polygonlabels", "p", two_points)]
    json.dump(tasks, file)
converter = Converter(LABELS, ".", download_resources=False)
converter.convert_to_coco("tasks.json", "out", output_image_dir="out/images", is_dir=False)
with open("out/result.json") as file:
    found = json.load(file)
images = [image["file_name"].rsplit("/", 1)[-1] for image in found["images"]]
(annotation,) = found["annotations"]
print(f"images: {images}; segmentation {annotation['segmentation']} of area {annotation['area']}")
PYTHON
)
seen=$(echo "$seen" | tail -1)
echo "$seen"
[ "$seen" = "images: ['b.png']; segmentation [[3.0, 2.0, 15.0, 12.0]] of area 0.0" ]
