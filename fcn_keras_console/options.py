"""The options that every command has, and its `--help`: what it does, examples, exit codes."""

import argparse
import difflib
import importlib.metadata
import logging
import re
import shlex
import sys
import textwrap
from pathlib import Path

from .printing import StderrHandler, VisibleFormatter, in_one_line

CODES = {
    0: "done",
    2: "wrong arguments or files, something missing: one line on stderr says what, and what to do",
    130: "stopped by Ctrl-C; 143 by SIGTERM, 129 as its terminal went (SIGHUP)",
}
SHARED = "fcn_keras"  # the logger of what several commands use
SHELLS = ("bash", "zsh", "tcsh")
_WIDTH = 100  # of a line of help, where the terminal has more
_COMMAND = "  "  # what an example in the help begins with, and nothing else does


class Parser(argparse.ArgumentParser):
    """An `argparse.ArgumentParser` with a help like a manual page, `--version` and `--print-completion SHELL`.

    Args:
        prog: name of the command.
        description: paragraphs of running text, divided by empty lines.
        examples: command lines to show, or pairs of one and what it does.
        codes: exit codes and their meanings, beside those of `CODES`.
        **options: those of `argparse.ArgumentParser`.

    Attributes:
        examples: pairs of a command line and what it does, or None.
        codes: all exit codes and their meanings, in order.
    """

    def __init__(self, prog, description, *, examples=(), codes=None, **options):
        self.examples = [(given, None) if isinstance(given, str) else tuple(given) for given in examples]
        self.codes = dict(sorted({**CODES, **(codes or {})}.items()))
        self.bare = None  # option that a word without one is probably meant for
        self._words = []  # that were parsed last
        epilog = _epilog(self.examples, self.codes)
        options.setdefault("formatter_class", _Help)
        super().__init__(prog=prog, description=_unwrapped(description), epilog=epilog, **options)
        self.add_argument("--version", action=_Version, help="print the version and exit")
        self.add_argument(
            "--print-completion",
            action=_Completion,
            choices=SHELLS,
            metavar="SHELL",
            help=f"print what completes this command's options in a shell ({', '.join(SHELLS)}), and exit",
        )

    def parse_known_args(self, args=None, namespace=None):
        self._words = list(sys.argv[1:] if args is None else args)
        notices = StderrHandler()  # what is said unasked, such as of files that a killed process left
        notices.setFormatter(VisibleFormatter(f"{self.prog}: %(message)s"))
        _log(__package__, notices, logging.WARNING)
        for name in (SHARED, self.prog):  # a call before, in this process, may have been verbose
            _log(name, notices, logging.WARNING)
        return super().parse_known_args(args, namespace)

    def values_of(self, words):
        """Parse words within another command, which goes on to say things under its own name.

        Returns:
            namespace.
        """
        return super().parse_known_args(words)[0]

    def error(self, message):
        """End with one line and exit code 2: usage would be up to thirty, above what matters."""
        unknown = self.mistyped(self._words)
        if unknown and message.startswith(("unrecognized arguments:", "the following arguments are required:")):
            message = f"unrecognized arguments: {' '.join(unknown)}{self.near(unknown[0])}"
        elif self.bare and re.match("unrecognized arguments: [^-]", message):
            message += f" (did you mean {self.bare} {shlex.quote(message.partition(': ')[2])}?)"
        self.exit(2, f"{self.prog}: {in_one_line(message.rstrip('.'))}. See {self.prog} --help.\n")

    def mistyped(self, words):
        """List the words before `--` that look like options, and are none: what is required may be among them."""
        before = words[: words.index("--")] if "--" in words else words
        return [word for word in before if re.match(r"--?[a-zA-Z][\w-]", word) and not self._is_option(word)]

    def near(self, word):
        """Return ` (did you mean --output?)` for what is nearly an option, or an argument without one; or nothing."""
        name = word.partition("=")[0]
        hints = {each.lstrip("-"): f"did you mean {each}?" for each in self._option_string_actions if each[:2] == "--"}
        for action in self._get_positional_actions():
            called = action.metavar if isinstance(action.metavar, str) else action.dest
            names = (action.dest, "data") if called == "DIR" else (action.dest,)
            hints |= dict.fromkeys(names, f"give {called} by its place, without {name}")
        near = difflib.get_close_matches(name.strip("-").casefold(), hints, n=1)
        return f" ({hints[near[0]]})" if near else ""

    def _is_option(self, word):
        name = word.partition("=")[0]
        known = self._option_string_actions
        if name in known or (not name.startswith("--") and name[:2] in known):
            return True
        return self.allow_abbrev and sum(each.startswith(name) for each in known) == 1


def add_reporting(parser, *, json=None, progress=True, steps=True):
    """Add what a command has of `--json`, `--quiet` and `--verbose`.

    Args:
        json: what it prints as JSON, for the help.
        progress: whether it shows a bar.
        steps: whether it logs, by `logging.getLogger("fcn_keras")` or a logger of its own name.
    """
    if json is not None:
        parser.add_argument("--json", action="store_true", help=f"print JSON: {json}")
    if progress:
        parser.add_argument("-q", "--quiet", action="store_true", help="no progress bar")
    if steps:
        text = "say on stderr what is done with every file and in every step, without a bar"
        parser.add_argument("-v", "--verbose", action=_Verbose, help=text)


def classes_of(given):
    """Turn what `--classes` gives into what `Folder` takes: a number, or the absolute path of a class file."""
    return int(given) if given.isdigit() else str(Path(given).resolve())


class _Version(argparse.Action):
    def __init__(self, option_strings, dest, **options):
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, **options)

    def __call__(self, parser, *_):
        print(f"{parser.prog} (fcn_keras {importlib.metadata.version('fcn_keras')})")
        parser.exit(0)


class _Completion(argparse.Action):
    def __init__(self, option_strings, dest, **options):
        super().__init__(option_strings, argparse.SUPPRESS, **options)

    def __call__(self, parser, namespace, shell, option=None):
        try:
            import shtab
        except ImportError:
            print(f'{parser.prog}: {option} needs shtab: pip install "fcn_keras[completion]"', file=sys.stderr)
            parser.exit(2)
        for action in parser._actions:
            if action.nargs != 0 and action.choices is None and action.type not in (int, float):
                action.complete = shtab.FILE  # or a shell that knows our options would no longer complete files
            if action.metavar is not None:  # a colon divides the parts of what zsh reads
                action.metavar = "".join(action.metavar).replace(":", " ")
        script = shtab.complete(parser, shell=shell)
        print(script.replace("'p/*/()/'", "'p/*/f/'"))  # tcsh: the third of several images is a file as well
        parser.exit(0)


class _Verbose(argparse.Action):
    def __init__(self, option_strings, dest, **options):
        super().__init__(option_strings, dest, nargs=0, default=False, **options)

    def __call__(self, parser, namespace, *_):
        setattr(namespace, self.dest, True)
        handler = StderrHandler()
        handler.setFormatter(VisibleFormatter(f"%(asctime)s {parser.prog}: %(message)s", "%H:%M:%S"))
        for name in (SHARED, parser.prog):
            _log(name, handler, logging.DEBUG)


def _log(name, handler, level):
    logger = logging.getLogger(name)
    logger.handlers[:] = [handler]
    logger.setLevel(level)
    logger.propagate = False  # to the root logger, which gets a handler of its own from Apache Beam, among others


class _Help(argparse.HelpFormatter):
    """Fill paragraphs to the terminal's width; command lines stay whole, to be copied."""

    def _fill_text(self, text, width, indent):
        return "\n".join(self._line(line, min(width, _WIDTH)) for line in text.splitlines())

    def _line(self, line, width):
        if line.startswith(_COMMAND) and line[len(_COMMAND)] != " ":
            return line
        indent = re.match(r" *(\d+  )?", line)[0]
        return textwrap.fill(line, width, subsequent_indent=" " * len(indent))


def _unwrapped(text):
    return "\n\n".join(" ".join(part.split()) for part in text.strip().split("\n\n"))


def _epilog(examples, codes):
    lines = []
    if examples:
        lines.append("examples:")
        for line, meaning in examples:
            lines.append(f"{_COMMAND}{line}")
            lines += [] if meaning is None else [f"      {meaning}"]
        lines.append("")
    lines.append("exit codes:")
    lines += [f"{code:>4}  {meaning}" for code, meaning in codes.items()]
    return "\n".join(lines)
