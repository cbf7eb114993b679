"""`fcn-query`: what it writes, what it prints and how it ends; against a server without a model."""

import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fcn_keras_console.labelled_by import FILE
from serving.client.command import main
from serving.errors import ServingError
from tests.serving import fake_servers
from tests.serving.fake_servers import png


@pytest.fixture
def server():
    """One for each test: requests that a call leaves behind when it ends early must not come to the next."""
    with fake_servers.rest() as fake:
        yield fake


@pytest.fixture
def photos(tmp_path):
    """Three images in two levels, beside files that are none."""
    folder = tmp_path / "photos"
    (folder / "inner").mkdir(parents=True)
    (folder / ".hidden").mkdir()
    for seed, name in enumerate(("a.png", "b.v2.JPG", "inner/a.bmp", ".hidden/c.png", "inner/.d.png")):
        Image.fromarray(picture(seed)).save(folder / name)
    (folder / "notes.txt").write_text("no image")
    return folder


def picture(seed=0):
    return np.random.default_rng(seed).integers(0, 256, (6 + seed, 9, 3), dtype=np.uint8)


def run(server, *arguments):
    return main([getattr(server, "url", server), *map(str, arguments)])


def ids(path):
    with Image.open(path) as image:
        return np.array(image)


def files(folder):
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file() and path.name != FILE
    )


def error_of(capsys, server, *arguments):
    """Run the command, and return the one line that it fails with."""
    assert run(server, *arguments) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("fcn-query: ")
    assert output.err.count("\n") == 1
    return output.err


def test_a_folder_becomes_labels(server, photos, tmp_path, capsys):
    out = tmp_path / "new" / "out"
    for _ in range(2):  # results of an earlier call are replaced
        assert run(server, photos, "--output", out, "--model", "m") == 0
        assert capsys.readouterr() == (f"3 images labelled in {out}; left alone: 1 .txt, 2 hidden files\n", "")
    assert files(out) == ["labels/a.png", "labels/b.v2.png", "labels/inner/a.png"]
    for name, key in (("a.png", "a"), ("b.v2.JPG", "b.v2"), ("inner/a.bmp", "inner/a")):
        expected = fake_servers.label((photos / name).read_bytes())
        np.testing.assert_array_equal(ids(out / "labels" / f"{key}.png"), expected)
    # Of one version: labels of a newer one that comes meanwhile would get mixed with them.
    assert {request[0] for request in server.requests} == {"/v1/models/m/versions/1:predict"}


def test_results_among_the_images_are_no_images(server, photos):
    for _ in range(2):
        assert run(server, photos, "--output", photos) == 0
    assert files(photos / "labels") == ["a.png", "b.v2.png", "inner/a.png"]
    assert len(server.requests) == 6


def test_heads_and_16_bits(server, photos, tmp_path, capsys):
    wide = (np.arange(6).reshape(2, 3) * 1000).astype(np.uint16)
    server.signature = {
        "inputs": {"image_bytes": "DT_STRING"},
        "outputs": {"sem_png_bytes": "DT_STRING", "geo_png_bytes": "DT_STRING"},
    }
    server.respond = lambda _: {"sem_png_bytes": png(wide), "geo_png_bytes": png(wide.astype("uint8"))}
    assert run(server, photos / "a.png", "--output", tmp_path / "out") == 0
    assert capsys.readouterr().out == f"1 image labelled in {tmp_path / 'out'}\n"
    assert files(tmp_path / "out") == ["labels_geo/a.png", "labels_sem/a.png"]
    np.testing.assert_array_equal(ids(tmp_path / "out" / "labels_sem" / "a.png"), wide)
    np.testing.assert_array_equal(ids(tmp_path / "out" / "labels_geo" / "a.png"), wide.astype("uint8"))
    Image.fromarray(wide).save(tmp_path / "out" / "labels_geo" / "a.png")
    assert run(server, photos / "a.png", "--output", tmp_path / "out") == 2


def test_photographs_that_the_server_scaled_are_named(server, photos, tmp_path, capsys):
    outputs = {"label_png_bytes": "DT_STRING", "scored_height": "DT_INT32", "scored_width": "DT_INT32"}
    server.signature = {**server.signature, "outputs": {**server.signature["outputs"], **outputs}}
    server.respond = lambda inputs: {**fake_servers.respond(inputs), "scored_height": 3, "scored_width": 4}
    out = tmp_path / "out"
    assert run(server, photos / "a.png", "--output", out) == 0
    height, width = ids(out / "labels" / "a.png").shape
    told = f"1 of them scaled: {photos / 'a.png'} {width}x{height} -> 4x3"
    assert capsys.readouterr().out == f"1 image labelled in {out}\n{told}\n"
    assert run(server, photos / "a.png", "--output", out, "--json") == 0
    assert json.loads(capsys.readouterr().out)["scaled"] == {"width": 4, "height": 3}


def test_another_scale_goes_along_with_every_image(server, photos, tmp_path, capsys):
    out = ("--output", tmp_path / "out", "--scale", "640")
    assert "has no signature 'serving_scaled'" in error_of(capsys, server, photos / "a.png", *out)
    server.signature_name = "serving_scaled"
    server.signature = {**server.signature, "inputs": {"image_bytes": "DT_STRING", "scale": "DT_STRING"}}
    assert run(server, photos / "a.png", *out) == 0
    ((_, signature, inputs),) = server.requests
    assert signature == "serving_scaled"
    assert inputs == {"image_bytes": (photos / "a.png").read_bytes(), "scale": b"640"}


def test_images_that_fail_are_named_and_the_others_go_on(server, photos, tmp_path, capsys):
    (photos / "b.v2.JPG").write_bytes(b"broken")
    (photos / "z.png").symlink_to("nowhere")
    # The models, the metadata, the colours, the metadata of the version, and one of the images.
    server.moods.extend([None, None, None, None, 400])
    assert run(server, photos, "--output", tmp_path / "out", "--concurrency", 1) == 1
    output = capsys.readouterr()
    assert output.out == f"1 image labelled in {tmp_path / 'out'}, 3 failed; left alone: 1 .txt, 2 hidden files\n"
    broken = f"fcn-query: {photos / 'b.v2.JPG'}: Not a JPEG, PNG, BMP or WebP file.\n"
    told = f"fcn-query: {photos / 'a.png'}: told to fail with 400\n"
    assert output.err == told + broken + f"fcn-query: {photos / 'z.png'}: No such file or directory\n"
    assert files(tmp_path / "out") == ["labels/inner/a.png"]


def test_a_server_that_is_lost_ends_it(server, photos, tmp_path, capsys):
    server.moods.extend([None] * 4 + ["cut"] * 50)  # all is well for the models, the metadata and the colours
    assert "cannot be reached" in error_of(capsys, server, photos, "--output", tmp_path / "out", "--concurrency", 1)


def test_depth_and_hha_are_found_by_name(server, photos, tmp_path, capsys):
    (tmp_path / "depth" / "inner").mkdir(parents=True)
    depth = np.full((6, 9), 1500, np.uint16)
    Image.fromarray(depth).save(tmp_path / "depth" / "a.png")
    server.signature = {**server.signature, "inputs": {"image_bytes": "DT_STRING", "depth_png_bytes": "DT_STRING"}}
    out = ("--output", tmp_path / "out", "--depth", tmp_path / "depth")
    assert run(server, photos / "a.png", *out) == 0
    with Image.open(io.BytesIO(server.requests[0][2]["depth_png_bytes"])) as image:
        np.testing.assert_array_equal(np.array(image), depth)
    capsys.readouterr()
    message = f"b.v2.JPG, {photos / 'inner' / 'a.bmp'} lack a file of the same name in --depth {tmp_path / 'depth'}."
    assert message in error_of(capsys, server, photos, *out)
    message = "Model 'model' takes image and depth. Received: image."
    assert message in error_of(capsys, server, photos, "--output", tmp_path / "out")
    server.signature = {"inputs": {"rgb_bytes": "DT_STRING", "hha_bytes": "DT_STRING"}, "outputs": {"x": "DT_FLOAT"}}
    message = "Model 'model' gives no label PNGs. fcn-export writes models that do."
    assert message in error_of(
        capsys, server, photos / "a.png", "--output", tmp_path / "out", "--hha", tmp_path / "depth"
    )


def test_files_of_others_are_never_overwritten(server, photos, tmp_path, capsys):
    (tmp_path / "labels").mkdir()
    truth = png(np.zeros((3, 3), np.uint8))
    (tmp_path / "labels" / "a.png").write_bytes(truth)
    message = f"{tmp_path / 'labels' / 'a.png'} exists, and fcn-query did not write it. Choose another --output."
    assert message in error_of(capsys, server, photos, "--output", tmp_path)
    # The images themselves, too.
    assert message in error_of(capsys, server, tmp_path / "labels", "--output", tmp_path)
    assert (tmp_path / "labels" / "a.png").read_bytes() == truth
    assert not server.requests


def test_what_is_wrong_is_one_line(server, photos, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    Image.fromarray(picture()).save(photos / "a.jpg")
    out = ("--output", tmp_path / "out")
    for arguments, message in [
        ((tmp_path / "none", *out), "none is missing. Name images, or folders of images."),
        ((tmp_path / "empty", *out), "empty holds no image. Expected files such as 0001.jpg."),
        ((photos, *out), "a.png would both become a.png. Rename one, or label them in two calls"),
        ((photos / "a.png", "--output", tmp_path / "file"), "file cannot be written to: File exists. Choose another"),
        ((photos / "a.png", *out, "--concurrency", "0"), "`concurrency` is a positive whole number. Received: 0"),
        ((photos / "a.png", *out, "--timeout", "0"), "`timeout` is a number of seconds"),
        ((photos / "a.png", *out, "--model-version", "1", "--label", "x"), "`version` and `label` exclude each other"),
    ]:
        assert message in error_of(capsys, server, *arguments)
    assert "`url` is http://host:8501" in error_of(capsys, "localhost", photos / "a.png", *out)
    server.moods.append(404)
    assert "told to fail with 404" in error_of(capsys, server, photos / "a.png", *out, "--model", "m")
    assert not server.requests


def test_a_server_that_is_not_there(photos, tmp_path, capsys):
    with fake_servers.rest() as gone:
        pass
    for arguments in ((photos, "--output", tmp_path / "out"), ("--status",)):
        assert "cannot be reached" in error_of(capsys, gone.url, *arguments)
    assert not (tmp_path / "out").exists()


def test_status(server, capsys):
    server.versions = [(2, "LOADING", "OK", ""), (1, "END", "UNKNOWN", "no weights")]
    assert run(server, "--status", "--model", "m") == 0
    assert capsys.readouterr().out == "m version 1 END UNKNOWN no weights\nm version 2 LOADING\n"


@pytest.mark.parametrize(
    "message", ["Servable not found for request: Latest(m)", "Could not find any versions of model m"]
)
def test_an_unknown_model_is_to_be_named(server, capsys, monkeypatch, message):
    def status(_):
        raise ServingError("NOT_FOUND", message)

    monkeypatch.setattr("serving.client.command._status", status)
    assert run(server, "--status") == 2
    assert "Say --model NAME, as the server calls it: fcn-serve by the model's folder" in capsys.readouterr().err


def test_the_only_model_is_asked(server, photos, tmp_path, capsys):
    server.names = ["fcn"]
    assert run(server, "--status") == 0
    assert capsys.readouterr().out == "fcn version 1 AVAILABLE\n"
    assert run(server, photos / "a.png", "--output", tmp_path / "out") == 0
    assert server.requests[-1][0] == "/v1/models/fcn/versions/1:predict"


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a", "b"], "has 2 models. Say --model NAME: a, b."),
        ([], "has 0 models. Say --model NAME."),
        (None, "does not say which models it has. Say --model NAME: fcn-serve tells it over http://, TensorFlow"),
    ],
)
def test_one_of_several_models_is_to_be_named(names, message, server, capsys):
    server.names = names
    assert message in error_of(capsys, server, "--status")


def test_missing_arguments(server, photos, capsys):
    for arguments in ((), (photos,), ("--output", "x")):
        with pytest.raises(SystemExit) as caught:
            run(server, *arguments)
        assert caught.value.code == 2
        assert "say which images, and --output DIR; or --status" in capsys.readouterr().err


def test_help_tells_the_exit_codes(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "0 all images are labelled 1 some failed 2 nothing can be done" in " ".join(capsys.readouterr().out.split())


def test_progress_is_for_terminals(server, photos, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert run(server, photos, "--output", tmp_path / "out") == 0
    captured = capsys.readouterr()
    assert "3/3" in captured.err
    assert captured.out == f"3 images labelled in {tmp_path / 'out'}; left alone: 1 .txt, 2 hidden files\n"


def test_json_is_a_line_for_every_image(server, photos, tmp_path, capsys):
    (photos / "b.v2.JPG").write_bytes(b"broken")
    assert run(server, photos, "--output", tmp_path / "out", "--json") == 1
    lines = map(json.loads, capsys.readouterr().out.splitlines())
    said = {Path(line["image"]).relative_to(photos).as_posix(): line for line in lines}
    assert said["a.png"]["labels"] == {"": str(tmp_path / "out" / "labels" / "a.png")}
    assert "Not a JPEG" in said["b.v2.JPG"]["error"]


def test_confidence_is_written_beside_the_labels(server, photos, tmp_path, capsys):
    name, out = "confidence_map_bytes", tmp_path / "out"
    kinds = fake_servers.SIGNATURE["outputs"]
    server.signature = {**fake_servers.SIGNATURE, "outputs": {**kinds, name: "DT_STRING"}}
    server.respond = lambda inputs: {**(found := fake_servers.respond(inputs)), name: found["label_png_bytes"]}
    assert run(server, photos / "a.png", "--output", out, "--model", "m", "--json") == 0
    assert json.loads(capsys.readouterr().out)["confidence"] == {"": str(out / "confidence" / "a.png")}
    assert files(out) == ["confidence/a.png", "labels/a.png"]
    np.testing.assert_array_equal(ids(out / "confidence" / "a.png"), picture()[..., 0] // 16)
    with Image.open(out / "confidence" / "a.png") as stored:
        assert (stored.mode, stored.info["Description"][:10]) == ("L", "Confidence")
    (out / "confidence" / "a.png").write_bytes(b"of others")
    message = error_of(capsys, server, photos / "a.png", "--output", out, "--model", "m")
    assert "confidence/a.png exists, and fcn-query did not write it" in message


def test_interrupted(server, photos, tmp_path, capsys, monkeypatch):
    from serving.client import label_files

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(label_files, "write_labels", interrupt)
    assert run(server, photos, "--output", tmp_path / "out") == 130
    assert capsys.readouterr().err == "fcn-query: interrupted\n"


def test_a_full_disk_leaves_no_part(server, photos, tmp_path, capsys, monkeypatch):
    save = Image.Image.save

    def fail(self, path, *arguments, **options):
        if isinstance(path, io.BytesIO):  # the server
            return save(self, path, *arguments, **options)
        path.write_bytes(b"part")
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(Image.Image, "save", fail)
    assert "No space left on device" in error_of(capsys, server, photos, "--output", tmp_path / "out")
    assert files(tmp_path / "out") == []
