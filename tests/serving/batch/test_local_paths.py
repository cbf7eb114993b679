"""What is wrong with paths of this machine, before Beam starts."""

import pytest

from serving.batch.local_paths import check_paths


@pytest.fixture
def places(tmp_path):
    for name in ("photos/a.jpg", "photos/inner/b.png", "models/fcn/1/saved_model.pb", "list.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def check(places, *inputs, listed=None, model="models/fcn", output="out"):
    patterns = [given if "://" in given else f"{places}/{given}" for given in inputs]
    check_paths(patterns, listed and f"{places}/{listed}", f"{places}/{model}", f"{places}/{output}")


@pytest.mark.parametrize(
    "pattern", ["photos/a.jpg", "photos/*.jpg", "photos/**", "photos/**.png", "*/?.jpg", "**/b.png", "gs://none/*.jpg"]
)
def test_what_matches(pattern, places):
    check(places, pattern, listed="list.txt")
    assert not (places / "out").exists()


@pytest.mark.parametrize(
    ("inputs", "options", "message"),
    [
        (["photos"], {}, r'photos is a folder\. Say ".*photos/\*\.jpg"'),
        (["photos/b.jpg"], {}, r"No file matches .*photos/b\.jpg\."),
        (["photos/*.png"], {}, r"No file matches .*photos/\*\.png\."),
        (["gone/**.png"], {}, r"No file matches .*gone/\*\*\.png\."),
        ([], {"listed": "photos"}, r"--list .*photos is a folder\. Name a file of paths"),
        ([], {"model": "models/fnc"}, r"--model .*fnc is not a folder\. .* Did you mean .*models/fcn\?"),
        ([], {"model": "photos"}, r"photos holds no SavedModel\. --model is a folder that fcn-export wrote\."),
        ([], {"output": "list.txt"}, r"--output .*list\.txt cannot be written to"),
    ],
)
def test_what_is_wrong(inputs, options, message, places):
    with pytest.raises(ValueError, match=message):
        check(places, *inputs, **options)
