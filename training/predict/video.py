"""Read the frames of a video, and write painted ones as a video of the same size and timing."""

import contextlib
import math
import struct
from fractions import Fraction

from fcn_keras_console.files import written

from .sound import Sound

EXTENSIONS = frozenset({".avi", ".m4v", ".mkv", ".mov", ".mp4", ".webm"})
_CODEC, _QUALITY = "libx264", {"crf": "20"}  # plays in browsers and everywhere else
_WHOLE = 0.9  # a video that lasts for less of the time that it announces is cut off
_UNSAID = 2  # H.264's number of a matrix that a video does not tell
_BT601 = 5  # H.264's number for the matrix that PyAV turns RGB into YUV with


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
        with _naming(self.path, lambda: f" at frame {done + 1}"):
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
        if end - Fraction(self._container.start_time or 0, 1_000_000) < _WHOLE * length:
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
        with _naming(path):
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


def write_video(video, targets, paint, progress, *, comment):
    """Write a video for every head, frame by frame, with the sound of the one that is read.

    Args:
        video: a `Video`.
        targets: files to write, by head.
        paint: function from an image to painted ones, by head.
        progress: called as `progress(done, total)`.
        comment: for the metadata of the files.

    Returns:
        `(frames, (H, W))`.

    Raises:
        ValueError: as `Video.frames`; nothing is written then.
    """
    av, done, size = import_av(), 0, None
    with contextlib.ExitStack() as stack:
        files = {head: stack.enter_context(written(target, extension=".mp4")) for head, target in targets.items()}
        streams, tracks = {}, []
        for time, image in video.frames():
            size = image.shape[:2]
            for head, picture in paint(image).items():
                if head not in streams:
                    container = stack.enter_context(av.open(str(files[head]), "w", format="mp4"))
                    container.metadata["comment"] = comment
                    streams[head] = container, _stream(container, video, picture)
                    tracks += [video.sound.track(container)] if video.sound and video.sound.how != "left out" else []
                _add(av, *streams[head], picture, time, video.time_base)
            _carry(video, tracks)
            done += 1
            progress(done, video.count)
        for container, stream in streams.values():
            container.mux(stream.encode())
        _carry(video, tracks, ended=True)
    return done, size


def _carry(video, tracks, *, ended=False):
    """Write the sound that was read since the last time into every file."""
    with _naming(video.path, lambda: " in its sound"):
        for piece in video.sound.taken() if tracks else ():
            for track in tracks:
                track.write(piece)
        for track in tracks if ended else ():
            track.close()


def _stream(container, video, picture):
    stream = container.add_stream(_CODEC, rate=video.rate, options=_QUALITY)
    stream.height, stream.width = picture.shape[:2]
    stream.codec_context.time_base = video.time_base
    stream.codec_context.sample_aspect_ratio = video.pixel_aspect
    stream.codec_context.colorspace = _BT601  # unsaid, players take another one for larger pictures
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
def _naming(path, where=lambda: ""):
    """Turn what goes wrong with a video into a `ValueError` that names it."""
    try:
        yield
    except FileNotFoundError as error:
        raise ValueError(f"{path} is missing. Was it moved while it was in use?") from error
    except (ValueError, OSError, import_av().FFmpegError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ValueError(f"{path} cannot be read as a video{where()}: {reason}. Convert it to MP4.") from error
