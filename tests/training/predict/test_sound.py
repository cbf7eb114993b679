"""The sound of a labelled video is that of the original."""

import json

import av
import numpy as np
import pytest

from tests.training.predict.test_video import call, video
from training.predict.video import opened
from training.predict.video_writing import write_video


def packets(path):
    with av.open(str(path)) as container:
        track = container.streams.audio[0]
        listed = [x for x in container.demux(track) if x.dts is not None]
        return track.codec_context.name, [(float(x.pts * x.time_base), bytes(x)) for x in listed]


def samples(path):
    with av.open(str(path)) as container:
        heard = [x.to_ndarray().astype("float32").ravel() for x in container.decode(container.streams.audio[0])]
        return np.concatenate(heard)


def test_sound_that_mp4_takes_goes_over_bit_by_bit(net, tmp_path, capfd):
    path = video(tmp_path / "a.mkv", frames=24, sound=2)
    code, lines, _ = call(capfd, net, path, "--output", tmp_path / "out", "--json")
    assert code == 0
    report = json.loads(lines[0])
    assert (report["frames"], report["sound"]) == (24, "copied")
    (codec, given), (written, copied) = packets(path), packets(tmp_path / "out" / "overlays" / "a.mp4")
    assert codec == written == "aac"
    assert [x for _, x in copied] == [x for _, x in given]
    # When it is heard beside the first picture: to the millisecond, as Matroska counts.
    assert [time for time, _ in copied] == pytest.approx([time for time, _ in given], abs=2e-3)


@pytest.mark.parametrize("codec", ["pcm_s16le", "libmp3lame"])  # MP4 has no PCM, and AVI's MP3 has rough times
def test_other_sound_is_written_as_aac(net, tmp_path, capfd, codec):
    path = video(tmp_path / "a.avi", frames=24, codec="mjpeg", sound=2, track_codec=codec)
    code, lines, _ = call(capfd, net, path, "--output", tmp_path / "out")
    assert code == 0
    assert lines[0].endswith("; its sound written as AAC")
    assert packets(tmp_path / "out" / "overlays" / "a.mp4")[0] == "aac"
    heard = samples(tmp_path / "out" / "overlays" / "a.mp4")
    assert len(heard) == pytest.approx(16_000, abs=2500)  # AAC's frames have 1024 samples, MP3's 1152
    middle = heard[4000:12_000] * np.hanning(8000)
    assert np.abs(np.fft.rfft(middle)).argmax() == 440  # a second: bins are of 1 Hz
    assert np.abs(middle).max() == pytest.approx(0.5, abs=0.1)


def carried(path, targets):
    """Write a video for each of several heads, and return the sound of each."""
    with opened(path) as source:
        write_video(
            source,
            {target.stem: target for target in targets},
            lambda image: None,
            lambda image, _: {target.stem: image for target in targets},
            lambda *_: None,
            comment="ours",
        )
    return [packets(target) for target in targets]


@pytest.mark.parametrize("codec", ["libmp3lame", "pcm_s16le"])  # MP3 needs what came before
def test_the_videos_of_two_heads_sound_like_that_of_one(tmp_path, codec):
    path = video(tmp_path / "a.avi", frames=24, codec="mjpeg", sound=2, track_codec=codec)
    heard = [*carried(path, [tmp_path / "one.mp4"]), *carried(path, [tmp_path / "a.mp4", tmp_path / "b.mp4"])]
    assert len(heard[0][1]) > 12
    assert heard[0] == heard[1] == heard[2]


@pytest.mark.parametrize("as_json", [True, False])
def test_sound_of_an_unknown_kind_is_left_out_and_said(net, tmp_path, capfd, as_json):
    path = video(tmp_path / "a.mkv", frames=36, sound=3)
    known = path.read_bytes()
    assert known.count(b"A_AAC") == 1
    path.write_bytes(known.replace(b"A_AAC", b"A_NEW"))
    code, lines, _ = call(capfd, net, path, "--output", tmp_path / "out", *(["--json"] if as_json else []))
    assert code == 0
    if as_json:
        assert json.loads(lines[0])["sound"] == "left out"
    else:
        assert lines[0].endswith("; its sound, of an unknown kind, is left out")
    with av.open(str(tmp_path / "out" / "overlays" / "a.mp4")) as container:
        assert not container.streams.audio


def test_a_video_without_sound(net, tmp_path, capfd):
    path = video(tmp_path / "a.mp4")
    _, lines, _ = call(capfd, net, path, "--output", tmp_path / "out", "--json")
    report = json.loads(lines[0])
    assert (report["frames"], report["sound"]) == (6, "none")
    with av.open(str(tmp_path / "out" / "overlays" / "a.mp4")) as container:
        assert not container.streams.audio
    assert report["outputs"] == ["overlays/a.mp4"]
    assert sum(report["classes"].values()) == pytest.approx(1)
