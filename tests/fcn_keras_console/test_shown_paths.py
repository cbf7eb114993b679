"""Paths as they are shown."""

from pathlib import Path

from fcn_keras_console.shown_paths import from_here, published


def test_paths_below_the_working_directory_are_shown_from_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert from_here(tmp_path / "runs" / "a") == Path("runs/a")
    assert from_here(str(tmp_path / "runs")) == Path("runs")
    assert from_here(tmp_path.parent / "runs") == tmp_path.parent / "runs"
    assert from_here("http://localhost:8501") == "http://localhost:8501"


def test_what_is_published_names_no_place_of_this_machine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    here, elsewhere = tmp_path / "photos", "/home/me/street"
    facts = {
        "data": str(here),
        "weights": f"{elsewhere}.keras",
        "overrides": {"classes": f"{elsewhere}/classes.txt", "steps": 6, "held_out": None},
        "settings": {"data": f"folder(classes={elsewhere}/classes.txt, held_out=0.2)", "splits": [elsewhere, "a/b"]},
    }
    assert published(facts) == {
        "data": "photos",
        "weights": "street.keras",
        "overrides": {"classes": "classes.txt", "steps": 6, "held_out": None},
        "settings": {"data": "folder(classes=classes.txt, held_out=0.2)", "splits": ["street", "a/b"]},
    }
    assert facts["data"] == str(here)  # which resuming needs
