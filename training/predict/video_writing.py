"""Paint frames and write them as a video of the size, timing and sound of the one that is read."""

import contextlib
from collections import deque
from concurrent.futures import ThreadPoolExecutor

from fcn_keras_console.files import written

from ..reading import taken_ahead
from .video import import_av, naming

AHEAD = 4  # frames that are decoded before they are needed, and that wait to be written
_CODEC, _QUALITY = "libx264", {"crf": "20"}  # plays in browsers and everywhere else
_BT601 = 5  # H.264's number for the matrix that PyAV turns RGB into YUV with


def write_video(video, targets, label, paint, progress, *, comment, ready=lambda: None):
    """Write a video for every head, frame by frame, with the sound of the one that is read.

    Frames are read, labelled, and painted and written side by side.

    Args:
        video: a `Video`.
        targets: files to write, by head.
        label: function from an image to the labels of every head.
        paint: function from an image and what `label` returned to painted images, by head; called in a thread.
        progress: called as `progress(done, total)`.
        comment: for the metadata of the files.
        ready: called when all is written, before the files appear.

    Returns:
        `(frames, (H, W))`.

    Raises:
        ValueError: as `Video.frames`; nothing is written then.
    """
    done, size = 0, None
    with contextlib.ExitStack() as stack:
        files = {head: stack.enter_context(written(target)) for head, target in targets.items()}
        writer = stack.enter_context(_Writer(video, files, paint, comment))
        for time, image in stack.enter_context(contextlib.closing(taken_ahead(video.frames(), ahead=AHEAD))):
            size = image.shape[:2]
            writer.add(time, image, label(image))
            done += 1
            progress(done, video.count)
        writer.finish()
        ready()
    return done, size


class _Writer:
    """Files that frames are painted for and written to in a thread, in order, while the next ones are labelled.

    Args:
        video: a `Video`, whose sound every file gets.
        files: to write, by head.
        paint: as for `write_video`.
        comment: for their metadata.
    """

    def __init__(self, video, files, paint, comment):
        self._video, self._files, self._paint, self._comment = video, files, paint, comment
        self._streams, self._tracks, self._pending = {}, [], deque()

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self._open = stack.enter_context(contextlib.ExitStack())
            self._pool = stack.enter_context(ThreadPoolExecutor(1))  # ends before the files are closed
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error):
        for future in self._pending:
            future.cancel()
        return self._stack.__exit__(*error)

    def add(self, time, image, labels):
        """Paint and write a frame soon; raise what went wrong with an earlier one."""
        self._pending.append(self._pool.submit(self._write, time, image, labels))
        if len(self._pending) > AHEAD:
            self._pending.popleft().result()

    def finish(self):
        """Wait until everything is written."""
        while self._pending:
            self._pending.popleft().result()
        for container, stream in self._streams.values():
            container.mux(stream.encode())
        self._carry(ended=True)

    def _write(self, time, image, labels):
        for head, picture in self._paint(image, labels).items():
            if head not in self._streams:
                self._begin(head, picture)
            _add(*self._streams[head], picture, time, self._video.time_base)
        self._carry()

    def _begin(self, head, picture):
        container = self._open.enter_context(import_av().open(str(self._files[head]), "w", format="mp4"))
        container.metadata["comment"] = self._comment
        self._streams[head] = container, _stream(container, self._video, picture)
        sound = self._video.sound
        self._tracks += [sound.track(container)] if sound and sound.how != "left out" else []

    def _carry(self, *, ended=False):
        """Write the sound that was read since the last time into every file."""
        with naming(self._video.path, lambda: " in its sound"):
            for piece in self._video.sound.taken() if self._tracks else ():
                for track in self._tracks:
                    track.write(piece)
            for track in self._tracks if ended else ():
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


def _add(container, stream, picture, time, time_base):
    frame = import_av().VideoFrame.from_ndarray(picture, format="rgb24")
    frame.pts, frame.time_base = time, time_base
    container.mux(stream.encode(frame))
