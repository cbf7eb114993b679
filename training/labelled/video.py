"""Read the frames of a video, and write painted ones as a video of the same size and timing."""

import contextlib
import math
from fractions import Fraction

from ..outputs import written
from .mark import MARK

EXTENSIONS = frozenset({".avi", ".m4v", ".mkv", ".mov", ".mp4", ".webm"})
_CODEC, _QUALITY = "libx264", {"crf": "20"}  # plays in browsers and everywhere else
_WHOLE = 0.9  # a video that has fewer of the frames that it announces is cut off


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
        size: `(H, W)` of its frames, upright.
        count: how many frames it announces, or None.
        sound: whether it has a sound track, which nothing here reads.
    """

    def __init__(self, path, container):
        self.path, self._container = path, container
        self._stream = container.streams.video[0]
        self._stream.thread_type = "AUTO"
        self.rate = self._stream.average_rate or self._stream.guessed_rate or Fraction(25)
        self.time_base = self._stream.time_base or 1 / self.rate
        self.sound = bool(container.streams.audio)
        self.count = self._stream.frames or self._estimated()

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
        with _told(self.path, lambda: f" at frame {done + 1}"):
            for frame in self._container.decode(self._stream):
                time = frame.pts if frame.pts is not None else (0 if last is None else last + step)
                time = time if last is None else max(time, last + 1)  # damaged files go back in time
                image = np.rot90(frame.to_ndarray(format="rgb24"), round((frame.rotation or 0) / 90))
                if size not in (None, image.shape):
                    raise ValueError("its frames change their size")
                size, last = image.shape, time
                yield time, np.ascontiguousarray(image)
                done += 1
            if done < _WHOLE * (self.count or 1):
                raise ValueError(f"it ends after {done} of {self.count or 'some'} frames")


@contextlib.contextmanager
def opened(path):
    """Open a video as a `Video`.

    Raises:
        ValueError: if the file is missing, damaged or none, in one sentence that names it.
        ImportError: without PyAV.
    """
    av = import_av()
    with contextlib.ExitStack() as stack:
        with _told(path):
            # The reader is chosen here: FFmpeg itself would follow a playlist to other files and addresses.
            container = stack.enter_context(av.open(str(path), format=_reader_of(path), metadata_errors="ignore"))
            if not container.streams.video:
                raise ValueError("it holds no pictures")
            context = container.streams.video[0].codec_context
            _require_modest(context.width, context.height)
            video = Video(path, container)
        yield video


def comment_of(path):
    """Return the comment in a video's metadata, or None."""
    try:
        with opened(path) as video:
            return video._container.metadata.get("comment")
    except ValueError:
        return None


def write_video(video, targets, paint, progress):
    """Write a video for every head, frame by frame.

    Args:
        video: a `Video`.
        targets: files to write, by head.
        paint: function from an image to painted ones, by head.
        progress: called as `progress(done, total)`.

    Returns:
        `(frames, (H, W))`.

    Raises:
        ValueError: as `Video.frames`; nothing is written then.
    """
    av, done, size = import_av(), 0, None
    with contextlib.ExitStack() as stack:
        files = {head: stack.enter_context(written(target, extension=".mp4")) for head, target in targets.items()}
        streams = {}
        for time, image in video.frames():
            size = image.shape[:2]
            for head, picture in paint(image).items():
                if head not in streams:
                    container = stack.enter_context(av.open(str(files[head]), "w", format="mp4"))
                    streams[head] = container, _stream(container, video, picture)
                _add(av, *streams[head], picture, time, video.time_base)
            done += 1
            progress(done, video.count)
        for container, stream in streams.values():
            container.mux(stream.encode())
    return done, size


def _stream(container, video, picture):
    container.metadata["comment"] = MARK
    stream = container.add_stream(_CODEC, rate=video.rate, options=_QUALITY)
    stream.height, stream.width = picture.shape[:2]
    stream.codec_context.time_base = video.time_base
    # Half the colours are left out, as players expect, where both sides can be halved.
    stream.pix_fmt = "yuv444p" if stream.height % 2 or stream.width % 2 else "yuv420p"
    return stream


def _add(av, container, stream, picture, time, time_base):
    frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
    frame.pts, frame.time_base = time, time_base
    container.mux(stream.encode(frame))


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
def _told(path, where=lambda: ""):
    """Turn what goes wrong with a video into a `ValueError` that names it."""
    try:
        yield
    except FileNotFoundError as error:
        raise ValueError(f"{path} is missing. Was it moved while it was in use?") from error
    except (ValueError, OSError, import_av().FFmpegError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ValueError(f"{path} cannot be read as a video{where()}: {reason}. Convert it to MP4.") from error
