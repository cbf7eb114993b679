#!/usr/bin/env bash
# Pillow and OpenCV both read a 16-bit TIFF whose 0 is white as its negative, and one of 8 bits rightly.
#
# Pillow 12.3.0, OpenCV 4.14.0, tifffile 2026.3.3. PhotometricInterpretation 0 (WhiteIsZero) says that a grey TIFF's 0 is
# white. At 8 bits both readers turn the values, so that 0 comes back as 255. At 16 bits both hand them out as they are
# stored: black is white, without a word. So two readers that agree prove nothing here. Pillow's `tag_v2[262]` still tells.
# Seen: "uint8: Pillow [255, 192, 0], OpenCV [255, 192, 0]" and "uint16: Pillow [0, 16383, 65535], OpenCV [0, 16383, 65535]".
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet pillow==12.3.0 opencv-python-headless==4.14.0.94 tifffile==2026.3.3 numpy==2.4.6
cd "$work"
seen=$(venv/bin/python - <<'PYTHON'
import cv2
import numpy as np
import tifffile
from PIL import Image

for dtype in (np.uint8, np.uint16):
    white = np.iinfo(dtype).max
    tifffile.imwrite("a.tif", np.array([[0, white // 4, white]], dtype), photometric="miniswhite")
    with Image.open("a.tif") as image:
        assert image.tag_v2[262] == 0
        pillow = np.asarray(image)[0].tolist()
    print(f"{np.dtype(dtype)}: Pillow {pillow}, OpenCV {cv2.imread('a.tif', cv2.IMREAD_UNCHANGED)[0].tolist()}")
PYTHON
)
echo "$seen"
[ "$seen" = "uint8: Pillow [255, 192, 0], OpenCV [255, 192, 0]
uint16: Pillow [0, 16383, 65535], OpenCV [0, 16383, 65535]" ]
