"""The model cards of versions and of files."""

import hashlib
import json

import tensorflow as tf

from fcn_keras.photographs import Photographs
from fcn_keras_console.digests import read_sealed
from serving.export.accuracy.agreement import Figures
from serving.export.accuracy.validation import Validation
from serving.export.model_card import _scale, figures_table, write_file_card

FACTS = {
    "network": "fcn8s",
    "weights": 1234,
    "heads": {"sem": {"classes": 2, "names": ["sky", "ground"]}, "geo": {"classes": 3, "names": None}},
    "exported": "2026-11-29T12:00:00+00:00",
    "versions": {"python": "3.11.9", "keras": "3.15.1"},
}


def cells(lines):
    """Read a Markdown table into a dict by column for each row."""
    columns, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def card_of(folder, **facts):
    (folder / "net.onnx").write_bytes(b"onnx")
    write_file_card(folder / "net.onnx", "for ONNX Runtime", {**FACTS, **facts}, ["| a |"], "Notes.")
    return (folder / "net.onnx.md").read_text()


def test_the_card_of_a_version(folder):
    facts = json.loads((folder / "model.json").read_text())
    assert (facts["name"], facts["version"], facts["network"]) == ("fcn", 1, "fcn8s")
    colors = facts["heads"][""].pop("colors")
    assert (len(colors), colors[:2]) == (21, ["#0099ff", "#ffdd00"])  # as docs/labels.md has them
    assert facts["heads"] == {"": {"classes": 21, "names": [f"c{i}" for i in range(21)]}}
    assert facts["recipe"]["recipe"] == "my_recipe"
    assert facts["versions"]["tensorflow"] == tf.__version__
    assert facts["inputs"] == {"image": 3}
    *asked, larger = [(row["height"], row["width"]) for row in facts["parity"]]
    assert asked == [(24, 40), (40, 24)]
    assert min(larger) > 100  # in several parts: the version's requests may take 16 MiB
    assert facts["memory"] == 16
    written = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    assert set(facts["files"]) == set(written) - {"model.json", "README.md"}
    assert {"saved_model.pb", "fingerprint.pb", "assets/classes.txt"} < set(facts["files"])
    for name, digest in facts["files"].items():
        contents = written[name].read_bytes()
        assert digest == {"bytes": len(contents), "sha256": hashlib.sha256(contents).hexdigest()}
    assert read_sealed(folder / "model.json")[1].keys() == facts["files"].keys()
    for row in facts["parity"]:
        assert row["label_agreement"] == 1
        assert 0 <= row["largest_score_error"] < 1e-5 * row["largest_score"]
    card = (folder / "README.md").read_text()
    for part in (
        "# fcn, version 1",
        "0 c0, 1 c1",
        "Colours: #0099ff, #ffdd00, ",
        "24x40",
        "100.000 %",
        "recipe: my_recipe",
        "72.5",
        "split val",
    ):
        assert part in card, part


def test_a_bare_model_has_a_card_as_well(tmp_path):
    card = card_of(tmp_path)
    assert card.startswith("# net.onnx\n\nA fully convolutional network (fcn8s, 1,234 weights) for ONNX Runtime.")
    assert "Head `sem`: 2 classes: 0 sky, 1 ground.\n\nHead `geo`: 3 classes, without names." in card
    assert "Nothing was recorded." in card
    assert "None was recorded. `fcn-evaluate MODEL --output DIR`" in card
    digest = hashlib.sha256(b"onnx").hexdigest()
    assert f"## Files\n\n`sha256sum -c net.onnx.md` compares them:\n\n```text\n{digest}  net.onnx\n```\n" in card
    assert card.endswith("## Versions\n\npython 3.11.9, keras 3.15.1.\n")


def test_without_metrics_the_card_tells_the_training_s(tmp_path):
    training = {"best": {"val_mean_iu": 0.7264}}
    assert "Mean IU 72.6 on the training's validation images. " in card_of(tmp_path, training=training)
    card = card_of(tmp_path, training={**training, "rough": "few"})
    assert "Mean IU 72.6 on the training's validation images (few). " in card


def test_metrics_of_heads(tmp_path):
    metrics = {"pixel_accuracy": 0.9, "mean_accuracy": 0.8, "mean_iu": 0.725, "fw_iu": 0.85}
    card = card_of(tmp_path, metrics={"heads": {"sem": metrics, "geo": metrics}, "data": "photos", "images": 40})
    sem, geo = cells(line for line in card.splitlines() if line.startswith("| ") and "a" not in line.split())[:2]
    assert (sem["head"], geo["head"]) == ("sem", "geo")
    assert (geo["pixel accuracy"], geo["mean IU"], geo["frequency weighted IU"]) == ("90.0", "72.5", "85.0")
    assert "In percent, on data photos, images 40.\n" in card
    few = card_of(tmp_path, metrics={**metrics, "images": 4})
    assert "In percent, on images 4. Mean IU on 4 images is rough: +-6 or more with others.\n" in few


def test_the_figures_of_a_file():
    lines = figures_table("int8", Figures(0.98765, 0.0123, "20 held out"), Validation(0.6123, 0.61, 101))
    assert len({len(line) for line in lines}) == 1
    assert cells(lines) == [
        {
            "precision": "int8",
            "labels agree": "98.765 %",
            "compared on": "20 held out images",
            "largest score error": "1.2 %",
            "mean IU": "61.00",
            "of the model": "61.23",
            "difference": "-0.23",
        }
    ]
    assert list(cells(figures_table("fp32", Figures(1.0, None, "drawn")))[0].values())[1:] == [
        "100.000 %",
        "drawn images",
        "-",
    ]


def test_the_scale_of_photographs_that_training_reduced():
    known = Photographs.of([(300, 400), (433, 577), (433, 577)], reduced_to=250_000)
    assert _scale({"scale": known.config(), "max_decoded": 8_900_000}) == (
        " That is after a photograph is reduced to 250,000 pixels, as the training's were, where it has more; "
        "its labels have its own size. Photographs of more than 8,900,000 pixels are refused before that."
    )
