"""What may be printed: text of strangers, such as files' names, neither steers a terminal nor hides what it says."""

import contextlib
import io
import json
import logging
import os
import re
import sys

# Control characters, and what is not seen or turns the order of what is: Unicode's category Cf, its separators of lines
# and paragraphs, fillers, halves of characters. Newlines and tabs are for who prints lines; see `in_one_line`.
_HIDDEN = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufeff"
    "\uffa0\ufff0-\ufffb\ufffe\uffff\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"
)
# A flag of a part of a country is spelt in tags. The joiners belong to emoji and to scripts beyond Latin's, the last
# selectors of variants to Chinese characters.
_FLAG = "\U0001f3f4[\U000e0030-\U000e007a]+\U000e007f"
_JOINED = "\u0300-\u200a\u2010-\u2027\u2070-\ud7ff\ue000-\U000dffff"
_ALONE = (
    f"(?<![{_JOINED}])[\u200c\u200d]|[\u200c\u200d](?![{_JOINED}])"
    "|(?<![\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])[\U000e0100-\U000e01ef]"
)
_UNSEEN = re.compile(f"{_FLAG}|[{_HIDDEN}]|{_ALONE}")


def visible(text):
    r"""Write characters that steer a terminal, or are not seen, as `\x1b` and `\u202e`; newlines and tabs stay.

    From U+007F on, the form is one that JSON has as well.
    """
    return text if text.isascii() and text.isprintable() else _UNSEEN.sub(_escaped, text)


def in_one_line(text):
    r"""Do the same with newlines and tabs: for a name amid a line."""
    return visible(text).replace("\n", r"\n").replace("\t", r"\t")


def say(sentence):
    """Print a sentence, which may name files, as one line."""
    print(in_one_line(sentence), flush=True)


def visible_json(text):
    """Do the same with JSON, which stays what it says."""
    return _UNSEEN.sub(lambda found: found[0] if found[0][1:] else json.dumps(found[0])[1:-1], text)


def _escaped(found):
    character, *more = found[0]
    if more:  # a flag
        return found[0]
    code = ord(character)
    return f"\\x{code:02x}" if code < 32 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"


class VisibleFormatter(logging.Formatter):
    """Format a record as a line, visibly."""

    def formatMessage(self, record):
        return in_one_line(super().formatMessage(record))


class StderrHandler(logging.StreamHandler):
    """Write records to what stderr is when they come: where a bar is drawn there, above it and not into its line.

    Where a library's words are caught by an `io.StringIO`, records go to what stderr was before.
    """

    def __init__(self):
        logging.Handler.__init__(self)
        self._before = sys.stderr

    @property
    def stream(self):
        return self._before if isinstance(sys.stderr, io.StringIO) else sys.stderr


class Printed(io.TextIOBase):
    """Print visibly what is printed on a stream. Its errors are the stream's, by name.

    Args:
        stream: of text.
        name: what errors call it.

    Attributes:
        stream: the stream itself, for who draws on a terminal.
    """

    def __init__(self, stream, name):
        super().__init__()
        self.stream, self.name = stream, name

    encoding = property(lambda self: self.stream.encoding)
    errors = property(lambda self: self.stream.errors)
    buffer = property(lambda self: self.stream.buffer)

    def write(self, text):
        with self._named():
            self.stream.write(visible(text))
        return len(text)

    def flush(self):
        with self._named():
            self.stream.flush()

    def writable(self):
        return True

    def isatty(self):
        return self.stream.isatty()

    def fileno(self):
        return self.stream.fileno()

    @contextlib.contextmanager
    def _named(self):
        try:
            yield
        except OSError as error:
            if error.errno is None:  # no file that could be written
                raise
            raise type(error)(error.errno, error.strerror, self.name) from error


def drawn_on(stream):
    """Return the stream that takes what draws on a terminal, where `stream` is one that prints visibly."""
    return stream.stream if isinstance(stream, Printed) else stream


@contextlib.contextmanager
def printed_visibly():
    """Print visibly what the body prints, and what the terminal's encoding lacks as escapes.

    A stream that was closed before the process began takes nothing: stdout says so when it is flushed.
    """
    with contextlib.ExitStack() as stack:
        out = sys.stdout or stack.enter_context(_closed(os.O_RDONLY))
        err = sys.stderr or stack.enter_context(_closed(os.O_WRONLY))
        for stream in (out, err):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        stack.enter_context(contextlib.redirect_stdout(Printed(out, "stdout")))
        stack.enter_context(contextlib.redirect_stderr(Printed(err, "stderr")))
        yield


@contextlib.contextmanager
def _closed(mode):
    stream = io.TextIOWrapper(io.FileIO(os.open(os.devnull, mode), "w"), encoding="utf-8")
    try:
        yield stream
    finally:
        with contextlib.suppress(OSError):  # it took nothing, which was said
            stream.close()


def let_go(stream):
    """Let a stream that takes nothing more lead nowhere, so that Python does not complain about it at its end."""
    with contextlib.suppress(OSError, ValueError, AttributeError):  # no file
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        stream.flush()
