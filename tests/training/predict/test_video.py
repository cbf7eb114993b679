"""`fcn-predict` on videos: frames, times, sizes, and files that are none."""

import json
import struct
import sys
from fractions import Fraction

import av
import numpy as np
import pytest

import fcn_keras as fcn
from fcn_keras.colors import class_colors
from fcn_keras.visualize import overlay
from fcn_keras_console.labelled_by import FILE
from tests.training.tiny import NARROW, picture, saved, snapshot, write
from training.predict.command import main
from training.predict.marks import is_result
from training.predict.video import opened


def frame(number, height, width):
    return np.roll(picture(height, width), 4 * number, axis=1)


def video(
    path, frames=6, *, size=(48, 64), codec="libx264", rate=12, times=None, sound=0, aspect=None, track_codec="aac"
):
    """Write a video that loses nothing visible; `times` are seconds * 1000, `sound` seconds of a tone of 440 Hz."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.height, stream.width = size
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p" if codec == "libvpx-vp9" else "yuv444p"
        if times:
            stream.codec_context.time_base = Fraction(1, 1000)
        if aspect:
            stream.codec_context.sample_aspect_ratio = aspect
        track = container.add_stream(track_codec, rate=8000, layout="mono") if sound else None
        for number in range(frames):
            shown = av.VideoFrame.from_ndarray(frame(number, *size), format="rgb24")
            if times:
                shown.pts, shown.time_base = times[number], Fraction(1, 1000)
            container.mux(stream.encode(shown))
        container.mux(stream.encode())
        if track:
            for piece in av.AudioResampler(track.codec_context.format, "mono", 8000).resample(tone(sound)):
                container.mux(track.encode(piece))
            container.mux(track.encode())
    return path


def tone(seconds):
    wave = np.sin(2 * np.pi * 440 * np.arange(8000 * seconds) / 8000, dtype="float32")
    made = av.AudioFrame.from_ndarray(0.5 * wave[None], format="fltp", layout="mono")
    made.sample_rate = 8000
    return made


def contents(path):
    """Frames, times in seconds, and rate."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        shown = [(x.to_ndarray(format="rgb24"), x.time) for x in container.decode(stream)]
        return [x for x, _ in shown], [time for _, time in shown], stream.average_rate


def call(capfd, *arguments):
    code = main([*map(str, arguments)])
    told = capfd.readouterr()
    return code, told.out.splitlines(), [line for line in told.err.splitlines() if not line.startswith("next: ")]


@pytest.mark.parametrize(
    ("name", "size", "codec"),
    [("a.mp4", (48, 64), "libx264"), ("b.mov", (33, 47), "libx264"), ("c.avi", (48, 64), "mjpeg"),
     ("d.webm", (48, 64), "libvpx-vp9"), ("e.mkv", (2, 2), "libx264")],
)  # fmt: skip
def test_every_frame_is_painted(models_once, net, tmp_path, capfd, name, size, codec):
    path = video(tmp_path / "in" / name, size=size, codec=codec)
    out = tmp_path / "out"
    code, lines, errors = call(capfd, net, path, "--output", out)
    assert (code, [line for line in errors if not line.startswith("next: ")]) == (0, [])
    target = out / "overlays" / f"{name[0]}.mp4"
    assert [x for x in out.rglob("*") if x.is_file() and x.name not in (FILE, "legend.png")] == [target]
    assert lines[0].startswith(f"{path} {size[1]}x{size[0]}, 6 frames -> overlays/{name[0]}.mp4  class ")
    assert lines[-1] == f"1 video labelled in {out}"
    model = models_once(net)
    colors = class_colors(model.output.shape[-1])
    with opened(path) as given:
        images = [image for _, image in given.frames()]
    painted, _, rate = contents(target)
    assert float(rate) == pytest.approx(12, rel=0.002)  # WebM keeps times in milliseconds
    assert len(painted) == len(images) == 6
    for image, found in zip(images, painted, strict=True):
        assert found.shape == (*size, 3)
        assert np.abs(found.astype(int) - overlay(image, fcn.predict(model, image), colors=colors)).mean() < 12
    assert is_result(target)
    assert call(capfd, net, path, "--output", out)[0] == 0  # its own result is replaced


def test_frames_keep_their_times(net, tmp_path, capfd):
    times = [0, 40, 200, 240, 1000, 1500]
    path = video(tmp_path / "a.mp4", times=times)
    assert call(capfd, net, path, "--output", tmp_path)[0] == 0
    _, found, _ = contents(tmp_path / "overlays" / "a.mp4")
    np.testing.assert_allclose(found, np.array(times) / 1000, atol=0.001)


def trimmed(path, source, start):
    """Cut the first frames off without encoding anew, as phones do: they stay in the file and are not shown."""
    with av.open(str(source)) as given, av.open(str(path), "w") as container:
        stream = container.add_stream_from_template(given.streams.video[0])
        for packet in given.demux(video=0):
            if packet.dts is not None:
                shift = round(start / packet.time_base)
                packet.pts, packet.dts, packet.stream = packet.pts - shift, packet.dts - shift, stream
                container.mux(packet)
    return path


def test_whole_videos_are_not_taken_for_cut_off(tmp_path):
    """What they announce in frames, if anything, is a guess from their length and rate."""
    given = {
        "uneven": (video(tmp_path / "a.mkv", times=[0, 40, 200, 240, 1000, 1500]), 6),
        "outlasted by sound": (video(tmp_path / "b.mkv", sound=4), 6),
        "trimmed": (trimmed(tmp_path / "c.mp4", video(tmp_path / "whole.mp4", 24), 1), 12),
        "of one frame": (video(tmp_path / "d.webm", 1, codec="libvpx-vp9"), 1),
        "of a late beginning": (video(tmp_path / "e.webm", 3, codec="libvpx-vp9", times=[9000, 9100, 9200]), 3),
    }
    for what, (path, frames) in given.items():
        with opened(path) as whole:
            assert len(list(whole.frames())) == frames, what


def test_players_are_told_how_colours_are_coded(net, tmp_path, capfd):
    """BT.601 and no more than 16..235: from the size of a picture alone, players guess another matrix."""
    path = video(tmp_path / "a.mp4", frames=1)
    assert call(capfd, net, path, "--output", tmp_path)[0] == 0
    with av.open(str(tmp_path / "overlays" / "a.mp4")) as container:
        context = container.streams.video[0].codec_context
        assert context.colorspace in (5, 6)  # of H.264's table E-5


def with_matrix(path, *, columns, rows):
    """Let a video of 48 rows and 64 columns be shown turned: `(right, down)` that a column and a row leads to."""
    plain = path.read_bytes()
    upright = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    start = plain.index(upright, plain.index(b"tkhd"))
    shift = [64 * (columns[axis] < 0) + 48 * (rows[axis] < 0) for axis in range(2)]  # back to what is seen
    numbers = [int(x * 2**16) for x in (*columns, 0, *rows, 0, *shift)] + [1 << 30]
    path.write_bytes(plain[:start] + struct.pack(">9i", *numbers) + plain[start + len(upright) :])
    return path


@pytest.mark.parametrize(
    ("columns", "rows", "shown"),
    [
        ((1, 0), (0, 1), lambda image: image),
        ((-1, 0), (0, 1), lambda image: image[:, ::-1]),  # a mirror, as front cameras write it
        ((1, 0), (0, -1), lambda image: image[::-1]),
        ((-1, 0), (0, -1), lambda image: image[::-1, ::-1]),
        ((0, 1), (-1, 0), lambda image: np.rot90(image, -1)),  # to the right, as phones that are held upright write it
        ((0, -1), (1, 0), np.rot90),
        ((0, 1), (1, 0), lambda image: image.swapaxes(0, 1)),
        ((0, -1), (-1, 0), lambda image: image[::-1, ::-1].swapaxes(0, 1)),
        ((0.9, 0.1), (-0.1, 0.9), lambda image: image),  # nearly upright
    ],
)
def test_a_video_is_turned_and_mirrored_as_players_show_it(tmp_path, columns, rows, shown):
    path = with_matrix(video(tmp_path / "a.mp4", frames=1), columns=columns, rows=rows)
    with opened(path) as given:
        [(_, image)] = given.frames()
    expected = shown(frame(0, 48, 64))
    assert image.shape == expected.shape
    assert np.abs(image.astype(int) - expected).mean() < 12


@pytest.mark.parametrize("turned", [False, True])
def test_pixels_that_are_not_square_keep_their_aspect(net, tmp_path, capfd, turned):
    path = video(tmp_path / "a.mp4", frames=1, aspect=Fraction(4, 3))
    if turned:
        with_matrix(path, columns=(0, 1), rows=(-1, 0))
    assert call(capfd, net, path, "--output", tmp_path / "out")[0] == 0
    with av.open(str(tmp_path / "out" / "overlays" / "a.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == ((48, 64) if turned else (64, 48))
        assert stream.sample_aspect_ratio == (Fraction(3, 4) if turned else Fraction(4, 3))


@pytest.mark.parametrize(("size", "matrix"), [((16, 1280), "BT.709"), ((592, 16), "BT.709"), ((576, 16), "")])
def test_large_videos_that_say_no_matrix_are_taken_as_players_take_them(tmp_path, size, matrix):
    """(Y, U, V) as BT.709 has it for pure green: 16 + 219 * 0.7152, 128 - 224 * 0.3854, 128 - 224 * 0.4542."""
    planes = np.full((3 * size[0] // 2, size[1]), 173, np.uint8)
    chroma = planes[size[0] :].reshape(-1)  # U, then V, each of a quarter of the pixels
    chroma[: chroma.size // 2], chroma[chroma.size // 2 :] = 42, 26
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=5, options={"crf": "1"})
        stream.height, stream.width, stream.pix_fmt = *size, "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(planes, format="yuv420p")))
        container.mux(stream.encode())
    with opened(tmp_path / "a.mp4") as given:
        [(_, image)] = given.frames()
    assert given.guessed_matrix == matrix
    is_green = np.abs(image.astype(int) - (0, 255, 0)).max() <= 6
    assert is_green == bool(matrix)


def test_a_guessed_matrix_is_said(net, tmp_path, capfd):
    path = video(tmp_path / "a.mp4", frames=1, size=(16, 1280))
    _, lines, _ = call(capfd, net, path, "--output", tmp_path / "out")
    assert lines[0].endswith("; its colours are untagged, taken as BT.709")
    _, lines, _ = call(capfd, net, path, "--output", tmp_path / "out", "--json")
    assert json.loads(lines[0])["colors"] == "untagged, taken as BT.709"


def test_videos_beside_images_and_heads(net_of_two_heads, tmp_path, capfd):
    model = net_of_two_heads
    video(tmp_path / "in" / "a.mp4", frames=2)
    write(tmp_path / "in" / "a.png", picture(24, 32))
    arguments = (model, tmp_path / "in" / "*", "--output", tmp_path / "out", "--format", "overlay,ids")
    code, lines, _ = call(capfd, *arguments)
    assert (code, lines[-1]) == (0, f"1 image and 1 video labelled in {tmp_path / 'out'}")
    found = sorted(x.relative_to(tmp_path / "out").as_posix() for x in (tmp_path / "out").rglob("[!.]*.*"))
    single = ["ids_geo/a.png", "ids_sem/a.png", "legend_geo.png", "legend_sem.png"]
    assert found == [*single, *(f"overlays_{head}/a.{end}" for head in ("geo", "sem") for end in ("jpg", "mp4"))]


def broken(folder):
    whole = video(folder / "whole.avi", codec="mjpeg", frames=20).read_bytes()
    (folder / "whole.avi").unlink()
    mp4 = video(folder / "x.mp4").read_bytes()
    (folder / "x.mp4").unlink()
    return {
        "cut.avi": (whole[: len(whole) // 2], "it ends after "),
        "cut.mp4": (mp4[: len(mp4) // 2], ""),
        "empty.mp4": (b"", "the file is empty"),
        "text.mp4": (b"hello there, I am a text", "it begins with b'hello there,'. Expected MP4, MOV"),
        "list.mkv": (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "it begins with b'#EXTM3U"),
    }


def test_what_is_no_video_is_one_line(net, tmp_path, capfd):
    for name, (data, reason) in broken(tmp_path).items():
        path = tmp_path / name
        path.write_bytes(data)
        before = snapshot(tmp_path)
        code, _, lines = call(capfd, net, path, "--output", tmp_path / "out")
        assert (code, len(lines)) == (2, 1), (name, lines)
        assert lines[0].startswith(f"fcn-predict: {path} cannot be read as a video")
        assert reason in lines[0]
        assert {x: y for x, y in snapshot(tmp_path).items() if y is not None and x not in before} == {}


def test_broken_videos_are_skipped(net, tmp_path, capfd):
    (data, _) = broken(tmp_path)["cut.avi"]
    (tmp_path / "cut.avi").write_bytes(data)
    video(tmp_path / "good.mp4", frames=2)
    arguments = (net, tmp_path / "*.*", "--output", tmp_path / "out", "--on-error", "skip")
    code, lines, errors = call(capfd, *arguments)
    assert (code, len(errors)) == (0, 1)  # the broken one, and the command that comes next
    assert lines[-1] == f"1 video labelled in {tmp_path / 'out'}; 1 skipped"


def test_videos_of_others_are_never_replaced(net, tmp_path, capfd):
    path = video(tmp_path / "overlays" / "a.mp4", frames=2)
    before = snapshot(tmp_path)
    code, _, lines = call(capfd, net, path, "--output", tmp_path)
    assert (code, lines) == (
        2,
        [f"fcn-predict: {path} exists, and fcn-predict did not write it. Choose another --output."],
    )
    assert snapshot(tmp_path) == before


def test_what_a_video_cannot_be(net, tmp_path, capfd, monkeypatch):
    path, out = video(tmp_path / "in" / "a.mp4", frames=2), ("--output", tmp_path / "out")
    code, _, (line,) = call(capfd, net, path, *out, "--format", "coco,ids")
    assert (code, f"{path} is a video, which becomes an overlay and nothing else: add" in line) == (2, True)
    code, _, (line,) = call(capfd, net, path.parent, *out)
    assert (code, line.endswith(f"0001.jpg. Videos are labelled when they are named: {path}.")) == (2, True)
    deep = saved(fcn.FCN32s(4, modality="rgbd", channels=NARROW), tmp_path / "deep.keras")
    code, _, (line,) = call(capfd, deep, path, *out)
    assert (code, f"This model (rgbd) takes more than colour, which {path} has not." in line) == (2, True)
    monkeypatch.setattr("PIL.Image.MAX_IMAGE_PIXELS", 1000)
    code, _, (line,) = call(capfd, net, path, *out)
    assert (code, "its frames of 64x48 exceed Pillow's limit of 1000 pixels" in line) == (2, True)
    monkeypatch.setitem(sys.modules, "av", None)
    code, _, (line,) = call(capfd, net, path, *out)
    assert (code, line) == (2, 'fcn-predict: Videos need PyAV: pip install "fcn_keras[video]"')
    assert not (tmp_path / "out").exists()
