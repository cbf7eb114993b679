"""The sound of a video, carried over to another file: as it is where MP4 takes it, else as AAC."""

from collections import deque
from fractions import Fraction

COPIED = frozenset({"aac", "ac3", "alac", "opus"})  # what players of MP4 know, and goes over from every container
SILENCE = 0.1  # seconds without sound between two pieces that stay
AAC, RATES = "aac", (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)


class Sound:
    """The sound track of a video that is being read.

    Args:
        stream: PyAV's audio stream.

    Attributes:
        how: `"copied"`; `"as AAC"` where it has to be written anew; `"left out"` where FFmpeg does not know its kind.
    """

    def __init__(self, stream):
        self._stream = stream
        codec = stream.codec_context  # None where there is no decoder
        self.how = "left out" if codec is None else "copied" if codec.name in COPIED else "as AAC"
        self._packets = deque()  # of another thread

    def keep(self, packet):
        """Take a packet of the stream that was read, to be written later."""
        if packet.dts is not None and self.how != "left out":
            self._packets.append(packet)

    def taken(self):
        """Yield what came since the last call, for the tracks of all files: packets to copy, or frames to encode.

        A packet is decoded once: decoders remember the one before.
        """
        while self._packets:
            packet = self._packets.popleft()
            yield from [packet] if self.how == "copied" else _decoded(packet)

    def track(self, container):
        """Add a track for this sound to a file that is being written."""
        return (_Copy if self.how == "copied" else _Encoded)(container, self._stream)


def _decoded(packet):
    from .video import import_av

    try:
        return packet.decode()
    except import_av().FFmpegError:  # a damaged piece is left out
        return []


class _Copy:
    def __init__(self, container, stream):
        self._container, self._last = container, None
        self._track = container.add_stream_from_template(stream)

    def write(self, packet):
        if self._last is None or packet.dts > self._last:  # damaged files go back in time
            self._last = packet.dts
            packet.stream = self._track
            self._container.mux(packet)

    def close(self):
        pass


class _Encoded:
    def __init__(self, container, stream):
        from .video import import_av

        av = import_av()
        rate = stream.codec_context.sample_rate if stream.codec_context.sample_rate in RATES else RATES[-1]
        layout = "mono" if stream.codec_context.channels == 1 else "stereo"
        self._container = container
        self._track = container.add_stream(AAC, rate=rate, layout=layout)
        self._resampler = av.AudioResampler("fltp", layout, rate)
        self._rate, self._end = rate, None

    def write(self, frame):
        for piece in self._resampler.resample(frame):
            # AVI's times of pieces are rough. One follows the other, but for a silence.
            begin = 0 if piece.time is None else round(piece.time * self._rate)
            if self._end is None or begin > self._end + SILENCE * self._rate:
                self._end = begin
            piece.pts, piece.time_base = self._end, Fraction(1, self._rate)
            self._end += piece.samples
            self._container.mux(self._track.encode(piece))

    def close(self):
        self.write(None)
        self._container.mux(self._track.encode())
