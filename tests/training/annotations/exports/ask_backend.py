"""Ask `fcn-label-studio` as Label Studio does, and check its answer with Label Studio's own SDK.

    fcn-predict net.keras photos --format ids --output out
    fcn-label-studio net.keras --local-files photos --tolerance 0
    /tmp/label-studio/bin/python tests/training/annotations/exports/ask_backend.py \\
        http://127.0.0.1:9090 photos out NAME ...

The environment is that of `write_with_label_studio.py`. `NAME ...` are the classes in the order of their ids. They are
given to brushes, and then to polygons. The SDK says whether each prediction fits the labelling configuration, and
decodes the brushes; pycocotools fills the polygons. Pixels that differ from `out/ids` are counted.
"""

import json
import sys
import urllib.request
from pathlib import Path

import numpy as np
from label_studio_sdk.converter import brush
from label_studio_sdk.label_interface import LabelInterface
from PIL import Image
from pycocotools import mask as coco


def asked(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def covered(item, size):
    """Return the pixels that a result covers."""
    height, width = size
    if item["type"] == "brushlabels":
        (layer,) = brush.decode_from_annotation("tag", [{**item, **item["value"]}]).values()
        return layer > 0
    points = np.array(item["value"]["points"]) / 100 * [width, height]
    return coco.decode(coco.frPyObjects([points.ravel().tolist()], height, width))[..., 0] > 0


def main(url, photos, out, names):
    for kind in ("Brush", "Polygon"):
        labels = "".join(f'<Label value="{name}"/>' for name in names if name.strip("_").casefold() != "background")
        tag = f'<{kind}Labels name="tag" toName="image">{labels}</{kind}Labels>'
        config = f'<View><Image name="image" value="$image"/>{tag}</View>'
        version = asked(f"{url}/setup", {"project": "1.1", "schema": config})["model_version"]
        interface, pixels, differing, faults = LabelInterface(config), 0, 0, []
        for number, path in enumerate(sorted(photos.iterdir())):
            task = {"id": number, "data": {"image": f"/data/local-files/?d={path.name}"}}
            body = {"tasks": [task], "label_config": config, "project": "1.1", "model_version": version}
            (prediction,) = asked(f"{url}/predict", body)["results"]
            faults += interface.validate_prediction(prediction, return_errors=True)
            ids = np.array(Image.open(out / "ids" / f"{path.stem}.png"))
            found = np.full(ids.shape, names.index("background") if "background" in names else -1)
            for item in prediction["result"]:
                found[covered(item, ids.shape)] = names.index(item["value"][item["type"]][0])
            pixels, differing = pixels + ids.size, differing + (found != ids).sum()
        print(f"{kind}: {differing} of {pixels:,} pixels differ; version {version}; faults: {faults}")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:])
