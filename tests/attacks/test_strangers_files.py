"""Files of strangers: what the code may not use, and what readers do with files that were made to break them."""

import ast
import io
import tarfile
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from fcn_keras import keras_files
from fcn_keras.datasets.nyud_v2 import FILE, NyudV2
from fcn_keras.models import FCN32s
from tests.attacks.fuzz_files import Findings, mutated, storm
from tests.attacks.weight_formats import CORPUS, KINDS, attempt, seeds, wrapped
from tests.conftest import NARROW
from training.submit import command as submit

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("fcn_keras", "training", "serving", "examples")

# --- The code -----------------------------------------------------------------------------------------------

UNPICKLERS = {"pickle", "_pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "torch"}
# Names that run code which a file holds, or let Keras do so, or unpack archives.
CALLS = {"eval", "exec", "enable_unsafe_deserialization", "func_load", "unsafe_load"}
UNPACKING = {"extract", "extractall", "unpack_archive"}


def name_of(node):
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


@pytest.fixture(scope="module")
def trees():
    paths = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    return {path.relative_to(ROOT): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def calls(trees):
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                options = {keyword.arg: getattr(keyword.value, "value", ...) for keyword in node.keywords}
                yield path, name_of(node.func), ast.unparse(node.func), options


def test_nothing_unpickles_or_runs_code_of_files(trees):
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                names = {alias.name for alias in node.names} | {getattr(node, "module", None) or ""}
                assert not {name.split(".")[0] for name in names} & UNPICKLERS, path
            assert name_of(node) not in ("Lambda", "TFSMLayer", "allow_pickle"), path
    for path, name, full, options in calls(trees):
        assert name not in CALLS, (path, full)
        assert options.get("allow_pickle", False) is False, (path, full)
        assert options.get("safe_mode", True) is True, (path, full)


def test_models_are_loaded_in_one_place(trees):
    found = {str(path) for path, _, full, _ in calls(trees) if full.endswith("saving.load_model")}
    assert found <= {"fcn_keras/keras_files.py", "examples/demo.py"}  # the demo loads what it has just trained


def test_nothing_here_unpacks_archives(trees):
    assert not [(path, full) for path, name, full, _ in calls(trees) if name in UNPACKING and "re." not in full]
    opened = {str(path) for path, _, full, _ in calls(trees) if full in ("zipfile.ZipFile", "tarfile.open")}
    assert opened == {
        "fcn_keras/keras_files.py",  # looks at members
        "fcn_keras/vgg16_files.py",  # looks at the names of members
        "fcn_keras/vgg16_formats.py",  # reads members of known size
        "serving/export/litert/export.py",  # writes
        "training/workdir/checkpoint.py",  # reads members of a checkpoint
        "training/annotations/cvat_writer.py",  # writes
        "training/submit/command.py",  # writes
        "training/features/views.py",  # compares checksums of members
    }


# --- Archives: TensorFlow Datasets unpacks two, which are known by their SHA-256 -----------------------------


def hostile_archive(path, outside):
    """Write an archive of a member above, an absolute one, links to elsewhere and a device."""
    with tarfile.open(path, "w:gz" if path.suffix == ".tgz" else "w") as archive:
        for name in ("../above.txt", f"{outside}/absolute.txt", "fine.txt"):
            member = tarfile.TarInfo(name)
            member.size = 4
            archive.addfile(member, io.BytesIO(b"evil"))
        for kind, name in ((tarfile.SYMTYPE, "link"), (tarfile.LNKTYPE, "hard"), (tarfile.FIFOTYPE, "pipe")):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)
        member = tarfile.TarInfo("link/through.txt")
        archive.addfile(member, io.BytesIO())


def test_archives_are_unpacked_by_their_checksum_alone(tmp_path):
    tfds = pytest.importorskip("tensorflow_datasets")
    from fcn_keras.datasets import builders, voc_sbd

    infos = builders.VocSbd.url_infos
    assert {voc_sbd.VOC_URLS[2012], voc_sbd.SBD_URL} <= set(infos)
    manual, outside = tmp_path / "manual", tmp_path / "outside"
    manual.mkdir()
    outside.mkdir()
    for info in infos.values():
        hostile_archive(manual / info.filename, outside)
    config = tfds.download.DownloadConfig(manual_dir=manual)
    with pytest.raises(Exception, match="has wrong checksum"):
        tfds.load("voc_sbd", data_dir=tmp_path / "data", download_and_prepare_kwargs={"download_config": config})
    assert not list(tmp_path.rglob("*.txt"))


def test_what_unpacks_them_writes_nothing_outside(tmp_path):
    """Should an archive of the right checksum be hostile all the same."""
    pytest.importorskip("tensorflow_datasets")
    from tensorflow_datasets.core.download import extractor, resource

    outside = tmp_path / "outside"
    outside.mkdir()
    hostile_archive(tmp_path / "a.tar", outside)
    unpacker = extractor.get_extractor()
    with unpacker.tqdm():
        unpacker.extract(tmp_path / "a.tar", resource.ExtractMethod.TAR, tmp_path / "deep" / "er" / "to").get()
    files = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {"a.tar", "deep/er/to/fine.txt", "deep/er/to/link/through.txt"}
    assert not [path for path in tmp_path.rglob("*") if path.is_symlink()]


# --- Names that lead out of a folder -------------------------------------------------------------------------


def test_heads_do_not_name_other_folders(tmp_path):
    model = FCN32s({"sem": 2, "geo": 3}, channels=NARROW)
    outputs = dict(zip(("../../up", "geo"), model.output.values(), strict=True))
    keras.Model(model.input, outputs).save(tmp_path / "net.keras")
    with pytest.raises(ValueError, match=r"net\.keras cannot be loaded \(an output is called"):
        keras_files.load_model(tmp_path / "net.keras")


@pytest.mark.parametrize("key", ["../../evil", "/tmp/evil", "a/b", ".hidden"])
def test_ids_of_a_list_do_not_name_other_folders(tmp_path, capsys, key):
    root = tmp_path / "VOC2012"
    (root / "JPEGImages").mkdir(parents=True)
    (root / "ImageSets" / "Segmentation").mkdir(parents=True)
    (root / "ImageSets" / "Segmentation" / "test.txt").write_text(f"2008_000001\n{key}\n")
    assert submit.main(["net.keras", "--data", str(root), "--output", str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err
    assert f"test.txt lists {key!r}. Expected names of files without folder and extension." in told


# --- NYUDv2's HDF5 file --------------------------------------------------------------------------------------


def nyud(path, **replaced):
    shapes = {"images": (1, 3, 640, 480), "depths": (1, 640, 480), "labels": (1, 640, 480), "rawDepths": (1, 640, 480)}
    with h5py.File(path, "w") as file:
        for name, shape in shapes.items():
            if name in replaced:
                replaced[name](file, shape)
            else:
                file.create_dataset(name, shape, "u2", chunks=(1, *shape[1:]))


@pytest.mark.parametrize(
    ("field", "change", "message"),
    [
        ("depths", lambda f, s: f.__setitem__("depths", h5py.ExternalLink("x.h5", "/y")), "depths is a link to else"),
        ("labels", lambda f, s: f.__setitem__("labels", h5py.SoftLink("/depths")), "labels is a link to elsewhere"),
        (
            "depths",
            lambda f, s: f.create_dataset("depths", s, "u1", external=[("/etc/passwd", 0, h5py.h5f.UNLIMITED)]),
            "the numbers of depths lie in another file",
        ),
        ("labels", lambda f, s: f.create_group("labels"), "it holds no array labels"),
    ],
)
def test_nyud_reads_no_other_file(tmp_path, field, change, message):
    nyud(tmp_path / FILE, **{field: change})
    (tmp_path / "test.txt").write_text("5001\n")
    with pytest.raises(ValueError, match=message):
        NyudV2(tmp_path, "test")


def test_nyud_of_absurd_size(tmp_path):
    with h5py.File(tmp_path / FILE, "w") as file:
        for name in ("images", "depths", "labels", "rawDepths"):
            middle = (3,) if name == "images" else ()
            file.create_dataset(name, (1, *middle, 2**20, 2**20), "u2", chunks=(1, *middle, 64, 64))
    with pytest.raises(ValueError, match=r"declares images of 1048576x1048576\. Expected 480x640"):
        NyudV2(tmp_path, "test")


# --- Fuzzing: tests/attacks/fuzz_files.py runs for longer ----------------------------------------------------


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*/*")), ids=lambda path: f"{path.parent.name}-{path.name[:8]}")
def test_findings_stay_found(path):
    said = attempt(path.parent.name, path)
    assert not said or path.name in said


@pytest.mark.parametrize("kind", KINDS)
def test_valid_files_are_read(tmp_path, kind):
    for number, data in enumerate(seeds(kind, tmp_path)):
        path = tmp_path / str(number)
        path.write_bytes(data)
        assert attempt(kind, path) == "", number


@pytest.mark.parametrize(("kind", "tries"), [("caffemodel", 600), ("npz", 300), ("h5", 250)])
def test_mutated_files_end_in_weights_or_a_value_error(tmp_path, kind, tries):
    assert storm(kind, 60, tmp_path, seed=1, tries=tries) == (tries, [])


def test_a_storm_tells_what_it_finds(tmp_path, monkeypatch):
    def broken(*_):
        raise IndexError("of the reader")

    monkeypatch.setattr("fcn_keras.caffemodel.read", broken)
    tries, lost = storm("caffemodel", 60, tmp_path, tries=30)
    assert tries == 30
    assert len(lost) == 1  # one place in the code
    assert lost[0].startswith("caffemodel: IndexError in test_strangers_files.py:")
    findings = Findings("npz", tmp_path)
    with pytest.raises(IndexError) as error:
        broken()
    findings.add(b"data", error.value)
    assert [path.read_bytes() for path in (tmp_path / "npz").iterdir()] == [b"data"]


def test_inner_parts_are_wrapped_into_whole_files(tmp_path):
    data = wrapped("npz", b"\1" + b"no array")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.read("conv1_1_W.npy") == b"no array"
    import random

    assert len({mutated(b"0123456789" * 9, random.Random(seed)) for seed in range(50)}) > 45
    assert np.frombuffer(wrapped("caffemodel", b"\0abcd"), np.uint8).tolist() == list(b"abcd")
