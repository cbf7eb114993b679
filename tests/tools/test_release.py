"""`make release`: what it refuses. The whole of it builds and installs for minutes, and is run by hand."""

import re
import runpy
import subprocess
import sys
import zipfile

import pytest
import setuptools

from tools import release
from tools.release import PACKAGES, ROOT, Refused, check, check_wheel

GIT = ("git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")


@pytest.fixture
def tree(tmp_path):
    """A repository of two committed files, which could be released."""
    (tmp_path / "fcn_keras").mkdir()
    (tmp_path / "fcn_keras/__init__.py").write_text('__version__ = "1.2.3"\n')
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## 1.2.3 (2026-02-28)\n\n- New.\n\n## 1.2.2 (2025-01-01)\n")
    git(tmp_path, "init", "--quiet")
    return commit(tmp_path)


def git(folder, *arguments):
    subprocess.run([*GIT, *arguments], cwd=folder, check=True, capture_output=True)


def commit(folder):
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "x")
    return folder


def rewrite(tree, old, new):
    path = tree / "CHANGELOG.md"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return commit(tree)


def test_a_clean_dated_tree_passes(tree):
    assert check(tree) == "1.2.3"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("## 1.2.3 (2026-02-28)", "## 1.2.4 (2026-02-28)", r"no section for 1\.2\.3\. Write `## 1\.2\.3 \(YYYY"),
        ("## 1.2.3 (2026-02-28)", "## 1x2.3 (2026-02-28)", "no section for"),
        (" (2026-02-28)", "", r"does not date 1\.2\.3\. Expected"),
        (" (2026-02-28)", " (soon)", "does not date"),
        (" (2026-02-28)", " (2026-02-30)", "does not date"),
        (" (2026-02-28)", "0 (2026-02-28)", "does not date"),
    ],
)
def test_a_changelog_without_the_version_is_refused(tree, old, new, message):
    with pytest.raises(Refused, match=message):
        check(rewrite(tree, old, new))


def test_a_dirty_tree_is_refused(tree):
    (tree / "stray.py").write_text("")
    with pytest.raises(Refused, match=r"^Not committed: \?\? stray\.py\. Commit or remove"):
        check(tree)
    commit(tree)
    (tree / "stray.py").write_text("changed")
    with pytest.raises(Refused, match=r"^Not committed: M stray\.py\."):
        check(tree)


def test_a_version_with_a_tag_is_refused(tree):
    git(tree, "tag", "v1.2.30")
    assert check(tree) == "1.2.3"
    git(tree, "tag", "v1.2.3")
    with pytest.raises(Refused, match=r"The tag v1\.2\.3 exists\. Raise __version__ in fcn_keras/__init__\.py"):
        check(tree)


def test_outside_of_git_is_refused(tmp_path, tree):
    (tree / ".git").rename(tmp_path / "elsewhere")
    with pytest.raises(Refused, match="`git status --porcelain` failed: fatal: not a git repository"):
        check(tree)


def test_refusals_are_one_line_and_exit_2(monkeypatch, capsys):
    def refuse(root):
        raise Refused("Not today.")

    monkeypatch.setattr(release, "check", refuse)
    assert release.main() == 2
    assert capsys.readouterr() == ("", "release: Not today.\n")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """This tree's wheel, built from its sdist."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_the_packages_and_nothing_else(wheel, tmp_path):
    check_wheel(ROOT, wheel, tmp_path / "source")


@pytest.mark.parametrize(
    ("lacks", "holds"),
    [("fcn_keras_serving/kit/config/models.config", None), (None, "tests/test_a.py"), (None, "fcn_keras/stray.txt")],
)
def test_another_wheel_is_refused(wheel, tmp_path, lacks, holds):
    other = tmp_path / wheel.name
    with zipfile.ZipFile(wheel) as given, zipfile.ZipFile(other, "w") as made:
        for name in given.namelist():
            text = given.read(name)
            if name.endswith("/RECORD"):  # the wheel's own list of its files
                lines = [line for line in text.decode().splitlines() if line.split(",")[0] != lacks]
                text = "\n".join([*lines, f"{holds},,"] if holds else lines)
            if name != lacks:
                made.writestr(name, text)
        if holds:
            made.writestr(holds, "")
    with pytest.raises(Refused, match="check_wheel_contents"):
        check_wheel(ROOT, other, tmp_path / "source")


@pytest.fixture
def metadata(monkeypatch):
    """What setup.py hands to setuptools."""
    given = {}
    monkeypatch.setattr(setuptools, "setup", lambda **options: given.update(options))
    runpy.run_path(str(ROOT / "setup.py"))
    return given


def test_packages_are_those_of_setup(metadata):
    assert {name.split(".")[0] for name in metadata["packages"]} == set(PACKAGES.values())
    renamed = {package: folder for folder, package in PACKAGES.items() if folder != package}
    assert metadata["package_dir"] == renamed


def test_an_index_shows_a_readme_whose_links_lead_into_the_repository(metadata):
    text, home = metadata["long_description"], metadata["url"]
    targets = re.findall(r"\]\(([^)]+)\)", text)
    assert [target for target in targets if not target.startswith(("https://", "http://", "#"))] == []
    ours = [target.removeprefix(home).split("#")[0] for target in targets if target.startswith(home)]
    assert len(ours) > 10
    for target in ours:
        kind, version, path = target.strip("/").split("/", 2)
        assert (kind == "raw") == path.endswith((".jpg", ".png"))
        assert version == f"v{metadata['version']}"  # the tag that `make release` names
        assert (ROOT / path).is_file(), target


def test_all_name_the_same_home(metadata):
    owner = metadata["url"].removeprefix("https://github.com/")
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        text = path.read_text(encoding="utf-8")
        assert f"colab.research.google.com/github/{owner}/blob/main/notebooks/{path.name})" in text
        assert f"git+https://github.com/{owner}" in text


def test_the_version_stands_in_one_place():
    version = re.search(r'__version__ = "(.+)"', (ROOT / "fcn_keras/__init__.py").read_text())[1]
    files = [ROOT / "setup.py", ROOT / "pyproject.toml", ROOT / "docs/conf.py", *(ROOT / "serving").rglob("*.*")]
    naming = [path for path in files if path.suffix in (".py", ".toml", ".json") and f'"{version}"' in path.read_text()]
    assert naming == []
