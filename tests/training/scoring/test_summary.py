"""What is reported of a confusion matrix: the table and the picture."""

import numpy as np

from training.scoring.summary import by_head, interval_sentence, picture, summary, table


def test_the_table():
    matrix = np.array([[30, 10, 0, 0], [0, 59, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
    assert table(summary(matrix, ("sky", "a long class name", "ghost", "boat"))) == "\n".join(
        [
            "class               pixels  accuracy       IU",
            "sky                  40.00     75.00    75.00",
            "a long class name    60.00     98.33    84.29",
            "ghost                 0.00         -     0.00",
            "boat                  0.00         -        -  left out",
            "",
            "pixel accuracy       89.00",
            "mean accuracy        86.67",
            "mean IU              53.10",
            "f.w. IU              80.57",
            "",
            "Left out of the means, in neither truth nor prediction: boat.",
            "",
            "Predicted but in no label, so IU 0 counts in mean IU: ghost.",
            "Mean IU over the 2 classes that the labels hold: 79.64.",
        ]
    )


def test_few_images_are_told_what_their_intervals_are_worth():
    said = [interval_sentence({"images": images, "to_halve": 4 * images}) for images in (19, 20)]
    assert said[0].endswith("these 19 images, so few that they are too narrow.")
    assert said[1].endswith("these 20 images; 80 would halve them.")


def test_heads_stand_below_their_names():
    assert by_head("title", {"": "a"}) == "title\n\na"
    assert by_head("title", {"sem": "a", "geo": "b"}) == "title\n\nsem\na\n\ngeo\nb"


def test_the_picture_takes_one_class_and_many():
    for count in (1, 12):
        names = tuple(f"class {index}" for index in range(count))
        assert picture(summary(np.eye(count, dtype=np.int64), names)).mode == "RGB"
