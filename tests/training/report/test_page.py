"""The page as a whole: which sections stand on it, and where its links lead."""

import numpy as np

from tests.training.report.page_reader import Page
from tests.training.report.stages import stage
from training.report.page import page
from training.report.training_run import find_run
from training.scoring.images import LabelledImage, score_split
from training.scoring.summary import summaries


def written(folder, **options):
    """Write a report on one image of three classes."""
    truth, labels = np.array([[0, 1, 1]], np.uint8), np.array([[0, 1, 0]], np.uint8)
    matrix = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0]])
    scores = score_split([LabelledImage(0, "image a", {}, {"": truth}, {"": labels}, {"": matrix})], boundaries=True)
    run = find_run(folder)
    text = page(
        title="<my> run",
        run=run,
        results=summaries(scores, {"": ("sky", "road", "ghost")}),
        scores=scores,
        colors={"": [(0, 0, 255), (255, 0, 0), (0, 160, 0)]},
        pictured=None,
        origin={"model": "best.keras", "recipe": "toy", "data": None, "split": "val"},
        skipped=[],
        **options,
    )
    path = folder / "report.html"
    path.write_text(text, encoding="utf-8")
    return Page(path)


def test_every_link_leads_to_a_section(tmp_path):
    stage(tmp_path, "toy", rows="0,2.5,3.5,.1,.2\n")
    found = written(tmp_path)
    links = [attributes["href"] for tag, attributes in found.tags if tag == "a"]
    names = ["training", "classes", "confusion", "boundaries", "sizes", "timings", "made"]
    assert links == [f"#{name}" for name in names]
    assert links == [f"#{attributes['id']}" for tag, attributes in found.tags if tag == "section"]
    assert "<my> run: report" in found.text
    assert "toy on 1 image of toy, val" in found.text
    assert "Mean IU on 1 image is rough: +-11 or more with others." in found.text
    assert found.metrics["", "mean_iu"] == "50.00 %"
    swatches = [attributes["style"] for _, attributes in found.tags if attributes.get("class") == "swatch"]
    assert swatches == ["background: #0000ff", "background: #ff0000", "background: #00a000"]


def test_a_plan_stands_behind_the_curves(tmp_path):
    stage(tmp_path, "toy", rows="0,2.5,3.5,.1,.2\n", plan={"time": "10 min </script>"}, seconds=605, frozen=["conv"])
    found = written(tmp_path)
    sections = [attributes["id"] for tag, attributes in found.tags if tag == "section"]
    assert sections[:3] == ["training", "plan", "classes"]
    assert "#plan" in [attributes["href"] for tag, attributes in found.tags if tag == "a"]
    assert found.table("The plan") == [["what", "planned"], ["time", "10 min </script>"], ["it took", "toy 10.1 min"]]
    assert found.table("The stages")[1][-2:] == ["all conv", "images"]


def test_a_run_without_a_log_has_no_section_on_training(tmp_path):
    stage(tmp_path, "toy")
    found = written(tmp_path)
    assert "training" not in [attributes.get("id") for tag, attributes in found.tags if tag == "section"]
