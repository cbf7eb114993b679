"""How Sphinx makes a site of these pages and of the library's docstrings: `make docs`."""

import re
import sys
from pathlib import Path

from pygments.lexers.special import TextLexer

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

project = "fcn_keras"
release = version = re.search(r'__version__ = "(.+)"', (ROOT / "fcn_keras/__init__.py").read_text())[1]
copyright = "the authors of fcn_keras, MIT licence"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["requirements.txt"]
highlight_language = "text"
smartquotes_action = "D"  # dashes behind the names of arguments; quotes stay as they are typed
html_theme = "furo"  # fonts and scripts of its own: a page asks nobody but its own server
html_title = f"fcn_keras {release}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False

myst_heading_anchors = 4
suppress_warnings = ["myst.header"]  # what README includes begins at another level

autodoc_typehints = "none"  # the docstrings say shapes and dtypes, which types do not
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_custom_sections = [("Reference", "notes_style")]

_HOME = re.search(r'^HOME = "(.+)"', (ROOT / "setup.py").read_text(), re.MULTILINE)[1]
# The root's own pages, as they are called here.
_PAGES = {"README.md": "index.md", "SECURITY.md": "security.md", "CONTRIBUTING.md": "contributing.md"}


def setup(app):
    app.add_lexer("textproto", TextLexer)
    app.connect("source-read", _link_within)
    app.connect("include-read", _link_out)
    app.connect("autodoc-process-docstring", _as_markdown, priority=400)  # before napoleon, which looks for code
    return {"parallel_read_safe": True}


def _link_within(app, name, source):
    """Lead `../SECURITY.md`, which is right in the repository, to the site's own page."""
    for file, page in _PAGES.items():
        source[0] = source[0].replace(f"](../{file}", f"]({page}")


def _link_out(app, path, page, text):
    """Lead from what is included, such as README, to files of the repository that are no pages."""
    text[0] = text[0].replace("](notebooks/", f"]({_HOME}/blob/main/notebooks/")


def _as_markdown(app, what, name, obj, options, lines):
    """Docstrings write code between single backquotes, as Markdown does; reStructuredText wants two."""
    prompts = (">>>", "...")  # an example is code as it is
    for number, line in enumerate(lines):
        if not line.lstrip().startswith(prompts):
            lines[number] = re.sub(r"(?<![`:])`([^`]+)`(?!`)", r"``\1``", line)
