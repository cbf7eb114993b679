"""HTML as a tree: text is escaped as the tree is written, so that nothing strangers wrote becomes markup."""

from pathlib import Path
from xml.etree import ElementTree

from fcn_keras_console.printing import visible

# Nothing is loaded from anywhere and nothing runs, whatever a name in the page says.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
STYLE = Path(__file__).with_name("page.css")


def element(tag, *children, **attributes):
    """Make an element of HTML or SVG.

    Args:
        children: elements, text and numbers, lists of such; None is left out.
        attributes: `class_` and the like lose the underscore at the end, others become hyphens; None is left out.
    """
    made = ElementTree.Element(tag)
    for name, value in attributes.items():
        if value is not None:
            made.set(name.rstrip("_").replace("_", "-"), _clean(value))
    for child in _flat(children):
        if isinstance(child, ElementTree.Element):
            made.append(child)
        elif len(made):
            made[-1].tail = (made[-1].tail or "") + _clean(child)
        else:
            made.text = (made.text or "") + _clean(child)
    return made


def table(heads, rows, *, caption=None, class_=None):
    """Make a table whose first column names the rows; a cell is what `element` takes.

    Columns but the first are numbers, set to the right; it scrolls by itself where it is wider than the page.
    """
    top = element("tr", [element("th", head, scope="col") for head in heads])
    body = [
        element("tr", element("th", element("div", first), scope="row"), [element("td", cell) for cell in others])
        for first, *others in rows
    ]
    title = None if caption is None else element("caption", element("span", caption))
    made = element("table", title, element("thead", top), element("tbody", body), class_=class_)
    return element("div", made, class_="wide", tabindex="0", role="region", aria_label=caption or str(heads[0]))


def sentence(text):
    """Make words of a table's cell or head that start at its left and break where the table is narrow."""
    return element("span", text, class_="sentence")


def document(title, *children):
    """Write a whole page that loads nothing.

    Args:
        title: of the window.
        children: of the body.
    """
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", title),
        element("style", STYLE.read_text(encoding="utf-8")),
    )
    root = element("html", head, element("body", *children), lang="en")
    return "<!doctype html>\n" + ElementTree.tostring(root, encoding="unicode", method="html") + "\n"


def links(sections):
    """Make a list of links to sections that have an id and a heading."""
    made = [element("a", section.find("h2").text, href=f"#{section.get('id')}") for section in sections]
    return element("nav", made, aria_label="sections")


def _flat(children):
    for child in children:
        if isinstance(child, list | tuple):
            yield from _flat(child)
        elif child is not None:
            yield child


def _clean(value):
    """Write what no HTML may hold, and what would hide or turn text, as on a terminal."""
    return visible(str(value))
