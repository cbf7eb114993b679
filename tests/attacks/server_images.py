"""Attack the server with image files: on a network of full width, so that memory is the real one.

A try is lost if the answer is not the image's own status (or its labels, where the file is right), if a good image
beside it is not labelled, or if the server's memory grows by more than `MOST` while it answers.
"""

import base64
import http.client
import json
import time

from .hostile_files import encode, hostile_files
from .outcome import Outcome
from .served import served

MOST = 512  # MiB above idle
MAX_PIXELS = 480_000  # that the network is exported for
SIDES = (600, 800)  # a photograph of so many
CLASSES = 21


def soak(seconds, workdir):
    """Send every file again and again, and photographs at the limit, until the time is over."""
    model, started, tries, lost = write_network(workdir / "m"), time.monotonic(), 0, []
    with served(model, "--rest_api_timeout_in_ms=600000") as server:
        idle, files = server.memory(), hostile_files(MAX_PIXELS)
        while not tries or time.monotonic() - started < seconds * 0.8:
            found = attack(server, files, idle)
            tries, lost = tries + found.tries, [*lost, *found.lost]
        limit = at_the_limit(server, idle)
        alive = [] if server.is_alive() else ["the server has ended"]
    return [Outcome("image files", tries, (*lost, *alive)), limit]


def write_network(folder):
    """Export a full-width FCN-8s with random weights."""
    import fcn_keras
    from serving.export import export

    export(fcn_keras.FCN8s(CLASSES), folder, max_pixels=MAX_PIXELS)
    return folder


def attack(server, files, idle):
    """Send each file beside a good one.

    Args:
        server: `served.Served`.
        files: as `hostile_files` makes them.
        idle: MiB of memory before all.
    """
    from PIL import Image

    good, lost = encode(Image.new("RGB", (20, 10), "red"), "PNG"), []
    for name, (contents, is_refused) in files.items():
        server.forget_peak()
        try:
            rows = ask(server.rest, [good, contents, good])
        except (OSError, http.client.HTTPException, ValueError) as error:
            lost.append(f"{name}: {type(error).__name__} {str(error)[:200]}")
            continue
        said, grown = rows[1]["status"], server.peak() - idle
        if [(row["status"], row["height"], row["width"]) for row in rows[::2]] != [("", 10, 20)] * 2:
            lost.append(f"{name}: the good images beside it were not labelled")
        if is_refused is not None and bool(said) != is_refused:
            lost.append(f"{name}: status {said!r}")
        if bool(said) == bool(rows[1]["label_png_bytes"]["b64"]):
            lost.append(f"{name}: status {said!r} with labels, or neither")
        if grown > MOST:
            lost.append(f"{name}: {grown:.0f} MiB above idle")
    return Outcome("image files", len(files), tuple(lost))


def at_the_limit(server, idle):
    """Send photographs of the largest size that is answered, one after another."""
    import numpy as np
    from PIL import Image

    noise = np.random.default_rng(0).integers(0, 256, (*SIDES, 3), dtype=np.uint8)
    files = {kind: encode(Image.fromarray(noise), kind) for kind in ("PNG", "JPEG")}
    exif = b"Exif\0\0MM\0*\0\0\0\x08" + b"\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0" + bytes(4)
    files["turned JPEG"] = encode(Image.fromarray(noise), "JPEG", exif=exif)
    lost = []
    for name, contents in files.items():
        server.forget_peak()
        status = ask(server.rest, [contents])[0]["status"]
        if status or server.peak() - idle > MOST:
            lost.append(f"{name} at the limit: {server.peak() - idle:.0f} MiB above idle {status}")
    return Outcome("photographs at the limit", len(files), tuple(lost))


def ask(address, files):
    """Ask for the labels of image files over REST; return the rows."""
    body = json.dumps({"instances": [{"b64": base64.b64encode(contents).decode()} for contents in files]})
    connection = http.client.HTTPConnection(address, timeout=600)
    try:
        connection.request("POST", "/v1/models/m:predict", body)
        answer = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    if "predictions" not in answer:
        raise ValueError(str(answer)[:200])
    return answer["predictions"]
