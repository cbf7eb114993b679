"""As much of HTTP/2 as an attack on gRPC needs: frames as one likes, in which order one likes."""

import contextlib
import socket
import ssl
import struct
import time

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 2, 3, 4, 6, 7, 8, 9
END_STREAM, ACK, END_HEADERS = 1, 1, 4
INITIAL_WINDOW_SIZE = 4  # of SETTINGS
LARGEST = 16384  # bytes of a frame's payload, as long as nothing else is agreed


def frame(kind, flags, stream, payload=b""):
    """Write one frame."""
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def header_block(path, *more):
    """Write the headers of a gRPC call, and more `(name, value)`; each as it is, without compression."""
    known = [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "x"), ("te", "trailers")]
    pairs = [*known, ("content-type", "application/grpc"), *more]
    return b"".join(b"\0" + _text(name) + _text(value) for name, value in pairs)


def _text(text):
    return bytes([len(text)]) + text.encode()  # up to 126 characters


class Http2:
    """A connection that keeps whatever rules the attack likes.

    Args:
        address: `host:port`.
        window: bytes of an answer that the server may send before it is asked for more; default HTTP/2's.
        tls: whether to encrypt, without looking at the certificate.
    """

    def __init__(self, address, *, window=None, tls=False):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=20)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            context.set_alpn_protocols(["h2"])
            self.socket = context.wrap_socket(self.socket)
        settings = b"" if window is None else struct.pack(">HI", INITIAL_WINDOW_SIZE, window)
        self.streams, self.ended, self._received, self.is_closed = 0, set(), b"", False
        self.answered = set()
        self.send(PREFACE + frame(SETTINGS, 0, 0, settings))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        """Send bytes; a server that hung up is no error."""
        with contextlib.suppress(OSError):
            self.socket.sendall(data)

    def call(self, path, message=None, *more, end=True):
        """Begin a call, with all of a message or with none of it; returns its stream."""
        stream, self.streams = 2 * self.streams + 1, self.streams + 1
        data = frame(HEADERS, END_HEADERS, stream, header_block(path, *more))
        if message is not None:
            body = b"\0" + struct.pack(">I", len(message)) + message
            parts = [body[start : start + LARGEST] for start in range(0, len(body), LARGEST)]
            data += b"".join(frame(DATA, 0, stream, part) for part in parts[:-1])
            data += frame(DATA, END_STREAM if end else 0, stream, parts[-1])
        self.send(data)
        return stream

    def read(self, seconds, until=lambda: False):
        """Read frames for a time, and answer those that must be; `ended` and `answered` have streams."""
        deadline = time.monotonic() + seconds
        while not until() and not self.is_closed and time.monotonic() < deadline:
            self.socket.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                data = self.socket.recv(1 << 16)
            except TimeoutError:
                return
            except OSError:
                data = b""
            self.is_closed = not data
            self._received += data
            while len(self._received) >= 9 and len(self._received) >= (size := 9 + self._size()):
                part, self._received = self._received[:size], self._received[size:]
                self._take(part[3], part[4], int.from_bytes(part[5:9], "big") & 0x7FFFFFFF, part[9:])

    def _size(self):
        return int.from_bytes(self._received[:3], "big")

    def _take(self, kind, flags, stream, payload):
        if kind == DATA:
            self.answered.add(stream)
        if kind == RST_STREAM or (kind in (DATA, HEADERS) and flags & END_STREAM):
            self.ended.add(stream)
        elif kind in (SETTINGS, PING) and not flags & ACK:
            self.send(frame(kind, ACK, 0, payload if kind == PING else b""))
