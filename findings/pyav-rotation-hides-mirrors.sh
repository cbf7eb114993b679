#!/usr/bin/env bash
# PyAV tells a mirrored video as one that is turned by half a circle, or as one that is upright.
#
# PyAV 18.1.0. `VideoFrame.rotation` is the angle of the display matrix, which says nothing of mirrors. A video that is
# mirrored left to right, as some front cameras write it, has a rotation of -180: who turns by it gets the picture upside
# down. One that is mirrored top to bottom has 0, and one that is mirrored over its diagonal the -90 of a phone held
# upright. Only the matrix itself tells: `frame.side_data.get("DISPLAYMATRIX")`, nine int32.
# Seen: "quarter turn -90, left-right -180, top-bottom 0, diagonal -90".
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet av==18.1.0 numpy==2.4.6
cd "$work"
seen=$(venv/bin/python - <<'PYTHON'
import struct
from pathlib import Path

import av
import numpy as np

with av.open("plain.mp4", "w") as container:
    stream = container.add_stream("mpeg4", rate=5)
    stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
    container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")))
    container.mux(stream.encode())

ONE, UNIT = 1 << 16, 1 << 30
MATRICES = {  # a b u c d v x y w: (p, q) is shown at (a p + c q + x, b p + d q + y)
    "quarter turn": (0, ONE, 0, -ONE, 0, 0, 48 * ONE, 0, UNIT),
    "left-right": (-ONE, 0, 0, 0, ONE, 0, 64 * ONE, 0, UNIT),
    "top-bottom": (ONE, 0, 0, 0, -ONE, 0, 0, 48 * ONE, UNIT),
    "diagonal": (0, ONE, 0, ONE, 0, 0, 0, 0, UNIT),
}
plain = Path("plain.mp4").read_bytes()
upright = struct.pack(">9i", ONE, 0, 0, 0, ONE, 0, 0, 0, UNIT)
start = plain.index(upright, plain.index(b"tkhd"))
seen = []
for name, matrix in MATRICES.items():
    Path("a.mp4").write_bytes(plain[:start] + struct.pack(">9i", *matrix) + plain[start + 36 :])
    with av.open("a.mp4") as container:
        frame = next(container.decode(video=0))
        told = struct.unpack("=9i", bytes(frame.side_data.get("DISPLAYMATRIX"))[:36])
        assert told[:5] == matrix[:5]
        seen.append(f"{name} {round(frame.rotation)}")
print(", ".join(seen))
PYTHON
)
echo "$seen"
[ "$seen" = "quarter turn -90, left-right -180, top-bottom 0, diagonal -90" ]
