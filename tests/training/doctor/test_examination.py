"""Clean data is left in peace, every file is decoded once, and nothing heavy is imported for it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.training.faulty import codes
from training.doctor.examination import examine


def test_clean_data_is_left_in_peace(data):
    assert examine(data).findings == ()


def test_real_data_is_left_in_peace(shared):
    report = examine(shared / "data" / "camvid", classes=11, ignore_label=11)
    assert codes(report) == set()
    assert report.sizes == ((360, 480, 468),)
    assert report.buckets == ((384, 480),)


@pytest.mark.parametrize("kind", ["images", "labels"])
def test_every_file_is_decoded_once(data, monkeypatch, kind):
    from training.doctor import checks

    name = {"images": "read_picture", "labels": "read_mask_file"}[kind]
    decode, decoded = getattr(checks, name), []

    def counted(path, **options):
        decoded.append(path)
        return decode(path, **options)

    monkeypatch.setattr(checks, name, counted)
    examine(data)
    assert sorted(decoded) == sorted(data.glob(f"*/{kind}/*"))


def test_progress_is_told_after_each_pair(data):
    calls = []
    examine(data, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(done, 10) for done in range(1, 11)]


def test_the_command_starts_neither_tensorflow_nor_what_draws(origin):
    """It takes half a second so, and six with TensorFlow."""
    program = (
        "import sys; from training.doctor.command import main; main(sys.argv[1:]); "
        "print(sorted({'tensorflow', 'keras', 'matplotlib', 'scipy', 'training.recipes'} & set(sys.modules)))"
    )
    root = Path(__file__).resolve().parents[3]
    ran = subprocess.run(
        [sys.executable, "-c", program, origin],
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.splitlines()[-1] == "[]"
