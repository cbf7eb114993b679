"""The sound of a video, carried over to another file: as it is where MP4 takes it, else as AAC."""

from fractions import Fraction

COPIED = frozenset({"aac", "ac3", "alac", "opus"})  # what players of MP4 know, and goes over from every container
SILENCE = 0.1  # seconds without sound between two pieces that stay
AAC, RATES = "aac", (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)


class Sound:
    """The sound track of a video that is being read.

    Args:
        stream: PyAV's audio stream.

    Attributes:
        how: `"copied"`, or `"as AAC"` where it has to be written anew.
    """

    def __init__(self, stream):
        self._stream = stream
        self.how = "copied" if stream.codec_context.name in COPIED else "as AAC"
        self._packets = []

    def keep(self, packet):
        """Take a packet of the stream that was read, to be written later."""
        if packet.dts is not None:
            self._packets.append(packet)

    def taken(self):
        """Return the packets that came since the last call."""
        packets, self._packets = self._packets, []
        return packets

    def track(self, container):
        """Add a track for this sound to a file that is being written."""
        return (_Copy if self.how == "copied" else _Encoded)(container, self._stream)


class _Copy:
    def __init__(self, container, stream):
        self._container, self._last = container, None
        self._track = container.add_stream_from_template(stream)

    def write(self, packets):
        for packet in packets:
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
        self._error, self._rate, self._end = av.FFmpegError, rate, None

    def write(self, packets):
        for packet in packets:
            try:
                frames = packet.decode()
            except self._error:  # a damaged piece is left out
                continue
            for frame in frames:
                self._add(frame)

    def _add(self, frame):
        for piece in self._resampler.resample(frame):
            # AVI's times of pieces are rough. One follows the other, but for a silence.
            begin = 0 if piece.time is None else round(piece.time * self._rate)
            if self._end is None or begin > self._end + SILENCE * self._rate:
                self._end = begin
            piece.pts, piece.time_base = self._end, Fraction(1, self._rate)
            self._end += piece.samples
            self._container.mux(self._track.encode(piece))

    def close(self):
        self._add(None)
        self._container.mux(self._track.encode())
