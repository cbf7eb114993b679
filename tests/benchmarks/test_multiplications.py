"""Forms of wide layers, timed beside the plain ones."""

import argparse

import multiplications


def test_every_form_has_its_ratio_and_errors(monkeypatch):
    monkeypatch.setattr(multiplications, "LAYERS", (("conv", 8, 4, 6),))
    monkeypatch.setattr(multiplications, "PRODUCTS", (("fc", 30, 7),))
    arguments = argparse.Namespace(rounds=1, size=512)
    rows = [*multiplications._convolutions(arguments), *multiplications._products(arguments)]
    assert [row["what"] for row in rows] == ["conv", "fc in runs", "fc transposed"]
    for row in rows:
        assert row["ratio"] == row["quick"] / row["plain"] > 0
        assert 0 < row["error_plain"] < 1e-6
        assert 0 < row["error_quick"] < 1e-5
    assert multiplications._drawn(rows).axes
