"""How sure the pixels are, as files."""

import numpy as np
from PIL import Image

from fcn_keras.color_scale import colors_of_scale
from training.predict import certainty_files
from training.predict.certainty_files import KINDS, write_colors, write_grey, write_scale
from training.predict.marks import is_result
from training.predict.results import Result


def test_grey_values_and_colours_are_those_of_the_map(tmp_path, monkeypatch):
    monkeypatch.setattr(certainty_files, "BAND", 16)
    values = np.repeat(np.arange(40, dtype=np.uint8)[:, None] * 6, 24, axis=1)
    for kind in KINDS:
        result = Result(None, None, None, None, certainty={kind: values})
        write_grey(kind)(tmp_path / "a.png", result)
        write_colors(kind)(tmp_path / "a.jpg", result)
        write_scale(tmp_path / "scale.png", kind)
        assert all(is_result(tmp_path / name) for name in ("a.png", "a.jpg", "scale.png"))
        with Image.open(tmp_path / "a.png") as stored:
            assert stored.mode == "L"
            assert stored.info["Description"].startswith(f"{kind.capitalize()}: a grey value is the ")
            np.testing.assert_array_equal(np.array(stored), values)
        with Image.open(tmp_path / "a.jpg") as stored:
            assert np.abs(np.array(stored).astype(int) - colors_of_scale()[values]).mean() < 4
        with Image.open(tmp_path / "scale.png") as stored:
            shown = {tuple(color) for color in np.array(stored).reshape(-1, 3).tolist()}
        assert {tuple(color) for color in colors_of_scale().tolist()} <= shown
