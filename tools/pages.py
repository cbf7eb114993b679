"""Write the pages of the documentation that repeat what the code says: commands and recipes.

    python -m tools.pages      rewrites docs/commands.md and docs/recipes.md; a part of `make docs-pages`

`tests/docs/test_generated.py` compares both with what this module would write.
"""

import importlib
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
MARK = "<!-- Written by `make docs-pages` from the code: change that, not this page. -->\n"


def commands():
    """Find every command in setup.py.

    Returns:
        dict of the command's name -> the module of its `main` in this checkout, in setup.py's order.
    """
    setup = (ROOT / "setup.py").read_text(encoding="utf-8")
    found = re.findall(r'"(fcn-[\w-]+)=fcn_keras_(\w+(?:\.\w+)+):main"', setup)
    return {name: importlib.import_module(f"{module}.command") for name, module in found}


def parsers():
    """Build every command's parser, by its name."""
    return {name: module.build_parser() for name, module in commands().items()}


def commands_page():
    """Write docs/commands.md: what `--help` says, and the exit codes."""
    from fcn_keras_console.options import CODES

    found = parsers()
    lines = [MARK, "# Commands\n"]
    lines += ["What each command's `--help` says. Every one also has `--version` and `--print-completion SHELL`.\n"]
    lines += ["| command | |", "|---|---|"]
    lines += [f"| [{name}](#{name}) | {_cell(_first_sentence(p.description))} |" for name, p in found.items()]
    lines += [
        COMPLETION,
        "## Exit codes\n",
        "The same everywhere; what a command adds or means by one stands with it below.\n",
    ]
    lines += [*_codes(CODES), ""]
    for name, parser in found.items():
        lines += _command(name, parser)
    return "\n".join(lines).rstrip() + "\n"


def recipes_page():
    """Write docs/recipes.md: every recipe with its numbers."""
    from .recipe_tables import SECTIONS, section, sort

    lines = [MARK, "# Recipes\n", *INTRODUCTION.strip().splitlines(), ""]
    for title, recipes in sort().items():
        lines += [f"## {title}\n", *SECTIONS[title].text.strip().splitlines(), "", *section(recipes), ""]
    return "\n".join(lines).rstrip() + "\n"


INTRODUCTION = """
A recipe is a value in `training/recipes/`; `fcn-train NAME` trains it, and first those that it
starts from. Options change a run: `--steps`, `--batch-size`, `--learning-rate` and what else
[fcn-train](commands.md#fcn-train) takes. `--stand-in` puts drawn scenes in the place of the data, `--width` narrows the
net:

```sh
fcn-train sift_flow_fcn8s --stand-in --width 0.125 --steps 20 --workdir try
```

How to read the tables: a *step* is one batch, and *images* are those that one update of the weights sees: the batch's,
times the batches whose gradients are averaged. *Data* is the reader, and the splits to train and to validate on. *Rate*
is the learning rate at the start; where it falls, by half a cosine, the end stands behind it. *sum* and *mean* say how
the loss of the pixels is reduced; a rate means something else under each
([why](training.md#the-learning-rate-does-not-fit)).
"""


COMPLETION = """
## Completion

With `pip install "fcn_keras[completion]"` a shell completes options, their values and files. Once for each command:

| shell | | read by |
|---|---|---|
| bash | `fcn-train --print-completion bash >> ~/.bash_completion` | bash-completion; else source it in `~/.bashrc` |
| zsh | `fcn-train --print-completion zsh > ~/.zfunc/_fcn-train` | `compinit`, after `fpath=(~/.zfunc $fpath)` |
| tcsh | `fcn-train --print-completion tcsh >> ~/.tcshrc` | tcsh |
"""


def _command(name, parser):
    lines = [f"## {name}\n", _prose(parser.description), ""]
    lines += ["```sh", *(f"{line}{f'   # {meaning}' if meaning else ''}" for line, meaning in parser.examples), "```\n"]
    lines += ["| argument | |", "|---|---|"]
    lines += [_row(parser, action) for action in _sorted(parser)]
    lines += ["", *_codes(parser.codes), ""]
    return lines


def _sorted(parser):
    """List what a command takes, positional arguments first, without what all have."""
    shared = {"--help", "--version", "--print-completion"}
    actions = [action for action in parser._actions if not shared & set(action.option_strings)]
    return sorted(actions, key=lambda action: bool(action.option_strings))


def _row(parser, action):
    value = _value(action)
    if action.option_strings:
        shown = ", ".join(f"`{option}{' ' if value else ''}{value}`" for option in action.option_strings)
    else:
        shown = f"`{value}`"
    text = (action.help or "") % {**vars(action), "prog": parser.prog}
    if action.option_strings and action.required:
        text = f"{text} (required)".strip()
    return f"| {shown.replace('|', chr(92) + '|')} | {_cell(text)} |"


def _value(action):
    """Say what follows an option, as a usage line does: `DIR`, `[BOOL]`, `A [A ...]`."""
    if action.nargs == 0:
        return ""
    name = action.metavar or (action.dest.upper() if action.option_strings else action.dest)
    if action.choices is not None and action.metavar is None:
        name = "{" + ",".join(map(str, action.choices)) + "}"
    if isinstance(name, tuple):
        return " ".join(name)
    many = {"?": f"[{name}]", "*": f"[{name} ...]", "+": f"{name} [{name} ...]"}
    return " ".join([name] * action.nargs) if isinstance(action.nargs, int) else many.get(action.nargs, name)


def _codes(codes):
    return ["| exit code | |", "|---|---|", *(f"| {code} | {_cell(meaning)} |" for code, meaning in codes.items())]


def _first_sentence(text):
    return re.match(r".*?[.:](?=\s|$)", " ".join(text.split()))[0].rstrip(".:")


def _prose(text):
    return "\n\n".join(_escaped(" ".join(part.split())) for part in text.split("\n\n"))


def _cell(text):
    return _escaped(" ".join(text.split())).replace("|", "\\|")


def _escaped(text):
    """Keep Markdown from reading plain text: options become code; what stands between backquotes is left alone."""
    parts = re.split(r"(`[^`]*`|(?<![\w-])--[a-z][\w-]*(?:=\w+)?)", text)
    parts = [f"`{part}`" if part.startswith("--") else part for part in parts]
    return "".join(part if part.startswith("`") else re.sub(r"([*<_\[\]])", r"\\\1", part) for part in parts)


PAGES = {"commands.md": commands_page, "recipes.md": recipes_page}


def main():
    for name, write in PAGES.items():
        (DOCS / name).write_text(write(), encoding="utf-8")
        print(f"docs/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
