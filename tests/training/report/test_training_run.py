"""What `fcn-report` reads, chooses and draws, by hand."""

import json
import math
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest

from fcn_keras_console import words
from training.report import html as elements
from training.report import section_images as images
from training.report import section_scores as scores
from training.report import section_training as training
from training.report import svg_charts as charts
from training.report.training_run import begun_after, find_run
from training.scoring.images import ScoredImage, mean_iu
from training.scoring.panels import cells_of, shortened
from training.scoring.summary import summary
from training.workdir import timings
from training.workdir.timings import Timings, read_timings


class TestTimings:
    def test_an_epoch_is_divided_into_training_and_validation(self, tmp_path, monkeypatch):
        path = tmp_path / "timings.csv"
        callback, clock = Timings(path), iter([100.0, 102.0, 107.5, 110.0, 200.0, 203.0])
        monkeypatch.setattr(timings, "time", SimpleNamespace(monotonic=lambda: next(clock)))
        callback.on_epoch_begin(0)
        callback.on_train_batch_end(0)
        callback.on_train_batch_end(1)
        callback.on_epoch_end(0)
        callback.on_epoch_begin(1)  # a run that only had to validate
        callback.on_epoch_end(1)
        assert path.read_text().splitlines() == ["epoch,batches,training,validation", "0,2,7.5,2.5", "1,0,0.0,3.0"]
        assert read_timings(path) == {
            0: {"batches": 2, "training": 7.5, "validation": 2.5},
            1: {"batches": 0, "training": 0, "validation": 3},
        }

    def test_a_repeated_epoch_counts_once_and_a_damaged_row_not_at_all(self, tmp_path):
        path = tmp_path / "timings.csv"
        path.write_text("epoch,batches,training,validation\n0,2,9,1\n0,2,5,2\n1,x,1,1\n2,2,-1,1\n3,2,nan,1\n4,2,7.")
        assert read_timings(path) == {0: {"batches": 2, "training": 5, "validation": 2}}
        path.write_bytes(b"\xff\xfe\x00,")
        assert read_timings(path) == {}
        assert read_timings(tmp_path / "none.csv") == {}


def stage(folder, name, *, start=None, rows="", times="", steps=6):
    """Lay out one stage as fcn-train leaves it; its model is never opened here."""
    place = folder / name
    place.mkdir(parents=True)
    (place / "best.keras").touch()
    settings = {"init_from": start, "steps": steps, "steps_per_epoch": 2, "batch_size": 5}
    (place / "recipe.json").write_text(json.dumps({"decisions": {"settings": settings}}))
    if rows:
        (place / "log.csv").write_text("epoch,loss,val_loss,confusion_mean_iu,val_confusion_mean_iu\n" + rows)
    if times:
        (place / "timings.csv").write_text("epoch,batches,training,validation\n" + times)
    return place


def names(run):
    return [trained.name for trained in run]


class TestStages:
    def test_stages_stand_in_the_order_they_were_trained(self, tmp_path):
        stage(tmp_path, "a_fine", start="m_middle")
        stage(tmp_path, "m_middle", start="z_coarse")
        stage(tmp_path, "z_coarse")
        assert names(find_run(tmp_path)) == ["z_coarse", "m_middle", "a_fine"]
        assert names(find_run(tmp_path / "m_middle")) == ["z_coarse", "m_middle"]

    def test_late_fusion_starts_from_two(self, tmp_path):
        stage(tmp_path, "fused", start={"color": "rgb", "hha": "other"})
        stage(tmp_path, "rgb", start="first")
        stage(tmp_path, "other", start="first")
        stage(tmp_path, "first")
        assert names(find_run(tmp_path)) == ["first", "rgb", "other", "fused"]

    def test_stages_that_start_from_each_other_are_read_once(self, tmp_path):
        everyone = [f"s{i}" for i in range(12)]
        for name in everyone:
            stage(tmp_path, name, start=dict.fromkeys(everyone) | {other: other for other in everyone})
        assert sorted(names(find_run(tmp_path / "s5"))) == sorted(everyone)

    @pytest.mark.parametrize("start", ["loop", "gone", "../outside", "..", ".", "", "a\0b", 7, ["x"], {"a": 7}])
    def test_sources_that_lead_nowhere_are_left_out(self, tmp_path, start):
        stage(tmp_path, "outside")
        place = stage(tmp_path / "runs", "loop", start=start)
        assert names(find_run(place)) == ["loop"]

    def test_a_stage_that_has_no_best_model_yet_is_not_the_last(self, tmp_path):
        stage(tmp_path, "coarse")
        for name in ("fine", "damaged"):
            (stage(tmp_path, name, start="coarse") / "best.keras").unlink()
        (stage(tmp_path, "finest", start="fine") / "best.keras").unlink()
        (tmp_path / "damaged" / "recipe.json").write_text("{")
        run = find_run(tmp_path)
        assert names(run) == ["coarse"]
        assert begun_after(run) == ["fine"]

    def test_a_run_in_its_first_epoch(self, tmp_path):
        (stage(tmp_path, "coarse") / "best.keras").unlink()
        for path in (tmp_path, tmp_path / "coarse"):
            with pytest.raises(ValueError, match=r"holds no trained models\. coarse has finished no epoch yet: wait"):
                find_run(path)

    def test_what_the_log_and_the_timings_say(self, tmp_path):
        (tmp_path / "other").mkdir()  # no stage
        stage(
            tmp_path,
            "only",
            rows="0,2.5,3.5,.1,.2\n1,nan,3,.2,.5\n2,1,2,.3,.4\n",
            times="0,2,10,1\n1,2,4,1\n2,1,5,2\n",
        )
        (only,) = find_run(tmp_path)
        assert (only.epochs, only.best, only.prefixes) == (3, 1, {"": "confusion"})
        assert only.points("loss") == [(1, 2.5), (3, 1)]  # epoch 2 has no number
        assert only.points("none") == []
        assert only.without_loss == [2]
        assert charts.curves("t", {"training": []}, [], what=str) is None
        # 5 images a batch: 1, 2.5 and 1 images a second.
        assert only.images_per_second() == 1
        assert (only.seconds("training"), only.seconds("validation")) == (19, 4)

    def test_the_best_epoch_of_two_heads_is_that_of_their_mean(self, tmp_path):
        place = stage(tmp_path, "two")
        (place / "log.csv").write_text("epoch,val_sem_mean_iu,val_geo_mean_iu\n0,.9,.1\n1,.5,.6\n2,.4,.6\n")
        (two,) = find_run(tmp_path)
        assert two.prefixes == {"sem": "sem", "geo": "geo"}
        assert two.best == 1

    def test_files_of_other_shapes(self, tmp_path):
        place = stage(tmp_path, "odd")
        (place / "recipe.json").write_text(json.dumps({"decisions": [1], "versions": "x"}))
        (place / "log.csv").write_bytes(b"epoch,val_confusion_mean_iu\n\xff,high,more\n")
        (odd,) = find_run(tmp_path)
        assert (odd.recipe, odd.sources, odd.epochs, odd.best, odd.images_per_second()) == ({}, [], None, None, None)
        (place / "log.csv").write_text("epoch\n" + "1" * 200_000)
        with pytest.raises(ValueError, match=r"log.csv is not CSV \(field larger than .*\). Restore it from a copy"):
            find_run(tmp_path)
        (place / "recipe.json").write_text("{")
        with pytest.raises(ValueError, match=r"recipe.json is not JSON"):
            find_run(tmp_path)


def scored(*values):
    return [ScoredImage(i, f"image {i}", (1, 1), value) for i, value in enumerate(values)]


def indices(groups):
    return [[image.index for image in group] for group in groups.values()]


class TestChosenImages:
    def test_best_median_and_worst(self):
        found = scored(0.5, 0.9, None, 0.1, 0.6, 0.4, 0.2, 0.8, 0.3, 0.7)  # ranked: 1 7 9 4 0 5 8 6 3
        assert indices(images.choose(found, 1)) == [[1], [0], [3]]
        assert indices(images.choose(found, 2)) == [[1, 7], [4, 0], [6, 3]]
        assert indices(images.choose(found, 9)) == [[1, 7, 9], [4, 0, 5], [8, 6, 3]]

    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            ([], [[], [], []]),
            ([None], [[], [], []]),
            ([0.3], [[0], [], []]),
            ([0.3, 0.4], [[1], [], [0]]),
            ([0.3, 0.3, 0.3], [[0], [1], [2]]),
        ],
    )
    def test_few_images_are_shown_once(self, values, expected):
        assert indices(images.choose(scored(*values), 3)) == expected

    def test_an_images_score(self):
        half = np.array([[1, 1], [0, 0]])  # IU 1/2 and 0/1
        assert mean_iu({"": half}) == 0.25
        assert mean_iu({"a": half, "b": np.eye(2, dtype=int)}) == 0.625
        assert mean_iu({"a": half, "b": np.zeros((2, 2), int)}) == 0.25  # all void in head b
        assert mean_iu({"": np.zeros((2, 2), int)}) is None


def drawn(svg, tag, class_):
    return [found for found in svg.iter(tag) if found.get("class") == class_]


class TestCharts:
    def test_a_curve_by_hand(self):
        lines = {"validation": [[(0, 0, "a"), (10, 1, "b")], [(20, 0.5, "c")]], "training": [[], []]}
        svg = charts.curves("t", lines, [(10, "first"), (20, "second")], what="{:g}".format)
        places = [(float(x.get("cx")), float(x.get("cy"))) for x in drawn(svg, "circle", "validation")]
        left, right = charts.LEFT, charts.WIDTH - charts.RIGHT
        top, bottom = charts.TOP, charts.HEIGHT - charts.BOTTOM
        assert places == [(left, bottom), ((left + right) / 2, top), (right, (top + bottom) / 2)]
        assert [x.find("title").text for x in drawn(svg, "circle", "validation")] == ["a", "b", "c"]
        assert len(drawn(svg, "line", "rule")) == 1
        texts = [x.text for x in svg.iter("text")]
        assert texts == ["0", "0.5", "1", "first", "10", "second", "20"]
        assert charts.curves("t", {"training": []}, [], what=str) is None

    def test_values_over_decades_stand_on_a_logarithmic_axis(self):
        lines = {"validation": [[(1, 1e5, ""), (2, 1e3, ""), (3, 1e4, "")]]}
        svg = charts.curves("t", lines, [(3, "s")], what="{:g}".format)
        heights = [float(x.get("cy")) for x in drawn(svg, "circle", "validation")]
        middle = (charts.TOP + charts.HEIGHT - charts.BOTTOM) / 2
        assert heights == [charts.TOP, charts.HEIGHT - charts.BOTTOM, middle]
        assert [x.text for x in svg.iter("text")][:3] == ["1000", "10000", "100000"]

    @pytest.mark.parametrize(
        "values", [[0.0], [0.5, 0.5], [-3.0, 4.0], [1e-9, 1e-9], [7e8], [0.0, 1e9], [5e-324, 1.0], [1e-29, 1e29]]
    )
    def test_every_axis_holds_its_values(self, values):
        to_y, ticks = charts._scale(values)
        assert all(-1e-9 <= to_y(value) <= 1 + 1e-9 for value in values)
        assert 2 <= len(ticks) <= 6
        assert ticks == sorted(ticks)

    def test_a_histogram_by_hand(self):
        svg = charts.histogram("t", [0.101, 0.109, 0.125, 0.13], marks=[(0.13, "best", "hint")])
        hints = [x.find("title").text for x in drawn(svg, "rect", "bar")]
        assert hints == [
            "2 of 4 images: 10 to 11 %",
            "0 of 4 images: 11 to 12 %",
            "2 of 4 images: 12 to 13 %",  # the last bin holds its end
        ]
        (mark,) = drawn(svg, "circle", "best")
        assert float(mark.get("cx")) == charts.WIDTH - charts.RIGHT

    @pytest.mark.parametrize("values", [[0.0], [1.0], [0.0, 1.0], [0.5] * 3, [0.333, 0.3341]])
    def test_a_histogram_counts_every_value(self, values):
        bars = drawn(charts.histogram("t", values), "rect", "bar")
        assert sum(int(x.find("title").text.split()[0]) for x in bars) == len(values)
        assert len(bars) <= 22

    def test_a_confusion_matrix_by_hand(self):
        svg = charts.confusion("t", [[3, 1, 0], [0, 0, 0], [0, 1, 999]], ["sky", "road", "a" * 40])
        cells = {x.find("title").text: float(x.get("fill-opacity")) for x in drawn(svg, "rect", "cell")}
        long = "a" * 40
        assert cells == {  # one in a thousand is not drawn, the diagonal always
            "sky as sky: 75.0 %": 0.75,
            "sky as road: 25.0 %": 0.25,
            "road as road: 0.0 %": 0,
            f"{long} as {long}: 99.9 %": 0.999,
        }
        assert [x.text for x in svg.iter("text") if x.text.isdecimal()] == ["75", "25", "100"]
        assert f"{'a' * 9}\N{HORIZONTAL ELLIPSIS}{'a' * 8}" in [x.text for x in svg.iter("text")]

    @pytest.mark.parametrize(("count", "side"), [(40, 16), (150, 12)])
    def test_a_matrix_of_many_classes_has_small_cells_and_no_numbers(self, count, side):
        svg = charts.confusion("t", np.eye(count, dtype=int).tolist(), [f"{n:03}" for n in range(count)])
        assert len(drawn(svg, "rect", "cell")) == count
        assert drawn(svg, "rect", "frame")[0].get("width") == str(count * side)
        assert not [x.text for x in svg.iter("text") if x.text == "100" and x.get("text-anchor") == "middle"]


class TestTraining:
    def test_epochs_without_a_loss_are_named_and_left_open(self, tmp_path):
        rows = "0,2,3,.1,.2\n1,nan,3,.2,.3\n2,2,inf,.3,.4\n3,1,1e38,.4,.5\n4,1,2,.4,.6\n"
        stage(tmp_path, "broken", rows=rows)
        section = training.section(find_run(tmp_path), [""], ["finer"])
        text = " ".join(section.itertext())
        assert "broken: in epochs 2, 3, 4 the loss is no number that can be drawn." in text
        assert "finer has begun, and finished no epoch yet." in text
        loss = section.find(".//figure/svg")
        stretches = [len(line.get("points").split()) for line in drawn(loss, "polyline", "training")]
        assert stretches == [1, 3]
        assert [len(line.get("points").split()) for line in drawn(loss, "polyline", "validation")] == [2, 1]

    def test_many_epochs_without_a_loss_are_counted(self, tmp_path):
        stage(tmp_path, "broken", rows="0,2,3,.1,.2\n" + "".join(f"{n},nan,3,.1,.2\n" for n in range(1, 12)))
        text = " ".join(training.section(find_run(tmp_path), [""]).itertext())
        assert "in epochs 2, 3, 4, 5, 6, 7, 8, 9 and 3 more the loss is no number" in text


class TestElements:
    def test_what_strangers_wrote_is_text(self):
        made = elements.element("p", "<b>&", [1, None, elements.element("i", "x")], "</p>", title='"><script>')
        page = elements.document("</title><script>", "p { }", made)
        found = []
        parser = HTMLParser()
        parser.handle_starttag = lambda tag, attributes: found.append((tag, attributes))
        parser.feed(page)
        assert [tag for tag, _ in found] == ["html", "head", *["meta"] * 5, "title", "style", "body", "p", "i"]
        assert found[-2] == ("p", [("title", '"><script>')])
        assert "&lt;b&gt;&amp;1<i>x</i>&lt;/p&gt;</p>" in page
        assert "<title>&lt;/title&gt;&lt;script&gt;</title>" in page

    def test_what_no_page_may_hold_is_replaced(self):
        made = elements.element("p", "a\x00b\x1b\udcff\n")
        assert made.text == "a\ufffdb\ufffd\ufffd\n"
        elements.document("\udcff", "", made).encode("utf-8")


class TestScores:
    def test_what_is_found_best_and_worst(self):
        result = summary(np.array([[4, 0, 0], [4, 0, 0], [0, 0, 2]]), ["a", "b", "c"])
        assert scores._in_words(result) == "Found best: c, IU 100.00 %. Found worst: b, IU 0.00 %."
        perfect = summary(np.diag([1, 2, 0]), ["a", "b", "c"])
        assert scores._in_words(perfect) == "IU 100.00 %: a, b."
        assert scores._most_confused(["a", "b", "c"], perfect["matrix"]).text == "No pixel is wrong."
        assert list(scores._notes(perfect)) == ["Left out of the means, in neither truth nor prediction: c."]

    def test_classes_that_are_only_predicted(self):
        result = summary(np.array([[3, 1], [0, 0]]), ["a", "b"])
        assert list(scores._notes(result)) == [
            "Predicted but in no label, so IU 0 counts in mean IU: b. "
            "Mean IU over the classes that the labels hold: 75.00 %."
        ]


def test_one_image_has_no_spread():
    assert images._spread(scored(None, 0.3), {}) is None


def test_images_are_shrunk_and_ids_picked():
    truth = np.arange(2 * 1040).reshape(2, 1040) % 251
    image = np.zeros((2, 1040, 3), np.uint8)
    small, picked, labels = images.shrunk(image, truth, truth + 1)
    assert (small.shape, picked.shape) == ((1, 520, 3), (1, 520))
    np.testing.assert_array_equal(picked, truth[1:, 1::2])  # the middles of two by two pixels
    np.testing.assert_array_equal(labels, picked + 1)
    assert images.shrunk(image[:, :520], truth[:, :520], truth[:, :520])[1].shape == (2, 520)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (None, "-"),
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (61, "61 s"),
        (150, "2 min"),
        (3599, "1 h 00 min"),
        (7500, "2 h 05 min"),
    ],
)
def test_durations(seconds, told):
    assert words.duration(seconds) == told


def test_rates_and_counts():
    assert [words.rate(x) for x in (None, 0.1234, 12.345, 99.96, 1234.5)] == ["-", "0.123", "12.3", "100", "1234"]
    assert [words.counted(n, "image") for n in (0, 1, 1012)] == ["0 images", "1 image", "1,012 images"]
    assert [words.percent(x) for x in (None, 0.12345, 1)] == ["-", "12.35", "100.00"]
    assert math.isclose(float(words.percent(1 / 3)), 33.33)


def test_long_names_lose_their_middle():
    dots = "\N{HORIZONTAL ELLIPSIS}"
    names = [shortened(name, 7) for name in ("", "seven77", "eight888", "a long name")]
    assert names == ["", "seven77", f"eig{dots}888", f"a l{dots}ame"]
    assert shortened("abcdefgh", 4) == f"ab{dots}h"


def test_the_cells_of_a_matrix_are_darker_the_larger_the_share_of_their_row():
    cells = cells_of(np.array([[3, 1], [0, 0]]), side=2)
    # (255, 255, 255) to (8, 48, 107): three quarters and one quarter of the way; a class that is nowhere is white.
    whole = [[[70, 100, 144]] * 2 + [[193, 203, 218]] * 2] * 2 + [[[255, 255, 255]] * 4] * 2
    np.testing.assert_array_equal(cells, whole)
    assert cells.dtype == np.uint8
