"""Run every test with the oldest or the newest versions that setup.py admits: `python -m tests.dependencies.suite`.

Needs uv, which every make target brings: pip cannot choose the oldest.
"""

import argparse
import json
import shutil
import subprocess
import sys

from tests.dependencies.declared import ROOT, declared

# Apache Beam keeps NumPy, Pillow, protobuf and pyarrow below their newest. `make test` runs its tests.
HOLDS_BACK = {"batch"}
SHARES_A_FOLDER = {"cuda"}  # with the extra "cpu"
CHOICE = {
    "oldest": (["--resolution", "lowest-direct"], SHARES_A_FOLDER, []),
    "newest": (["--upgrade"], HOLDS_BACK | SHARES_A_FOLDER, ["--ignore=tests/serving/batch/test_command.py"]),
}


def main(argv=None):
    """Build the virtual environment afresh, print what it holds and run the tests in it; return pytest's status."""
    parser = argparse.ArgumentParser(prog="suite", description="run the tests with the oldest or the newest versions")
    parser.add_argument("which", choices=CHOICE)
    parser.add_argument("--python", default=sys.executable, help="the interpreter (default: this one)")
    options = parser.parse_args(argv)
    uv = shutil.which("uv") or shutil.which("uv", path=str(ROOT / ".venv" / "bin"))
    if uv is None:
        parser.error("uv is needed: make .venv/ready, or pip install uv")
    resolution, left_out, skipped = CHOICE[options.which]
    folder = ROOT / f".venv-{options.which}"
    python = build(uv, folder, options.python, resolution, sorted(set(declared()) - {""} - left_out))
    show(uv, python)
    tests = [str(python), "-m", "pytest", "-n", "2", *skipped]
    return subprocess.run(tests, cwd=ROOT, check=False).returncode


def build(uv, folder, interpreter, resolution, extras):
    """Make the environment and check that its packages agree; return its interpreter."""
    python = folder / "bin" / "python"

    def run(*command):
        subprocess.run([uv, *command], cwd=ROOT, check=True)

    run("venv", "--quiet", "--clear", "--seed", "--python", interpreter, str(folder))
    lists = ("--requirement", "setup.py", "--requirement", "requirements-tests.txt")
    wanted = (*(f"--extra={extra}" for extra in extras), *lists)
    run("pip", "install", "--quiet", "--python", str(python), *resolution, *wanted)
    run("pip", "install", "--quiet", "--python", str(python), "--no-deps", "--editable", ".")
    run("pip", "check", "--python", str(python))
    oracles = ("--no-deps", "--requirement", "tests/serving/requirements.txt")  # one asks for another TensorFlow
    run("pip", "install", "--quiet", "--python", str(python), *oracles)
    return python


def show(uv, python):
    """Print the versions of what setup.py names."""
    listed = subprocess.run(
        [uv, "pip", "list", "--python", str(python), "--format", "json"], capture_output=True, check=True
    )
    versions = {row["name"].replace("_", "-").lower(): row["version"] for row in json.loads(listed.stdout)}
    names = sorted({need.name.replace("_", "-").lower() for needs in declared().values() for need in needs})
    print("\n".join(f"{name} {versions.get(name, 'not installed')}" for name in names), flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as problem:
        print(f"suite: {' '.join(problem.cmd)} ended with {problem.returncode}", file=sys.stderr)
        sys.exit(2)
