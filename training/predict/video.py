"""Read the frames of a video, upright and in their right colours."""

import contextlib
import math
import struct
from fractions import Fraction

from .sound import Sound

EXTENSIONS = frozenset({".avi", ".m4v", ".mkv", ".mov", ".mp4", ".webm"})
_WHOLE = 0.9  # a video that lasts for less of the time that it announces is cut off
_UNSAID = 2  # H.264's number of a matrix that a video does not tell


def import_av():
    """Import PyAV, or say how to install it."""
    try:
        import av
    except ImportError as error:
        raise ImportError('Videos need PyAV: pip install "fcn_keras[video]"') from error
    return av


class Video:
    """A video file that is open for reading.

    Attributes:
        count: how many frames it announces, or None; a guess, except in MP4.
        sound: `Sound` of its best sound track, or None. It is read with the frames.
        pixel_aspect: how much wider than high a pixel of a frame is shown; known from the first frame on.
        guessed_matrix: `"BT.709"` where the file does not tell how its colours are coded, and its size speaks for this
            as in every player; else empty. Known from the first frame on.
    """

    def __init__(self, path, container, stream):
        self.path, self._container, self._stream = path, container, stream
        self._stream.thread_type = "AUTO"
        self.rate = self._stream.average_rate or self._stream.guessed_rate or Fraction(25)
        self.time_base = self._stream.time_base or 1 / self.rate
        tracks = [container.streams.best("audio"), *container.streams.audio]
        track = next((x for x in tracks if x is not None and x.codec_context), tracks[0])  # one with a decoder, if any
        self.sound = Sound(track) if track else None
        self._track = track
        self.count = self._stream.frames or self._estimated()
        self.pixel_aspect, self.guessed_matrix = Fraction(1), ""

    def _estimated(self):
        if self._stream.duration:
            return math.floor(self._stream.duration * self._stream.time_base * self.rate)
        return math.floor(self._container.duration / 1_000_000 * self.rate) if self._container.duration else None

    def frames(self):
        """Yield `(time, image)`: when a frame is shown, in units of `time_base`, and `(H, W, 3)` uint8 RGB, upright.

        Raises:
            ValueError: at damage, and at the end if the video is cut off.
        """
        import numpy as np

        done, last, step, size = 0, None, max(1, round(1 / (self.rate * self.time_base))), None
        with naming(self.path, lambda: f" at frame {done + 1}"):
            for frame in self._decoded():
                time = frame.pts if frame.pts is not None else (0 if last is None else last + step)
                time = time if last is None else max(time, last + 1)  # damaged files go back in time
                image = self._shown(frame)
                if size not in (None, image.shape):
                    raise ValueError("its frames change their size")
                size, last = image.shape, time
                yield time, np.ascontiguousarray(image)
                done += 1
            if not done:
                raise ValueError("it holds no frame that can be decoded")

    def _shown(self, frame):
        """Return a frame's `(H, W, 3)` RGB as it is to be seen, and keep how its pixels and colours were taken."""
        is_large = frame.width >= 1280 or frame.height > 576  # where players take BT.709 for granted
        guesses = is_large and frame.colorspace == _UNSAID and not frame.format.is_rgb
        self.guessed_matrix = "BT.709" if guesses else ""
        pixels = frame.to_ndarray(format="rgb24", **({"src_colorspace": "ITU709"} if guesses else {}))
        matrix = frame.side_data.get("DISPLAYMATRIX")  # `frame.rotation` would tell a mirror as half a turn
        aspect = self._stream.sample_aspect_ratio or Fraction(1)
        image, is_sideways = _upright(pixels, bytes(matrix)) if matrix else (pixels, False)
        self.pixel_aspect = 1 / aspect if is_sideways else aspect
        return image

    def _decoded(self):
        """Yield the frames as they are stored, and raise a `ValueError` if the file ends before its time.

        Frames alone would not tell: Matroska and WebM announce none, and in a trimmed MP4 some are not shown. Sound
        counts, because it may go on when the pictures have ended.
        """
        end = 0
        for packet in self._container.demux():
            time = packet.dts if packet.pts is None else packet.pts
            if time is not None:
                end = max(end, (time + (packet.duration or 0)) * packet.time_base)
            if packet.stream is self._stream:
                yield from packet.decode()
            elif packet.stream is self._track:
                self.sound.keep(packet)
        length = Fraction(self._container.duration or 0, 1_000_000)
        if self._container.format.name == "avi":  # FFmpeg takes the time from what is there
            length = max(length, self._stream.frames / self.rate)
        # Matroska and WebM announce when they end, even where they begin late.
        ends = self._container.format.name.startswith("matroska")
        if end - (0 if ends else Fraction(self._container.start_time or 0, 1_000_000)) < _WHOLE * length:
            raise ValueError(f"it ends after {float(end):.1f} of {float(length):.1f} seconds")


def _upright(pixels, display_matrix):
    """Turn and mirror a frame by FFmpeg's display matrix; return it, and whether its height and width have changed.

    The matrix `a b u c d v x y w` shows the pixel at (p, q) at (a p + c q, b p + d q). Of other angles than quarters of
    a turn the nearest is taken.
    """
    right_by_column, down_by_column, _, right_by_row, down_by_row = struct.unpack_from("=5i", display_matrix)
    is_sideways = abs(right_by_row) + abs(down_by_column) > abs(right_by_column) + abs(down_by_row)
    image = pixels.swapaxes(0, 1) if is_sideways else pixels
    right, down = (right_by_row, down_by_column) if is_sideways else (right_by_column, down_by_row)
    return image[:: -1 if down < 0 else 1, :: -1 if right < 0 else 1], is_sideways


@contextlib.contextmanager
def opened(path):
    """Open a video as a `Video`.

    Raises:
        ValueError: if the file is missing, damaged or none, in one sentence that names it.
        ImportError: without PyAV.
    """
    av = import_av()
    with contextlib.ExitStack() as stack:
        with naming(path):
            # The reader is chosen here: FFmpeg itself would follow a playlist to other files and addresses.
            container = stack.enter_context(av.open(str(path), format=_reader_of(path), metadata_errors="ignore"))
            stream = container.streams.best("video")  # no cover of an album, if there is another
            if stream is None:
                raise ValueError("it holds no pictures")
            _require_modest(stream.codec_context.width, stream.codec_context.height)
            video = Video(path, container, stream)
        yield video


def comment_of(path):
    """Return the comment in a video's metadata, or None."""
    try:
        with opened(path) as video:
            return video._container.metadata.get("comment")
    except (ValueError, ImportError):  # no video, or one that nobody here reads or writes
        return None


def _reader_of(path):
    """Name FFmpeg's reader by the first bytes of a file."""
    with open(path, "rb") as file:
        head = file.read(12)
    if not head:
        raise ValueError("the file is empty")
    if head.startswith(b"\x1aE\xdf\xa3"):
        return "matroska"
    if head[:4] == b"RIFF" and head[8:] == b"AVI ":
        return "avi"
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide"):
        return "mov"
    raise ValueError(f"it begins with {head!r}. Expected MP4, MOV, AVI, WebM or MKV, whatever it is called")


def _require_modest(width, height):
    from PIL import Image

    if Image.MAX_IMAGE_PIXELS and width * height > Image.MAX_IMAGE_PIXELS:
        raise ValueError(f"its frames of {width}x{height} exceed Pillow's limit of {Image.MAX_IMAGE_PIXELS} pixels")


@contextlib.contextmanager
def naming(path, where=lambda: ""):
    """Turn what goes wrong with a video into a `ValueError` that names it."""
    try:
        yield
    except FileNotFoundError as error:
        raise ValueError(f"{path} is missing. Was it moved while it was in use?") from error
    except (ValueError, OSError, import_av().FFmpegError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ValueError(f"{path} cannot be read as a video{where()}: {reason}. Convert it to MP4.") from error
