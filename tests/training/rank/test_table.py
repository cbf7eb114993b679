"""The order as text and CSV, with its reasons."""

import csv

from training.rank.choosing import Choice
from training.rank.looking import Look
from training.rank.table import COLUMNS, lines_of, rows, write_csv

LOOKS = [Look(0.25, 0.5, None, ("car", "road"), None), Look(0.5, 0.25, None, None, None)]
ORDER = [Choice(1, 1, None, None), Choice(0, 2, 1, 0.125)]


def test_reasons():
    heading, first, second = lines_of(rows(["a.jpg", "b.jpg"], LOOKS, ORDER))
    assert heading.split() == ["photograph", "entropy", "margin", "why"]
    assert first == "1  b.jpg         0.500   0.250  the least sure"
    assert second == (
        "2  a.jpg         0.250   0.500  number 2 in uncertainty; mostly between classes car and road; "
        "at distance 0.125 from b.jpg, the nearest before it"
    )


def test_agreement_of_copies_has_a_column():
    looks = [look._replace(agreement=0.75) for look in LOOKS]
    heading, first, _ = lines_of(rows(["a.jpg", "b.jpg"], looks, ORDER))
    assert heading.split()[-2:] == ["agreement", "why"]
    assert first.split()[:5] == ["1", "b.jpg", "0.500", "0.250", "0.750"]


def test_csv(tmp_path):
    write_csv(tmp_path / "ranking.csv", rows(["a, b.jpg", "c.jpg"], LOOKS, ORDER))
    with (tmp_path / "ranking.csv").open(newline="") as file:
        first, second = csv.DictReader(file)
    assert tuple(first) == COLUMNS
    assert (first["place"], first["file"], first["nearest"], first["between"]) == ("1", "c.jpg", "", "")
    assert (second["file"], second["nearest"], second["between"]) == ("a, b.jpg", "c.jpg", "car/road")
