#!/usr/bin/env bash
# The ids in Datumaro's Cityscapes masks are the line numbers of label_colors.txt, or one more, and no file says which.
#
# datumaro 1.13.12. `labelIds.png` of an export counts the classes of `label_colors.txt` from 0 if the first is called
# background, and from 1 if there is no background: 0 is then what nobody labelled. Of a set without colours, the lines have
# no colours either, but a space before each name. So readers that take ids for line numbers shift all classes by one.
# Seen: "without background: lines [' road', ' car'], ids [1, 2]; with: lines [' background', ' road', ' car'], ids [1, 2]".
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet datumaro==1.13.12
seen=$(cd "$work" && "$work/venv/bin/python" - <<'PYTHON'
from pathlib import Path

import numpy as np
from datumaro.components.annotation import AnnotationType, LabelCategories, Mask
from datumaro.components.dataset import Dataset
from datumaro.components.dataset_base import DatasetItem
from datumaro.components.media import Image
from PIL import Image as Pillow


def exported(folder, names):
    left = np.zeros((4, 6), bool)
    left[:, :3] = True
    regions = [Mask(left, label=names.index("road")), Mask(~left, label=names.index("car"))]
    photograph = Image.from_numpy(np.zeros((4, 6, 3), np.uint8))
    item = DatasetItem(id="a", subset="train", media=photograph, annotations=regions)
    classes = {AnnotationType.label: LabelCategories.from_iterable(names)}
    dataset = Dataset.from_iterable([item], categories=classes, media_type=Image)
    dataset.export(folder, "cityscapes", save_media=True)
    (mask,) = Path(folder).rglob("*labelIds.png")
    lines = Path(folder, "label_colors.txt").read_text().splitlines()
    return f"lines {lines}, ids {np.unique(np.asarray(Pillow.open(mask))).tolist()}"


without = exported("without", ["road", "car"])
print(f"without background: {without}; with: {exported('with', ['background', 'road', 'car'])}")
PYTHON
)
seen=$(echo "$seen" | tail -1)
echo "$seen"
[ "$seen" = "without background: lines [' road', ' car'], ids [1, 2]; with: lines [' background', ' road', ' car'], ids [1, 2]" ]
