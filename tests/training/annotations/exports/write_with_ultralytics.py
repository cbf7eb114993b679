"""Write YOLO's polygons, and the label maps that Ultralytics draws of them for semantic segmentation.

    python3.11 -m venv /tmp/ultralytics
    /tmp/ultralytics/bin/pip install --no-deps ultralytics==8.4.190 && \
        /tmp/ultralytics/bin/pip install opencv-python-headless==5.0.0.93 numpy pillow
    /tmp/ultralytics/bin/python tests/training/annotations/exports/write_with_ultralytics.py

The three functions that draw are taken out of the installed package, so that PyTorch is not needed.
"""

import ast
import importlib.util
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
from packed import pack
from PIL import Image

CLASSES = ("road", "car", "sky")
SIZES = {"train/street_1": (19, 26), "train/deep/street_2": (37, 61), "val/street_3": (20, 24), "val/empty": (9, 12)}


def functions(module, names, known):
    """Run the definitions of some functions of a module, without the module."""
    path = Path(importlib.util.find_spec("ultralytics").origin).parent / module
    tree = ast.parse(path.read_text())
    found = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name in names]
    exec(compile(ast.Module(found[-len(names) :], []), str(path), "exec"), known)
    return [known[name] for name in names]


def lines(seed):
    """Return label lines: random polygons, some up to the border, one twice, and small ones below large ones."""
    noise = np.random.default_rng(seed)
    for number in range(9):
        centre, radius = noise.random(2), noise.uniform(0.1, 0.5)
        angles = np.sort(noise.uniform(0, 2 * np.pi, noise.integers(3, 9)))
        points = np.clip(centre + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1), 0, 1)
        yield " ".join([str(number % 3), *(f"{value:.6f}" for value in points.ravel())])


def main(out):
    known = {"np": np, "cv2": cv2}
    functions("data/utils.py", ("polygon2mask", "polygons2masks_overlap"), known)
    source = Path(importlib.util.find_spec("ultralytics").origin).parent / "data/dataset.py"
    classes = [
        node for node in ast.parse(source.read_text()).body if getattr(node, "name", "") == "PolygonSemanticDataset"
    ]
    (method,) = (node for node in classes[0].body if getattr(node, "name", "") == "load_mask")
    exec(compile(ast.Module([method], []), str(source), "exec"), known)
    for number, (key, (height, width)) in enumerate(SIZES.items()):
        image, label, drawn = (
            out / folder / f"{key}{end}"
            for folder, end in (("yolo/images", ".png"), ("yolo/labels", ".txt"), ("label_maps", ".png"))
        )
        for path in (image, label, drawn):
            path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (width, height), (50 * number, 90, 60)).save(image)
        text = [] if key == "val/empty" else list(lines(number))
        label.write_text("".join(f"{line}\n" for line in text))
        rows = [np.array(line.split(), np.float32) for line in text]
        dataset = SimpleNamespace(
            labels=[
                {"cls": np.array([[row[0]] for row in rows]), "segments": [row[1:].reshape(-1, 2) for row in rows]}
            ],
            bg_class_idx=len(CLASSES),
            data={"nc": len(CLASSES) + 1},
        )
        ids = known["load_mask"](dataset, 0, (height, width))
        Image.fromarray(np.array([1, 2, 3, 0], np.uint8)[ids]).save(drawn)  # background first, as here
    names = "".join(f"  {index}: {name}\n" for index, name in enumerate(CLASSES))
    (out / "yolo/data.yaml").write_text(f"path: .\ntrain: images/train\nval: images/val\n\nnames:\n{names}")


if __name__ == "__main__":
    pack(main, "yolo")
