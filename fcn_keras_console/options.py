"""The options that every command has, and its `--help`: what it does, examples, exit codes."""

import argparse
import importlib.metadata
import logging
import sys
import textwrap

CODES = {
    0: "done",
    2: "wrong arguments or files, something missing: one line on stderr says what, and what to do",
    130: "stopped by Ctrl-C",
}
SHARED = "fcn_keras"  # the logger of what several commands use
SHELLS = ("bash", "zsh", "tcsh")
_WIDTH = 100


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
        options.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        epilog = _epilog(self.examples, self.codes)
        super().__init__(prog=prog, description=_filled(description), epilog=epilog, **options)
        self.add_argument("--version", action=_Version, help="print the version and exit")
        self.add_argument(
            "--print-completion",
            action=_Completion,
            choices=SHELLS,
            metavar="SHELL",
            help=f"print what completes this command's options in a shell ({', '.join(SHELLS)}), and exit",
        )

    def parse_known_args(self, args=None, namespace=None):
        _log(self.prog, logging.NullHandler(), logging.NOTSET)  # a call before, in this process, may have been verbose
        return super().parse_known_args(args, namespace)


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
        text = "say on stderr what is done with every file and in every step"
        parser.add_argument("-v", "--verbose", action=_Verbose, help=text)


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
        print(shtab.complete(parser, shell=shell))
        parser.exit(0)


class _Verbose(argparse.Action):
    def __init__(self, option_strings, dest, **options):
        super().__init__(option_strings, dest, nargs=0, default=False, **options)

    def __call__(self, parser, namespace, *_):
        setattr(namespace, self.dest, True)
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter(f"%(asctime)s {parser.prog}: %(message)s", "%H:%M:%S"))
        _log(parser.prog, handler, logging.DEBUG)


def _log(command, handler, level):
    for name in (SHARED, command):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.setLevel(level)
        logger.propagate = level == logging.NOTSET


def _filled(text):
    paragraphs = [" ".join(part.split()) for part in text.strip().split("\n\n")]
    return "\n\n".join(textwrap.fill(part, _WIDTH) for part in paragraphs)


def _epilog(examples, codes):
    lines = []
    if examples:
        lines.append("examples:")
        for line, meaning in examples:
            lines.append(f"  {line}")
            lines += [] if meaning is None else [textwrap.fill(meaning, _WIDTH, initial_indent=" " * 6)]
        lines.append("")
    lines.append("exit codes:")
    for code, meaning in codes.items():
        lines += textwrap.wrap(f"{code:>4}  {meaning}", _WIDTH, subsequent_indent=" " * 6)
    return "\n".join(lines)
