"""What strangers wrote is text, and no page holds what HTML may not."""

from html.parser import HTMLParser

from training.pages.html import document, element, sentence, table


def test_what_strangers_wrote_is_text():
    made = element("p", "<b>&", [1, None, element("i", "x")], "</p>", title='"><script>')
    page = document("</title><script>", made)
    found = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: found.append((tag, attributes))
    parser.feed(page)
    assert [tag for tag, _ in found] == ["html", "head", *["meta"] * 5, "title", "style", "body", "p", "i"]
    assert found[-2] == ("p", [("title", '"><script>')])
    assert "&lt;b&gt;&amp;1<i>x</i>&lt;/p&gt;</p>" in page
    assert "<title>&lt;/title&gt;&lt;script&gt;</title>" in page


def test_what_no_page_may_hold_is_escaped():
    made = element("p", "a\x00b\x1b\udcff\u202e\n", title="\x9b")
    assert (made.text, made.get("title")) == ("a\\x00b\\x1b\\udcff\\u202e\n", "\\u009b")
    document("\udcff", made).encode("utf-8")


def test_a_table_whose_first_column_names_its_rows():
    wide = table(("class", "IU"), [["sky", 1], [["a", "b"], None]], caption="Every class", class_="classes")
    assert (wide.get("role"), wide.get("aria-label")) == ("region", "Every class")
    (made,) = wide
    assert made.get("class") == "classes"
    assert made.find("caption/span").text == "Every class"
    assert [(cell.get("scope"), cell.text) for cell in made.iter("th") if cell.get("scope") == "col"] == [
        ("col", "class"),
        ("col", "IU"),
    ]
    rows = made.findall("tbody/tr")
    assert [row.find("th/div").text for row in rows] == ["sky", "ab"]
    assert [row.find("td").text for row in rows] == ["1", None]


def test_a_sentence_in_a_table_is_text():
    made = table(("stage", sentence("layers")), [["a", sentence("<b> learns")]])
    assert [span.text for span in made.iter("span")] == ["layers", "<b> learns"]
    assert {span.get("class") for span in made.iter("span")} == {"sentence"}
