"""Pages and pictures that the code writes, the site's list of pages, and every link within the documentation."""

import re
import runpy
from pathlib import Path

import pytest

import fcn_keras
from tests.docs.blocks import PAGES, ROOT
from tools import drawings, pages
from tools.pages import parsers
from training.recipes.catalogue import RECIPES

DOCS = ROOT / "docs"
LINK = re.compile(r"\]\((?!https?://|mailto:)([^)\s]*)\)")
INCLUDE = re.compile(r"^```\{include\} \.\./(\S+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
BLOCKS = re.compile(r"^```.*?^```$|^    .*?$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("name", "write"), [*pages.PAGES.items(), *drawings.PICTURES.items()])
def test_what_the_code_writes_is_current(name, write):
    assert (DOCS / name).read_text(encoding="utf-8") == write(), (
        f"docs/{name} is not what the code says: make docs-pages"
    )


def test_every_command_and_option_is_on_the_page():
    page = pages.commands_page()
    for name, parser in parsers().items():
        part = page.split(f"\n## {name}\n")[1].split("\n## ")[0]
        for action in parser._actions:
            assert action.help, (name, action.dest)
            for option in action.option_strings:
                shared = option in ("-h", "--help", "--version", "--print-completion")
                assert (f"`{option}" in part) != shared, (name, option)
        for code in parser.codes:
            assert f"\n| {code} | " in part


def test_every_recipe_is_on_the_page_once():
    rows = re.findall(r"^\| `(\w+)` \|", pages.recipes_page(), re.MULTILINE)
    assert sorted(rows) == sorted(RECIPES)


def test_a_recipe_s_row_tells_its_numbers():
    """The released FCN-16s: 100,000 steps of one image at 1e-12, momentum 0.99, summed; from FCN-32s."""
    part = pages.recipes_page().split("## PASCAL VOC, as released\n")[1].split("\n## ")[0]
    (row,) = (line for line in part.splitlines() if line.startswith("| `voc_fcn16s` |"))
    assert "| `voc_fcn32s` | 100,000 | `1e-12` |" in row
    assert "images 1; optimizer CaffeSGD (momentum 0.99, weight decay 0.0005); loss sum." in part


def test_a_recipe_without_a_section_is_refused(monkeypatch):
    from tools import recipe_tables

    monkeypatch.setitem(recipe_tables.RECIPES, "homeless_fcn8s", RECIPES["voc_fcn8s"])
    with pytest.raises(ValueError, match=r"homeless_fcn8s needs one section in tools/recipe_tables.py. Found: none"):
        recipe_tables.sort()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a | b", "a \\| b"),
        ("a_b and `c_d`", "a\\_b and `c_d`"),
        ("<id> [x] 2*3", "\\<id> \\[x\\] 2\\*3"),
        ("with --a_b=x, a--b `--c`", "with `--a_b=x`, a--b `--c`"),
    ],
)
def test_plain_text_stays_plain(text, expected):
    assert pages._cell(text) == expected


@pytest.mark.parametrize("page", PAGES)
def test_options_are_code(page):
    """The site makes one dash of the two of an option in running text."""
    text = BLOCKS.sub("", (ROOT / page).read_text(encoding="utf-8"))
    assert re.findall(r"(?<![\w-])--\w+", re.sub(r"`[^`]+`", "", text)) == []


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    text = CODE.sub("", (ROOT / page).read_text(encoding="utf-8"))
    for target in LINK.findall(text):
        file, _, anchor = target.partition("#")
        path = ((ROOT / page).parent / file).resolve() if file else ROOT / page
        assert path.is_file(), f"{page} leads to {target}, which is not there"
        if anchor:
            assert anchor in anchors(path), f"{page} leads to {target}: {path.name} has no such heading"


def anchors(path):
    """Name a page's headings as GitHub and the site do; the index shows README's."""
    text = path.read_text(encoding="utf-8")
    if path.name == "index.md":
        text += (ROOT / "README.md").read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_public_name_is_on_the_api_page():
    page = (DOCS / "api.md").read_text(encoding="utf-8")
    shown = re.findall(r"^\.\. (?:auto\w+|py:data):: (\w+)$", page, re.MULTILINE)
    assert set(fcn_keras.__all__) - set(shown) == set()


def test_what_the_site_includes_leads_to_its_pages_or_out():
    link_out = runpy.run_path(str(DOCS / "conf.py"))["_link_out"]
    included = [(path, *found) for path in DOCS.glob("*.md") for found in INCLUDE.findall(path.read_text("utf-8"))]
    assert {name for _, name, _ in included} >= {"README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"}
    for path, name, options in included:
        text = (ROOT / name).read_text(encoding="utf-8")
        end = re.search(r'^:end-before: "(.*)"$', options, re.MULTILINE)
        read = [text.partition(end[1])[0] if end else text]
        link_out(None, Path("..", name), path.stem, read)
        targets = LINK.findall(CODE.sub("", read[0]))
        assert [target for target in targets if not target.startswith(("docs/", "#"))] == [], name


def test_every_page_is_in_the_site_s_list():
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    lists = re.findall(r"^```\{toctree\}\n(.*?)^```", index, re.MULTILINE | re.DOTALL)
    listed = [line for text in lists for line in text.splitlines() if line and not line.startswith(":")]
    assert sorted(listed) == sorted({path.stem for path in DOCS.glob("*.md")} - {"index"})


@pytest.mark.parametrize("name", drawings.PICTURES)
def test_pictures_are_small_xml_that_asks_nobody(name):
    from xml.etree import ElementTree

    text = (DOCS / name).read_text(encoding="utf-8")
    root = ElementTree.fromstring(text)
    width, height = map(float, root.attrib["viewBox"].split()[2:])
    for box in root.iter("{http://www.w3.org/2000/svg}rect"):
        x, y = float(box.get("x", 0)), float(box.get("y", 0))
        assert 0 <= x <= x + float(box.get("width")) <= width
        assert 0 <= y <= y + float(box.get("height")) <= height
    assert re.findall(r"https?://[^\"]+", text) == ["http://www.w3.org/2000/svg"]


def test_the_site_is_built_with_warnings_as_errors():
    makefile = (ROOT / "Makefile").read_text()
    (line,) = re.findall(r"^\t.*-m sphinx.*$", makefile, re.MULTILINE)
    assert "--fail-on-warning" in line
    assert Path(line.split()[-1]).parts == ("build", "site")
