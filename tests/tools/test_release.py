"""`make release`: what it refuses. The whole of it builds and installs for minutes, and is run by hand."""

import re
import runpy
import subprocess
import zipfile

import pytest
import setuptools

from tools import release
from tools.release import PACKAGES, ROOT, Refused, check, compare_contents, compare_wheels

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


TRACKED = [
    "fcn_keras/__init__.py",
    "training/train/command.py",
    "serving/config/a.yaml",
    "tests/test_a.py",
    *release.BESIDE,
]
WHEEL = {"fcn_keras/__init__.py", "fcn_keras_training/a.py", "fcn_keras_serving/config/a.yaml"}
SDIST = {"fcn_keras/__init__.py", "training/a.py", "serving/config/a.yaml", *release.BESIDE, "PKG-INFO"}


def compare(sdist=SDIST, wheel=WHEEL):
    compare_contents(sdist, {*wheel, "fcn_keras-1.2.3.dist-info/METADATA"}, TRACKED, "1.2.3")


def test_whole_archives_pass():
    compare()
    compare(sdist={*SDIST, "setup.cfg", "fcn_keras.egg-info/SOURCES.txt"})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"wheel": WHEEL - {"fcn_keras_serving/config/a.yaml"}}, "wheel lacks fcn_keras_serving/config/a.yaml"),
        ({"wheel": {*WHEEL, "tests/test_a.py"}}, r"wheel holds tests/test_a\.py, which does not belong"),
        ({"wheel": {*WHEEL, "fcn_keras/x.pyc"}}, r"wheel holds fcn_keras/x\.pyc"),
        ({"sdist": SDIST - {"README.md"}}, r"sdist lacks README\.md"),
        ({"sdist": {*SDIST, "tests/test_a.py"}}, r"sdist holds tests/test_a\.py"),
        ({"sdist": {*SDIST, "1", "2", "3", "4", "5"}}, "sdist holds 1, 2, 3 and 2 more files"),
    ],
)
def test_other_contents_are_refused(given, message):
    with pytest.raises(Refused, match=message):
        compare(**given)


def test_wheels_are_compared_by_their_bytes(tmp_path):
    def wheel(name, **files):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            for file, text in files.items():
                archive.writestr(file, text)
        return tmp_path / name

    one = wheel("one.whl", a="1", b="2")
    compare_wheels(one, wheel("two.whl", a="1", b="2"))
    with pytest.raises(Refused, match="does not rebuild the tree's wheel: a, c differ"):
        compare_wheels(one, wheel("three.whl", a="x", b="2", c=""))


def test_packages_are_those_of_setup():
    text = (ROOT / "setup.py").read_text()
    named = re.search(r"packages=\[(.*?)\]", text, re.DOTALL)[1]
    assert {name.split(".")[0] for name in re.findall(r'"([\w.]+)"', named)} == set(PACKAGES.values())
    mapped = dict(re.findall(r'"(\w+)": "(\w+)"', re.search(r"package_dir=\{(.*?)\}", text)[1]))
    assert {package: folder for folder, package in PACKAGES.items() if folder != package} == mapped


@pytest.fixture
def metadata(monkeypatch):
    """What setup.py hands to setuptools."""
    given = {}
    monkeypatch.setattr(setuptools, "setup", lambda **options: given.update(options))
    runpy.run_path(str(ROOT / "setup.py"))
    return given


def test_an_index_shows_a_readme_whose_links_lead_into_the_repository(metadata):
    text, home = metadata["long_description"], metadata["url"]
    targets = re.findall(r"\]\(([^)]+)\)", text)
    assert [target for target in targets if not target.startswith(("https://", "http://", "#"))] == []
    ours = [target.removeprefix(home).split("#")[0] for target in targets if target.startswith(home)]
    assert len(ours) > 10
    for target in ours:
        kind, version, path = target.strip("/").split("/", 2)
        assert (kind == "raw") == path.endswith(".png")
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
