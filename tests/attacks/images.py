"""Images made to break whoever reads them, given to the commands that read the images of strangers.

Every file ends in pixels or in a `ValueError` of one line that names it, within memory and time.
"""

import os
import random
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))  # where this file is the program

from tests.attacks.fuzz_files import mutated  # noqa: E402
from tests.attacks.hostile_files import chunk, encode, hostile_files, png  # noqa: E402
from tests.attacks.outcome import Outcome  # noqa: E402

SLOW = 10  # seconds of a processor, as others may use the machine
MEMORY = 1024  # MiB that reading them all may add to a process
GUARD = 2**24  # `PIL.Image.MAX_IMAGE_PIXELS`, half of what is refused; at Pillow's own guard one image takes 2 to 4 GiB


def picture(height=24, width=40, seed=0):
    generator = np.random.default_rng(seed)
    return Image.fromarray(generator.integers(0, 256, (height, width, 3), dtype=np.uint8))


def refused():
    """Return `{name: (contents, what is said)}` of files that are no images, or too large, or damaged."""
    whole = encode(picture(), "JPEG")
    return {
        "empty.jpg": (b"", "the file is empty"),
        "svg.jpg": (b'\n<svg xmlns="http://www.w3.org/2000/svg"/>', "it is an SVG drawing"),
        "xml.png": (b'<?xml version="1.0"?><svg xmlns="x"/>', "it is an SVG drawing"),
        "html.jpg": (b"<!DOCTYPE html><html><body>404</body></html>", "it is an HTML page, as a failed download"),
        "pointer.jpg": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "a pointer of Git LFS"),
        "pdf.jpg": (b"%PDF-1.7\n", "it is a PDF file"),
        "postscript.jpg": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "it is a PostScript file"),
        "zip.png": (b"PK\x03\x04" + bytes(40), "it is a zip archive"),
        "gzip.png": (b"\x1f\x8b" + bytes(40), "it is a gzip file"),
        "text.bmp": (b"no image", "it begins with b'no image'. Expected JPEG, PNG"),
        "zeros.png": (bytes(1000), "it begins with b'\\x00"),
        "truncated.jpg": (whole[: len(whole) // 2], "truncated"),
        "header.png": (encode(picture(), "PNG")[:8] + bytes(40), "its header is damaged"),
        "half.png": (encode(picture(64, 64), "PNG")[:5000], "truncated"),
        "half-webp.webp": (encode(picture(64, 64), "WEBP")[:500], "webp cannot be read as an image: "),
        "bomb.png": (png(50_000, 50_000, data=zlib.compress(bytes(100_000))), "pixels, and at most "),
        "bomb-bmp.bmp": (_bitmap(50_000, 50_000), "pixels, and at most "),
        "bomb-tif.tif": (_tiff(50_000, 50_000), "pixels, and at most "),
        "wide.webp": (_animation(3, 11_796_485), "a WebP side has at most 16383 pixels, not 11796485"),
        "bomb-gif.gif": (_gif(65_000, 65_000), "pixels, and at most "),
        "nothing.ppm": (b"P6 0 0 255\n", "ppm cannot be read as an image: "),
        "floats.tif": (encode(Image.fromarray(np.zeros((4, 4), np.float32)), "TIFF"), "Received: floats in"),
    }


def accepted():
    """Return `{name: (contents, (H, W), the first pixel or None)}` of odd files that are images all the same."""
    red = Image.new("RGB", (5, 3), (200, 10, 20))
    frames = {"save_all": True, "append_images": [Image.new("RGB", (5, 3), (0, 0, 255))], "duration": 40}
    palette = red.quantize(2)
    deep = Image.fromarray(np.full((3, 5), 0x12FF, np.uint16))
    looping = encode(red, "PNG", exif=b"Exif\0\0" + _exif_loop(6))
    return {
        "really-a-png.jpg": (encode(red, "PNG"), (3, 5), (200, 10, 20)),
        "really-a-jpeg.png": (encode(red, "JPEG", quality=100, subsampling=0), (3, 5), None),
        "deep.png": (encode(deep, "PNG"), (3, 5), (0x12, 0x12, 0x12)),
        "cmyk.jpg": (encode(red.convert("CMYK"), "JPEG"), (3, 5), None),
        "palette-alpha.png": (encode(palette, "PNG", transparency=bytes([0, 128])), (3, 5), (200, 10, 20)),
        "animated.gif": (encode(red, "GIF", **frames), (3, 5), (200, 10, 20)),
        "animated.webp": (encode(red, "WEBP", lossless=True, **frames), (3, 5), (200, 10, 20)),
        "animated.png": (encode(red, "PNG", **frames), (3, 5), (200, 10, 20)),
        "pages.tif": (encode(red, "TIFF", save_all=True, append_images=frames["append_images"]), (3, 5), (200, 10, 20)),
        "exif-loop.png": (looping, (5, 3), (200, 10, 20)),
        "exif-damaged.jpg": (encode(red, "JPEG", exif=b"Exif\0\0nonsense" * 9), (3, 5), None),
        "exif-text.png": (encode(red, "PNG", exif=_exif_text()), (3, 5), (200, 10, 20)),
        "text-bomb.png": (_with_texts(), (1, 1), None),
    }


def _bitmap(height, width):
    return b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)


def _gif(height, width):
    frame = b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x08\x01\0\0"
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6) + frame + b";"


def _tiff(height, width):
    entries = ((256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8), (279, 4, 1))
    body = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + body + bytes(4)


def _animation(height, width):
    """Return a WebP animation of 5x3 pixels whose canvas is said to be larger."""
    frames = {"save_all": True, "append_images": [Image.new("RGB", (5, 3), (0, 0, 255))], "duration": 40}
    contents = bytearray(encode(Image.new("RGB", (5, 3)), "WEBP", lossless=True, **frames))
    contents[24:30] = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return bytes(contents)


def _exif_loop(orientation):
    """Return TIFF bytes whose first directory is its own next one, its EXIF directory and its GPS directory."""
    entries = ((0x0112, 3, orientation), (0x8769, 4, 8), (0x8825, 4, 8))
    body = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + body + struct.pack("<I", 8)


def _exif_text():
    """Return EXIF whose orientation is a text of four thousand million characters."""
    return b"Exif\0\0II*\0" + struct.pack("<IHHHIII", 8, 1, 0x0112, 2, 2**32 - 1, 6, 0)


def _with_texts():
    texts = [(b"zTXt", b"k\0\0" + zlib.compress(bytes(900_000)))] * 20
    after = [(b"tEXt", b"k\0v"), (b"abCd", chunk(b"a", b""))]
    return png(1, 1, before=texts, data=zlib.compress(bytes(4)), after=after)


def write(folder, files):
    """Write `{name: (contents, ...)}`; return the paths by name."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    paths = {name: Path(folder) / name for name in files}
    for name, path in paths.items():
        path.write_bytes(files[name][0])
    return paths


def attempt(path):
    """Read a file as an image and as a mask; return the lines of what is wrong with that, none if all is well."""
    from fcn_keras.datasets.images import orientation, read_header, read_image, read_mask, read_size

    wrong = []
    for read in (read_size, orientation, read_header, read_image, read_mask):
        started = time.process_time()
        try:
            read(path)
        except ValueError as error:
            if Path(path).name not in str(error) or "\n" in str(error).strip():
                wrong.append(f"{read.__name__} of {path}: {error}")
        except Exception as error:
            wrong.append(f"{read.__name__} of {path}: {type(error).__name__}: {error}")
        if time.process_time() - started > SLOW:
            wrong.append(f"{read.__name__} of {path}: over {SLOW} s")
    return wrong


def hostile():
    """Return the contents of every file here, and of those that are made for the server."""
    ours = [contents for contents, *_ in {**refused(), **accepted()}.values()]
    return ours + [contents for contents, _ in hostile_files(250_000).values()]


def storm(seconds, folder, files, *, seed=0, tries=None):
    """Read files, then mutations of the smaller ones, for so long or so many tries; return tries and losses."""
    generator, path, lost, done = random.Random(seed), Path(folder) / "attacked.png", [], 0
    small = [contents for contents in files if len(contents) < 100_000]
    end, pending = time.monotonic() + seconds, list(files)
    while (time.monotonic() < end or pending) and (tries is None or done < tries):
        path.write_bytes(pending.pop() if pending else mutated(generator.choice(small), generator))
        lost += attempt(path)
        done += 1
    return done, lost


def soak(seconds, workdir):
    """Mutate images in a process of its own, which is not to grow."""
    done = subprocess.run(
        [sys.executable, __file__, str(seconds), str(workdir), str(time.time_ns())],
        env={**os.environ, "KERAS_BACKEND": "numpy"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        return [Outcome("mutated images", 1, (f"ended with {done.returncode}: {done.stderr.strip()[-200:]!r}",))]
    tries, *lost = done.stdout.splitlines()
    return [Outcome("mutated images", int(tries), tuple(lost))]


def _resident():
    """Return the most memory that this process had, in MiB."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(seconds, folder, seed):
    import warnings

    import fcn_keras.datasets.images  # noqa: F401

    warnings.simplefilter("ignore")  # Pillow's, of what it then raises
    Image.MAX_IMAGE_PIXELS = GUARD
    before = _resident()
    tries, lost = storm(float(seconds), folder, hostile(), seed=int(seed))
    if _resident() - before > MEMORY:
        lost.append(f"grew by {_resident() - before:.0f} MiB, over {MEMORY}")
    print(tries, *lost, sep="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
