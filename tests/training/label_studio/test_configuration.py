"""What is read of labelling configurations, and what is said of those that do not fit."""

import pytest

from tests.training.label_studio.projects import BRUSHES
from training.label_studio.configuration import Configuration, Tag


def test_tags_and_image():
    configuration = Configuration(BRUSHES)
    brush, outline = Tag("brush", "photo", "brushlabels"), Tag("outline", "photo", "polygonlabels")
    assert configuration.tags_for(["tree", "car", "road", "sky"]) == {"car": outline, "road": brush, "sky": brush}
    assert configuration.image_of({"id": 1, "data": {"picture": "/data/upload/1/a.jpg"}}) == "/data/upload/1/a.jpg"


def test_choices_have_no_labels():
    text = '<View><Image name="i" value="$i"/><Choices name="c" toName="i"><Choice value="sky"/></Choices></View>'
    with pytest.raises(ValueError, match=r"no PolygonLabels with a class of the net: sky\. Received: no labels\.$"):
        Configuration(text).tags_for(["sky"])


@pytest.mark.parametrize(
    ("text", "task", "message"),
    [
        ("<View><Text name='t' value='$t'/></View>", {"data": {"t": "a"}}, r"one image .* Received: 0\.$"),
        ('<View><Image name="a" value="$a"/><Image name="b" value="$b"/></View>', {}, r"Received: 2\.$"),
        (BRUSHES, {"id": 7, "data": {"image": "a.jpg"}}, r"^Task 7 has no address of an image as \$picture\.$"),
        (BRUSHES, {"id": 7, "data": {"picture": ["a.jpg"]}}, "^Task 7 has no address"),
        (BRUSHES, {"id": 7, "data": "text"}, "^Task 7 has no address"),
        (BRUSHES, {"id": 7, "data": 5}, "^Task 7 has no address"),
    ],
)
def test_where_no_image_is(text, task, message):
    with pytest.raises(ValueError, match=message):
        Configuration(text).image_of(task)


@pytest.mark.parametrize("text", ["", "<View>", "<!DOCTYPE x [<!ENTITY a 'b'>]><View/>", "\0"])
def test_what_is_no_configuration(text):
    with pytest.raises(ValueError, match=r"^The labelling configuration cannot be read as XML"):
        Configuration(text)
