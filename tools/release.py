"""Make a release ready: `make release`. Builds, checks and tries what would be uploaded; uploads and pushes nothing.

The version stands in `fcn_keras/__init__.py` alone; CHANGELOG.md dates it: `## 0.2.0 (2027-01-31)`. What passes every
check lies in dist/ at the end.
"""

import datetime
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Folder of the repository -> its package in the wheel, as setup.py has it.
PACKAGES = {
    "fcn_keras": "fcn_keras",
    "fcn_keras_console": "fcn_keras_console",
    "training": "fcn_keras_training",
    "serving": "fcn_keras_serving",
}
# What a stranger does first, in the empty environment; drawn scenes, a narrow net, a minute.
TRIAL = """
from pathlib import Path
from PIL import Image
import fcn_keras
from fcn_keras.datasets.synthetic import Synthetic
assert Path(fcn_keras.__file__).is_relative_to(Path({environment!r})), fcn_keras.__file__
for number, scene in enumerate(Synthetic(3, seed=5)):
    Path("photos").mkdir(exist_ok=True)
    Image.fromarray(scene["image"]).save(f"photos/{{number}}.png")
"""
TRIED = (
    "fcn-train synthetic_fcn32s --width 0.5 --steps 10 --workdir runs --quiet",
    "fcn-evaluate runs/synthetic_fcn32s",
    "fcn-predict runs/synthetic_fcn32s photos --output labelled",
    "fcn-export runs/synthetic_fcn32s/best.keras models/fcn",
)


class Refused(Exception):
    """There is a reason against this release; the message says it, and what to do."""


def main():
    started = time.monotonic()
    try:
        version = check(ROOT)
        files = release(ROOT, version)
    except Refused as reason:
        print(f"release: {reason}", file=sys.stderr)
        return 2
    print(f"\n{version} is ready ({time.monotonic() - started:.0f} s): {', '.join(path.name for path in files)}")
    print("Nothing was pushed. To publish it:")
    print(f"  git tag --annotate v{version} --message 'fcn_keras {version}' && git push origin v{version}")
    print(f"  python -m twine upload {' '.join(str(path.relative_to(ROOT)) for path in files)}")
    return 0


def check(root):
    """Refuse a tree that cannot be released.

    Returns:
        str, the version.

    Raises:
        Refused: if files are not committed, CHANGELOG.md does not date the version, or its tag exists.
    """
    version = re.search(r'^__version__ = "(.+)"$', (root / "fcn_keras/__init__.py").read_text(), re.MULTILINE)[1]
    heading = re.search(rf"^## {re.escape(version)}(.*)$", (root / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    if not heading:
        raise Refused(f"CHANGELOG.md has no section for {version}. Write `## {version} (YYYY-MM-DD)` and what changed.")
    date = re.fullmatch(r" \((.*)\)", heading[1])
    try:
        datetime.date.fromisoformat(date[1] if date else "")
    except ValueError:
        raise Refused(f"CHANGELOG.md does not date {version}. Expected `## {version} (YYYY-MM-DD)`.") from None
    if changed := _output(root, "git", "status", "--porcelain").splitlines():
        raise Refused(f"Not committed: {_few([line.strip() for line in changed])}. Commit or remove what is there.")
    if _output(root, "git", "tag", "--list", f"v{version}").strip():
        raise Refused(f"The tag v{version} exists. Raise __version__ in fcn_keras/__init__.py.")
    return version


def release(root, version):
    """Build, check, try, and put the files into dist/.

    Returns:
        the sdist and the wheel there.

    Raises:
        Refused: if a step fails.
    """
    _call(root, sys.executable, "-m", "check_manifest", "--quiet")
    with tempfile.TemporaryDirectory(prefix="release-") as folder:
        built = Path(folder) / "built"
        _say("Building the sdist, and the wheel from it")
        _call(root, sys.executable, "-m", "build", "--outdir", built, root)
        (sdist,), (wheel,) = built.glob("*.tar.gz"), built.glob("*.whl")
        _call(root, sys.executable, "-m", "twine", "check", "--strict", sdist, wheel)
        check_wheel(root, wheel, Path(folder) / "source")
        _say("Installing the wheel in an empty environment")
        try_out(wheel, Path(folder) / "trial", version)
        target = root / "dist"
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        return [Path(shutil.copy(path, target)) for path in (sdist, wheel)]


def check_wheel(root, wheel, source):
    """Refuse a wheel that lacks a file of the packages or holds another.

    Args:
        source: folder to be made, that shows every package under the name by which it is installed.

    Raises:
        Refused: if it does; what was printed names the files.
    """
    source.mkdir()
    for folder, package in PACKAGES.items():
        (source / package).symlink_to(root / folder)
    _call(root, sys.executable, "-m", "check_wheel_contents", "--src-dir", source, wheel)


def try_out(wheel, folder, version):
    """Install a wheel in an empty environment, with all that it brings, and do a small job with it.

    Raises:
        Refused: if a command fails or tells another version.
    """
    environment, place = folder / "environment", folder / "place"
    venv.create(environment, with_pip=True)
    place.mkdir()
    python = environment / "bin" / "python"
    _call(place, python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel)
    _call(place, python, "-m", "pip", "check")
    told = _output(place, environment / "bin" / "fcn-train", "--version").strip()
    if told != f"fcn-train (fcn_keras {version})":
        raise Refused(f"The installed fcn-train tells another version than {version}: {told}")
    _call(place, python, "-c", TRIAL.format(environment=str(environment)))
    for line in TRIED:
        name, *arguments = line.split()
        _call(place, environment / "bin" / name, *arguments)


def _few(names):
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more files" if len(names) > 3 else "")


def _say(text):
    print(f"release: {text}", flush=True)


def _environment():
    """Keep this checkout out of the way of what is installed."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}


def _call(folder, *command):
    words = [str(word) for word in command]
    _say("$ " + " ".join([Path(words[0]).name, *words[1:]]) if "\n" not in words[-1] else "$ python -c ...")
    if subprocess.run(words, cwd=folder, env=_environment()).returncode:
        raise Refused(f"`{Path(words[0]).name} {' '.join(words[1:4])} ...` failed; what it printed says why.")


def _output(folder, *command):
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=folder, env=_environment(), capture_output=True, text=True)
    if done.returncode:
        raise Refused(f"`{Path(words[0]).name} {' '.join(words[1:])}` failed: {done.stderr.strip()}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
