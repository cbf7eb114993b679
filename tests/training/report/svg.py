"""Find elements in what was drawn."""


def drawn(svg, tag, class_):
    return [found for found in svg.iter(tag) if found.get("class") == class_]
