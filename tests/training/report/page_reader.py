"""Read a report."""

from html.parser import HTMLParser


class Page(HTMLParser):
    """Read a page: its text, the tables' rows by caption, and every tag with its attributes."""

    def __init__(self, path):
        super().__init__()
        self.source = path.read_text(encoding="utf-8")
        self.tags, self.tables, self.words, self.metrics = [], {}, [], {}
        self.within = []
        self.feed(self.source)
        self.text = " ".join(self.words)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.within.append((tag, dict(attributes)))
        if tag == "table":
            self.rows, self.caption = [], ""
        elif tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        while self.within and self.within.pop()[0] != tag:
            pass  # a tag that has no end, such as <meta>
        if tag == "table":
            self.tables[self.caption] = self.rows

    def handle_data(self, text):
        names = [name for name, _ in self.within]
        self.words.append(text)
        if "caption" in names:
            self.caption += text
        elif "td" in names or "th" in names:
            self.rows[-1][-1] += text
        elif names[-1:] == ["dd"] and "data-metric" in self.within[-1][1]:
            head = next(found["data-head"] for name, found in self.within if name == "dl")
            self.metrics[head, self.within[-1][1]["data-metric"]] = text

    def table(self, start):
        (rows,) = [rows for caption, rows in self.tables.items() if caption.startswith(start)]
        return rows
