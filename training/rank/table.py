"""The order of photographs with its reasons, as text, rows of CSV, and JSON."""

import csv

COLUMNS = ("place", "file", "entropy", "margin", "agreement", "place_by_uncertainty", "between", "nearest", "distance")


def rows(names, looks, order):
    """Put everything that is known of every photograph in a row.

    Args:
        names: of the files.
        looks: `looking.Look` of each.
        order: list of `choosing.Choice`.

    Returns:
        list of dicts of `COLUMNS`, in the order.
    """
    return [
        {
            "place": number,
            "file": names[each.index],
            "entropy": round(looks[each.index].entropy, 4),
            "margin": round(looks[each.index].margin, 4),
            "agreement": None if looks[each.index].agreement is None else round(looks[each.index].agreement, 4),
            "place_by_uncertainty": each.place,
            "between": list(looks[each.index].between or ()),
            "nearest": None if each.nearest is None else names[each.nearest],
            "distance": None if each.distance is None else round(each.distance, 4),
        }
        for number, each in enumerate(order, 1)
    ]


def lines_of(found):
    """Lay rows out, with the reasons in words: a heading, and a line a row."""
    copies = any(row["agreement"] is not None for row in found)
    heads = ["", "photograph", "entropy", "margin", *(["agreement"] if copies else []), "why"]
    lines = [heads]
    for row in found:
        numbers = [f"{row[name]:.3f}" for name in ("entropy", "margin", *(["agreement"] if copies else []))]
        lines.append([str(row["place"]), row["file"], *numbers, reason(row)])
    widths = [max(len(line[i]) for line in lines) for i in range(len(heads) - 1)]
    return [
        "  ".join(
            [
                line[0].rjust(widths[0]),
                line[1].ljust(widths[1]),
                *(cell.rjust(width) for cell, width in zip(line[2:-1], widths[2:], strict=True)),
                line[-1],
            ]
        ).rstrip()
        for line in lines
    ]


def reason(row):
    """Say why a photograph stands where it does."""
    place = row["place_by_uncertainty"]
    said = ["the least sure" if place == 1 else f"number {place} in uncertainty"]
    if row["between"]:
        said.append("mostly between classes {} and {}".format(*row["between"]))
    if row["nearest"] is not None:
        said.append(f"at distance {row['distance']:.3f} from {row['nearest']}, the nearest before it")
    return "; ".join(said)


def write_csv(path, found):
    with path.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for row in found:
            writer.writerow({**row, "between": "/".join(row["between"])})
