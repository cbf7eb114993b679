"""Damage and mixtures are told by name; what has no digests says so."""

import hashlib
import json
import os
import random
import shutil
import subprocess
from functools import partial

import pytest

from fcn_keras_console.digests import (
    DamagedError,
    Digest,
    compared,
    differences,
    digests_below,
    from_lines,
    open_below,
    read_sealed,
    to_lines,
    write_sealed,
)

FACTS = {"name": "fcn", "sizes": ((24, 40),), "error": 1e-7, "named": {"": {"names": ["é", "b"]}}}


@pytest.fixture
def folder(tmp_path):
    """A sealed folder of two files."""
    folder = tmp_path / "1"
    (folder / "variables").mkdir(parents=True)
    (folder / "net.pb").write_bytes(b"graph" * 100)
    (folder / "variables" / "data").write_bytes(b"")
    write_sealed(folder / "model.json", FACTS, digests_below(folder))
    return folder


def wrong(folder):
    return list(differences(read_sealed(folder / "model.json")[1], partial(open_below, folder)))


def test_the_format_and_a_whole_folder(folder):
    facts = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    digest = hashlib.sha256(b"graph" * 100).hexdigest()
    assert facts["files"]["net.pb"] == {"bytes": 500, "sha256": digest}
    assert sorted(facts["files"]) == ["net.pb", "variables/data"]
    seal = facts.pop("sha256")
    spaceless = json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()
    assert seal == hashlib.sha256(spaceless).hexdigest()
    read, digests = read_sealed(folder / "model.json")
    assert (read["sizes"], digests["net.pb"]) == ([[24, 40]], Digest(500, digest))
    assert wrong(folder) == []
    (folder / ".nfs0001").write_text("of others, as `assets.extra` may be")
    assert wrong(folder) == []
    with compared(folder, digests):
        pass


def test_what_is_wrong_is_said_by_name(folder):
    digests = read_sealed(folder / "model.json")[1]
    (folder / "net.pb").write_bytes(b"graph" * 99 + b"grapf")
    (folder / "variables" / "data").unlink()
    os.mkfifo(folder / "variables" / "data")
    assert [(name, reason[:31]) for name, reason in wrong(folder)] == [
        ("net.pb", f"its SHA-256 is {hashlib.sha256(b'graph' * 99 + b'grapf').hexdigest()}"[:31]),
        ("variables/data", "it cannot be read: it is not a "),
    ]
    (folder / "variables" / "data").unlink()
    (folder / "net.pb").write_bytes(b"graph" * 50)
    assert wrong(folder)[0] == ("net.pb", "it has 250 bytes, and 500 were written")
    assert wrong(folder)[1] == ("variables/data", "it is missing")
    expected = (
        f"^{folder}/net.pb is not what was exported: it has 250 bytes, and 500 were written. 1 more files are damaged "
    )
    with pytest.raises(DamagedError, match=expected), compared(folder, digests):
        raise RuntimeError("which is because of the damage")


def test_a_link_is_a_file(folder, tmp_path):
    """As in the caches of DVC and of Hugging Face."""
    shutil.move(folder / "net.pb", tmp_path / "blob")
    (folder / "net.pb").symlink_to(tmp_path / "blob")
    assert wrong(folder) == []


def test_what_changes_while_it_is_read(folder):
    (folder / "other").write_bytes(b"graph" * 100)
    digests = read_sealed(folder / "model.json")[1]
    with pytest.raises(DamagedError, match=r"net\.pb is not what was exported: it "), compared(folder, digests):
        (folder / "other").replace(folder / "net.pb")


def test_an_error_of_the_body_stays_where_all_is_whole(folder):
    with pytest.raises(RuntimeError, match="of the body"), compared(folder, read_sealed(folder / "model.json")[1]):
        raise RuntimeError("of the body")


def test_every_changed_character_of_the_record_is_told_or_nothing(folder):
    """All flips of one bit, and drawn cuts and zeros."""
    path, generator = folder / "model.json", random.Random(0)
    whole, expected = path.read_bytes(), read_sealed(path)
    damaged = [whole[:i] + bytes([whole[i] ^ 1 << bit]) + whole[i + 1 :] for i in range(len(whole)) for bit in range(8)]
    damaged += [whole[:i] for i in range(len(whole) - 1)]
    places = [generator.randrange(len(whole) - 8) for _ in range(200)]
    damaged += [whole[:i] + bytes(8) + whole[i + 8 :] for i in places]
    told = []
    for data in damaged:
        path.write_bytes(data)
        try:
            assert read_sealed(path) == expected  # white space
        except DamagedError as error:
            told.append(str(error))
    assert len(told) > 0.9 * len(damaged)
    assert all(text.startswith(f"{path} ") for text in told)


def test_without_digests(tmp_path):
    (tmp_path / "model.json").write_text('{"name": "fcn"}')
    assert read_sealed(tmp_path / "model.json") == ({"name": "fcn"}, None)


def sealed(path, **files):
    """Seal what nobody would write."""
    facts = {"files": files}
    spaceless = json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()
    path.write_text(json.dumps({**facts, "sha256": hashlib.sha256(spaceless).hexdigest()}))
    return path


def test_lines_that_sha256sum_reads(folder):
    digests = {"net.pb": read_sealed(folder / "model.json")[1]["net.pb"]}
    card = folder / "card.md"
    card.write_text("\n".join(["# Card", "Text.", "", "```text", *to_lines(digests), "```", "", "More."]))
    assert from_lines(card.read_text()) == {"net.pb": Digest(None, digests["net.pb"].sha256)}
    check = ["sha256sum", "-c", card.name]
    assert subprocess.run(check, cwd=folder, capture_output=True, check=True).stdout == b"net.pb: OK\n"
    assert list(differences(from_lines(card.read_text()), partial(open_below, folder))) == []
    (folder / "net.pb").write_bytes(b"graph" * 99)
    assert subprocess.run(check, cwd=folder, capture_output=True, check=False).returncode == 1
    ((name, reason),) = differences(from_lines(card.read_text()), partial(open_below, folder))
    assert (name, reason[:15]) == ("net.pb", "its SHA-256 is ")
    assert from_lines("0" * 64 + "  ../a\n" + "0" * 63 + "  b\n") == {}


@pytest.mark.parametrize("name", ["../a", "/etc/passwd", "", "a/../../b", "a\0b"])
def test_names_that_lead_out_of_the_folder(tmp_path, name):
    with pytest.raises(DamagedError, match="damaged or changed"):
        read_sealed(sealed(tmp_path / "model.json", **{name: {"bytes": 1, "sha256": "0" * 64}}))


@pytest.mark.parametrize(
    "digest", [{"bytes": 1}, {"bytes": True, "sha256": "0" * 64}, {"bytes": 1, "sha256": "0" * 63}, 7, None]
)
def test_digests_that_are_none(tmp_path, digest):
    with pytest.raises(DamagedError, match="damaged or changed"):
        read_sealed(sealed(tmp_path / "model.json", a=digest))
