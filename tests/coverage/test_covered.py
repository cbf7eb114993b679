"""The floor under `make coverage`."""

import json

import pytest

from tests.coverage import covered


@pytest.mark.parametrize(
    ("lines", "branches", "status"),
    [(95, 190, 0), (94, 200, 1), (100, 189, 1)],
    ids=["at the floor", "lines", "branches"],
)
def test_lines_and_branches_have_a_floor_each(lines, branches, status, tmp_path, capsys):
    totals = {"covered_lines": lines, "num_statements": 100, "covered_branches": branches, "num_branches": 200}
    (tmp_path / "report.json").write_text(json.dumps({"totals": totals}), encoding="utf-8")
    assert covered.main(tmp_path / "report.json") == status
    assert f"{lines} of 100 lines ran: {lines:.1f} %" in capsys.readouterr().out
