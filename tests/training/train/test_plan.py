"""What is chosen for one's own folder, and the command that chooses."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from fcn_keras.datasets.folder import Folder
from training.doctor.examination import Report
from training.doctor.findings import Finding
from training.hold_out import divide
from training.recipes.catalogue import chain
from training.recipes.overrides import Overrides
from training.recipes.readers import folder
from training.train import command as train
from training.train.plan import HELD_OUT, plan

EVEN = Report(
    directory="photos",
    num_classes=2,
    classes_from="classes.txt",
    class_names=("a", "b"),
    ignore_label=255,
    images={"train": 160, "val": 40},
    findings=(),
    counted={"train": 160, "val": 40},
    class_frequencies={"train": (0.5, 0.5), "val": (0.5, 0.5)},
    class_images={"train": (4, 2), "val": (1, 0)},
    class_weights=(1.0, 1.0),
    sizes=((375, 500, 200),),
    buckets=((384, 512),),
    padding=0.05,
)


def planned(report, model, **given):
    """Plan for a report's images, whose ids are numbers."""
    ids = {split: [str(number) for number in range(count)] for split, count in report.images.items()}
    options = {name: given.pop(name) for name in ("devices", "pads", "begun", "near_duplicates") if name in given}
    return plan(report, ids, model, Overrides(**given), **options)


def reasons(chosen):
    return dict(chosen.reasons)


def test_two_hundred_photographs():
    chosen = planned(EVEN, "fcn8s")
    assert chosen.recipe == "folder_fcn8s"
    # 2 * 250000 / (375 * 500) = 2.7; 50 times 160 images in batches of 3, in 20 epochs; Adam's 1e-4 * sqrt(3).
    assert chosen.overrides.as_json() == {
        "batch_size": 3,
        "learning_rate": 0.00017,
        "stages": {
            "folder_fcn32s": {"steps": 2660, "steps_per_epoch": 133},
            "folder_fcn16s": {"steps": 1340, "steps_per_epoch": 67},
            "folder_fcn8s": {"steps": 1340, "steps_per_epoch": 67},
        },
    }
    assert reasons(chosen)["images"] == "160 to train on, 40 to validate on; 2 classes"
    assert reasons(chosen)["class weights"].startswith("equal: the largest has 1 times")


def test_bfloat16_is_chosen_where_the_machine_is_made_for_it(unit):
    assert planned(EVEN, "fcn8s").overrides.dtype_policy is None
    unit("AMX")
    chosen = planned(EVEN, "fcn8s")
    assert {recipe.dtype_policy for recipe in chain(chosen.recipe, chosen.overrides)} == {"mixed_bfloat16"}
    told = "mixed_bfloat16, as this machine has AMX; --dtype-policy float32 trains in float32"
    assert reasons(chosen)["precision"] == told
    given = planned(EVEN, "fcn8s", dtype_policy="float32")
    assert (given.overrides.dtype_policy, reasons(given)["precision"]) == ("float32", "float32 (as given)")
    assert {recipe.dtype_policy for recipe in chain("folder_fcn8s", Overrides())} == {"float32"}  # a recipe by its name


def test_a_run_keeps_the_precision_it_began_in_on_other_machines(unit):
    begun = {"held_out": 0.2, "learning_rate": 1e-4, "dtype_policy": "mixed_bfloat16"}
    chosen = planned(EVEN, "fcn8s", begun=begun)
    assert chosen.overrides.dtype_policy == "mixed_bfloat16"
    assert reasons(chosen)["precision"] == "mixed_bfloat16, in which this run began"
    unit("compute capability 9.0")
    del begun["dtype_policy"]
    chosen = planned(EVEN, "fcn8s", begun=begun)
    assert (chosen.overrides.dtype_policy, "precision" in reasons(chosen)) == (None, False)


def test_the_overrides_make_recipes():
    chosen = planned(EVEN, "fcn16s", width=0.125)
    recipes = chain(chosen.recipe, chosen.overrides)
    assert [(r.name, r.steps, r.steps_per_epoch) for r in recipes] == [
        ("folder_fcn32s", 2660, 133),
        ("folder_fcn16s", 1340, 67),
    ]
    assert {r.batch_size for r in recipes} == {3}
    assert {r.learning_rate for r in recipes} == {0.0017}  # from scratch


@pytest.mark.parametrize(
    ("train", "steps"),
    [(3, 660), (40, 660), (160, 2660), (10_000, 33_340)],  # at least 2000 images, at most 100000, in batches of 3
)
def test_steps_follow_the_number_of_images(train, steps):
    chosen = planned(replace(EVEN, images={"train": train, "val": 9}), "fcn32s")
    assert chosen.overrides.stages["folder_fcn32s"].steps == steps


@pytest.mark.parametrize(
    ("sizes", "batch", "crop"),
    [
        (((64, 64, 5),), 8, None),
        (((1, 1, 5),), 8, None),
        (((360, 480, 5),), 3, None),
        (((1000, 1000, 5),), 1, None),
        (((1000, 1001, 5),), 2, [512, 512]),
        (((360, 480, 50), (3000, 4000, 1)), 2, [512, 512]),  # one is enough to run out of memory
    ],
)
def test_batches_have_the_pixels_of_two_of_the_papers_images(sizes, batch, crop):
    overrides = planned(replace(EVEN, sizes=sizes), "fcn32s", most_pixels=0).overrides
    assert overrides.batch_size == batch
    assert overrides.crop == crop
    assert overrides.buckets is None  # of one size, or cropped, or one a batch


def test_large_photographs_are_reduced():
    phone = replace(EVEN, sizes=((3000, 4000, 190), (4000, 3000, 5), (360, 480, 5)))
    chosen = planned(phone, "fcn32s")
    assert chosen.overrides.most_pixels == 250_000
    assert (chosen.overrides.batch_size, chosen.overrides.crop) == (2, None)
    assert chosen.overrides.buckets == [[448, 608], [608, 448]]
    assert reasons(chosen)["size"] == (
        "195 of 200 images, such as "
        "4000x3000 reduced to 577x433 (a network sees little of a larger one at a time); --most-pixels 0 keeps it"
    )
    assert "size" not in reasons(planned(phone, "fcn32s", most_pixels=0))
    assert planned(phone, "fcn32s", most_pixels=90_000).overrides.most_pixels == 90_000
    mixed = replace(EVEN, sizes=((375, 500, 150), (3000, 4000, 40), (41, 6100, 10)))
    assert reasons(planned(mixed, "fcn32s"))["size"].startswith(
        "50 of 200 images, such as 4000x3000 reduced to 577x433 ("
    )
    # A run that was begun with crops goes on with them.
    begun = planned(phone, "fcn32s", begun={"held_out": 0.2}).overrides
    assert (begun.most_pixels, begun.crop) == (None, [512, 512])
    assert planned(phone, "fcn32s", begun={"most_pixels": 250_000}).overrides.most_pixels == 250_000


def test_images_of_several_sizes_are_padded_where_a_batch_holds_several():
    mixed = replace(EVEN, sizes=((375, 500, 100), (500, 375, 100)), buckets=((384, 512), (512, 384)))
    chosen = planned(mixed, "fcn32s")
    assert chosen.overrides.buckets == [[384, 512], [512, 384]]
    assert reasons(chosen)["padded to"] == "384x512 512x384; 5 % of that is padding"
    assert planned(mixed, "fcn32s", batch_size=1).overrides.buckets is None
    assert planned(mixed, "fcn32s", batch_size=1, pads=True).overrides.buckets


def test_very_uneven_classes_are_weighed_by_a_square_root():
    uneven = replace(EVEN, class_frequencies={"train": (0.999, 0.0009, 0.0)}, class_weights=(0.25, 4.0, 0.0))
    assert planned(uneven, "fcn32s").overrides.class_weights == (0.5, 2.0, 0.0)
    less = replace(EVEN, class_frequencies={"train": (0.999, 0.001)}, class_weights=(0.25, 4.0))
    assert planned(less, "fcn32s").overrides.class_weights is None


def test_what_is_given_stays():
    given = {"steps": 7, "batch_size": 5, "learning_rate": 1.0, "class_weights": [1, 2]}
    chosen = planned(EVEN, "fcn8s", **given)
    assert chosen.overrides.as_json() == given
    assert reasons(chosen)["batch size"] == "5 (as given)"
    assert reasons(chosen)["steps"] == "7 of every stage (as given)"


def test_devices_share_a_batch():
    assert planned(EVEN, "fcn32s", devices=4).overrides.batch_size == 12


@pytest.mark.parametrize("images", [{"all": 10}, {"train": 10}, {"train": 10, "test": 5}])
def test_a_fifth_is_held_out_where_there_is_nothing_to_validate_on(images):
    report = replace(EVEN, images=images, class_frequencies=dict.fromkeys(images, (0.5, 0.5)))
    chosen = planned(report, "fcn32s")
    assert (chosen.overrides.held_out, chosen.overrides.held_out_by) == (0.2, "together")
    assert "together" not in chosen.overrides.as_json()
    held_out = len(divide([str(number) for number in range(10)], HELD_OUT))
    expected = f"{10 - held_out} to train on, {held_out} held out to validate on; 2 classes"
    assert reasons(chosen)["images"] == expected


def test_a_run_begun_before_is_planned_as_it_was():
    """What the release before the rule of `hold_out.divide` planned for ten images that nobody divided."""
    report = replace(EVEN, images={"all": 10}, class_frequencies={"all": (0.5, 0.5)}, sizes=((12, 16, 10),))
    begun = {"held_out": 0.2, "classes": 2}
    chosen = planned(report, "fcn16s", classes=2, begun=begun, near_duplicates=lambda keys: [["8", "9", "0"]])
    assert json.loads(json.dumps(chosen.overrides.as_json())) == {
        "held_out": 0.2,
        "batch_size": 8,
        "learning_rate": 0.00028,
        "stages": {
            "folder_fcn32s": {"steps": 240, "steps_per_epoch": 12},
            "folder_fcn16s": {"steps": 120, "steps_per_epoch": 6},
        },
        "classes": 2,
    }
    assert reasons(chosen)["images"] == "8 to train on, 2 held out to validate on; 2 classes"


UNDIVIDED = replace(EVEN, images={"all": 10}, class_frequencies={"all": (0.5, 0.5)})


def test_near_duplicates_are_held_out_together_and_written_down():
    asked = []
    groups = [["3", "4"], ["8", "9"]]
    chosen = planned(UNDIVIDED, "fcn32s", near_duplicates=lambda keys: asked.append(list(keys)) or groups)
    assert asked == [[str(number) for number in range(10)]]
    written = json.loads(json.dumps(chosen.overrides.as_json()))
    assert (written["held_out_by"], written["together"]) == ("together", groups)
    assert reasons(chosen)["held out"] == "2 groups of near-duplicates (4 images) in one part"
    held_out = len(divide("0123456789", HELD_OUT, together=groups))
    assert reasons(chosen)["images"].startswith(f"{10 - held_out} to train on, {held_out} held out")
    assert chosen.warning is None
    begun = planned(UNDIVIDED, "fcn32s", begun=written, near_duplicates=lambda keys: pytest.fail("looked for again"))
    assert begun.overrides.as_json() == chosen.overrides.as_json()


def test_a_film_is_divided_as_before_with_a_warning():
    film = [[str(number) for number in range(6)]]
    chosen = planned(UNDIVIDED, "fcn32s", near_duplicates=lambda keys: film)
    assert chosen.overrides.held_out_by == "threshold"
    assert chosen.overrides.together is None
    assert "6 of 10 images are near-duplicates" in chosen.warning


def test_nobody_looks_for_near_duplicates_where_the_folder_is_divided():
    chosen = planned(EVEN, "fcn32s", near_duplicates=lambda keys: pytest.fail("looked for"))
    assert chosen.overrides.held_out_by is None


@pytest.mark.parametrize(
    ("changes", "given", "message"),
    [
        ({"images": {"a": 3, "b": 4}}, {}, "photos has the splits a, b, but not train.* --splits TRAIN VAL"),
        ({"images": {"train": 9, "valid": 2, "dev": 2}}, {}, "has valid and dev, which both mean val. Name the one to"),
        ({}, {"splits": ["train", "extra"]}, "photos has no split 'extra', but train, val"),
        ({"images": {"all": 1}, "class_frequencies": {"all": (1, 0)}}, {}, "photos holds 1 image. One to train on"),
        (
            {"findings": (Finding("mask-is-rgb", "error", "2 masks hold colours.", "Translate them."),)},
            {},
            r"is-rgb: 2 masks hold colours\. Translate them\. See fcn-doctor photos, and .*fcn-doctor photos --fix OUT",
        ),
    ],
)
def test_what_cannot_be_trained_on(changes, given, message):
    with pytest.raises(ValueError, match=message):
        planned(replace(EVEN, **changes), "fcn8s", **given)


@pytest.fixture
def photos(tmp_path):
    """Five photographs and masks of 32x40 that nobody divided; class 1 is bright."""
    generator = np.random.default_rng(0)
    for name in ("images", "labels"):
        (tmp_path / "photos" / name).mkdir(parents=True)
    for index in range(5):
        label = (generator.random((32, 40)) > 0.5).astype(np.uint8)
        image = np.repeat((200 * label)[..., None], 3, axis=-1) + generator.integers(0, 50, (32, 40, 3), np.uint8)
        Image.fromarray(image.astype(np.uint8)).save(tmp_path / "photos" / "images" / f"{index}.jpg")
        Image.fromarray(label).save(tmp_path / "photos" / "labels" / f"{index}.png")
    (tmp_path / "classes.txt").write_text("dark\nbright\n")
    return tmp_path


def call(photos, monkeypatch, *options):
    monkeypatch.chdir(photos)
    small = ("--width", "0.015625", "--steps", "2", "--no-watchdog")
    return train.main(["--data", "photos", "--classes", "classes.txt", "--model", "fcn32s", *small, *options])


def test_the_command_says_what_it_chose_and_trains(photos, monkeypatch, capsys):
    assert call(photos, monkeypatch, "--quiet") == 0
    printed = capsys.readouterr().out
    assert printed.index("images         4 to train on, 1 held out") < printed.index("folder_fcn32s: mean IU")
    assert (photos / "runs" / "folder_fcn32s" / "best.keras").is_file()
    assert call(photos, monkeypatch, "--quiet") == 0
    assert "finished before" in capsys.readouterr().out


def test_frames_of_a_film_are_warned_of(photos, monkeypatch, capsys):
    monkeypatch.setattr("training.train.fit.fit", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    for number in (1, 2):
        (photos / "photos" / "images" / f"{number}.jpg").write_bytes((photos / "photos/images/0.jpg").read_bytes())
    assert call(photos, monkeypatch, "--quiet") == 130
    assert "fcn-train: 3 of 5 images are near-duplicates of one another" in capsys.readouterr().err


def test_void_beside_the_classes_is_answered_with_the_option(photos, monkeypatch, capsys):
    """As CamVid has it: 2 classes, and 2 for what is none."""
    label = photos / "photos" / "labels" / "3.png"
    Image.fromarray(np.full((32, 40), 2, np.uint8)).save(label)
    assert call(photos, monkeypatch) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert (
        "1 of 5 masks hold 2, and 2 classes have ids 0 to 1 (255 is void). If 2 means void, say --ignore-label 2. "
        in error
    )
    monkeypatch.setattr("training.train.fit.fit", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    assert call(photos, monkeypatch, "--ignore-label", "2") == 130


def test_json_is_a_line_for_the_plan_every_epoch_and_every_stage(photos, monkeypatch, capsys):
    assert call(photos, monkeypatch, "--json", "-v", "--steps-per-epoch", "1") == 0
    captured = capsys.readouterr()
    events = [json.loads(line) for line in captured.out.splitlines()]
    assert [event["event"] for event in events] == ["plan", "training", "epoch", "epoch", "finished"]
    assert events[0]["overrides"]["held_out"] == 0.2
    assert events[1] == {"event": "training", "stage": "folder_fcn32s", "steps": 2, "start": "random weights"}
    assert events[2]["stage"] == "folder_fcn32s"
    assert 0 <= events[3]["val_confusion_mean_iu"] <= 1
    assert events[4]["mean_iu"] == max(event["val_confusion_mean_iu"] for event in events[2:4])
    lines = [line for line in captured.err.splitlines() if "folder_fcn32s: batch 1 of 1 in its epoch" in line]
    assert len(lines) == 2
    trained = {
        str(key) for key in folder(photos / "photos", "train", held_out=0.2, held_out_by="threshold", classes=2).ids
    }
    named = [re.findall(r"image (\w+)", line.partition(" so far; ")[2]) for line in lines]
    assert all(names and set(names) <= trained for names in named)


def test_what_the_doctor_read_is_not_read_again(photos, monkeypatch):
    """Before the first step, every photograph is decoded once."""
    read = []
    monkeypatch.setattr(Folder, "__getitem__", lambda self, index: read.append(index))
    monkeypatch.setattr("training.train.fit.fit", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    assert call(photos, monkeypatch, "--quiet") == 130
    assert read == []


def test_the_doctor_names_every_pair_it_reads(photos, capsys):
    from training.doctor import command as doctor

    given = [str(photos / "photos"), "--classes", str(photos / "classes.txt")]
    assert doctor.main([*given, "--verbose"]) == 0
    assert "fcn-doctor: 4: reading its image and mask, 5 of 5\n" in capsys.readouterr().err
    assert doctor.main([*given, "--quiet"]) == 0
    assert capsys.readouterr().err == ""
