"""Write what Label Studio exports, with its own encoder of brushes, and what its own converter makes of that.

    python3.11 -m venv /tmp/label-studio
    /tmp/label-studio/bin/pip install label-studio-sdk==2.1.2 pycocotools==2.0.11 opencv-python-headless
    /tmp/label-studio/bin/python tests/training/annotations/exports/write_with_label_studio.py

The JSON is laid out as the application writes it; brushes are encoded, decoded and saved as PNG by
`label_studio_sdk.converter.brush`, polygons are turned into pixels by its COCO export and pycocotools, the corners of
turned rectangles come from `convert_annotation_to_yolo_obb`. Its converter draws no label map, so `label_maps` paints
these regions one over the other.
"""

import json
import tempfile
from pathlib import Path

import numpy as np
from label_studio_sdk.converter import Converter, brush
from label_studio_sdk.converter.utils import convert_annotation_to_yolo_obb
from packed import pack
from PIL import Image
from pycocotools import mask as coco

CONFIG = """<View><Image name="image" value="$image"/>
<BrushLabels name="tag" toName="image"><Label value="road"/><Label value="pave ment"/></BrushLabels>
<PolygonLabels name="shape" toName="image"><Label value="car"/><Label value="sky"/></PolygonLabels></View>"""
SIZES = {"street_1.png": (19, 26), "street_2.png": (17, 31)}
CLASSES = ("car", "pave ment", "road", "sky")  # in alphabetical order; 0 is background


def stroke(height, width, seed):
    """Paint as the application's brush does: one colour, and opacity from none to all."""
    noise = np.random.default_rng(seed)
    region = np.zeros((height, width), bool)
    region[2 : height - 3, 1 : width // 2] = True
    region &= noise.random((height, width)) > 0.2
    rgba = np.zeros((height, width, 4), np.uint8)
    rgba[region, :3] = (64, 128, 200)
    rgba[region, 3] = noise.integers(1, 256, region.sum())
    return rgba


def result(kind, label, size, value, name, **more):
    value = {**value, f"{kind}labels": [label]}
    tag = "tag" if kind == "brush" else "shape"
    return {
        "original_width": size[1],
        "original_height": size[0],
        "image_rotation": 0,
        "value": value,
        "id": name,
        "from_name": tag,
        "to_name": "image",
        "type": f"{kind}labels",
        "origin": "manual",
        **more,
    }


def results(size, seed):
    height, width = size
    rgba = stroke(height, width, seed)
    block = np.zeros(size, np.uint8)
    block[height // 2 :, width // 2 :] = 255
    polygon = [[5.5 + seed, 7.25], [88.1, 12.5], [61.3, 91.75], [12.5, 60.0]]
    return [
        result("polygon", "sky", size, {"points": polygon, "closed": True}, "p1"),
        result("brush", "road", size, {"format": "rle", "rle": brush.encode_rle(rgba.ravel().tolist())}, "b1"),
        result("brush", "pave ment", size, {"format": "rle", "rle": brush.mask2rle(block)}, "b2"),
        result("rectangle", "car", size, {"x": 40.5, "y": 30, "width": 30, "height": 35.5, "rotation": 0}, "r1"),
        result("rectangle", "car", size, {"x": 60, "y": 5, "width": 25, "height": 20, "rotation": 30}, "r2"),
        {"id": "x", "type": "choices", "from_name": "weather", "to_name": "image", "value": {"choices": ["wet"]}},
    ]


def tasks():
    """Return two tasks, one uploaded and one from local files, a third that nobody annotated."""
    addresses = ("/data/upload/1/0a1b2c3d-street_1.png", "/data/local-files/?d=photos/street_2.png")
    for number, (address, size) in enumerate(zip(addresses, SIZES.values(), strict=True), 1):
        annotation = {"id": number + 10, "completed_by": 3, "was_cancelled": False, "result": results(size, number)}
        yield {"id": number, "data": {"image": address}, "annotations": [annotation], "predictions": []}
    yield {"id": 9, "data": {"image": "street_9.png"}, "annotations": [], "predictions": [{"result": []}]}


def region_of(item, size):
    """Return the `(H, W)` bool that Label Studio's converter and pycocotools make of a result."""
    if item["type"] == "brushlabels":
        return brush.decode_rle(item["value"]["rle"]).reshape(*size, 4)[..., 3] > 0
    if item["type"] == "polygonlabels":
        return coco.decode(coco.merge(coco.frPyObjects(exported_polygon(item, size), *size))).astype(bool)
    flat = {**item, **item["value"]}
    corners = [(x * size[1], y * size[0]) for x, y in convert_annotation_to_yolo_obb(flat)]
    return coco.decode(coco.frPyObjects([np.ravel(corners).tolist()], *size)[0]).astype(bool)


def exported_polygon(item, size):
    """Let the converter's COCO export turn percent into pixels."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        Image.new("RGB", size[::-1]).save(folder / "a.png")
        task = {"id": 1, "data": {"image": str(folder / "a.png")}, "annotations": [{"id": 1, "result": [item]}]}
        (folder / "in.json").write_text(json.dumps([task]))
        converter = Converter(CONFIG, str(folder), download_resources=False)
        converter.convert_to_coco(str(folder / "in.json"), str(folder / "out"), is_dir=False)
        content = json.loads((folder / "out/result.json").read_text())
    return content["annotations"][0]["segmentation"]


def main(out):
    export = list(tasks())
    for part in ("json", "pngs"):
        (out / part / "photos").mkdir(parents=True)
        for number, (name, size) in enumerate(SIZES.items()):
            Image.new("RGB", size[::-1], (90 * number, 60, 90)).save(out / part / "photos" / name)
    (out / "json" / "export.json").write_text(json.dumps(export))
    maps = out / "label_maps"
    maps.mkdir()
    for task, (name, size) in zip(export, SIZES.items(), strict=False):
        items = task["annotations"][0]["result"][:-1]
        strokes = [item for item in items if item["type"] == "brushlabels"]
        by_tag = [item for item in items if item not in strokes] + strokes  # as JSON-MIN has them
        for drawn, prefix in ((items, ""), (strokes, "strokes_"), (by_tag, "by_tag_")):
            ids = np.zeros(size, np.uint8)
            for item in drawn:
                ids[region_of(item, size)] = 1 + CLASSES.index(item["value"][item["type"]][0])
            Image.fromarray(ids).save(maps / f"{prefix}{name}")
    converter = Converter(CONFIG, str(out), download_resources=False)
    brush.convert_task_dir(converter.iter_from_json_file(str(out / "json/export.json")), str(out / "pngs"), "png")
    (out / "pngs" / "tasks.json").write_text(
        json.dumps([{key: task[key] for key in ("id", "data")} for task in export])
    )
    converter.convert_to_json_min(str(out / "json/export.json"), str(out / "min"), is_dir=False)


if __name__ == "__main__":
    pack(main, "label_studio")
