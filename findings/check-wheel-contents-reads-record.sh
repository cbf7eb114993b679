#!/usr/bin/env bash
# check-wheel-contents looks at a wheel's RECORD, not at what the archive holds.
#
# check-wheel-contents 0.6.3. A wheel from whose zip a module was taken away, while RECORD still lists it, passes with OK. So
# the tool finds files that the build did not pack, but not an archive that lost one later: compare names with the zip too.
# Seen: "OK" for the whole wheel and for the one without its module.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"  # the tool reads settings from the folder it runs in
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet check-wheel-contents==0.6.3 build==1.3.0 setuptools==80.9.0
mkdir -p "$work/thing/thing"
echo "VALUE = 1" >"$work/thing/thing/__init__.py"
echo "VALUE = 2" >"$work/thing/thing/inner.py"
printf '[build-system]\nrequires = ["setuptools"]\n[project]\nname = "thing"\nversion = "1"\n' >"$work/thing/pyproject.toml"
"$work/venv/bin/python" -m build --wheel --no-isolation --outdir "$work" "$work/thing" >/dev/null 2>&1
mkdir "$work/cut"
"$work/venv/bin/python" - "$work/thing-1-py3-none-any.whl" "$work/cut/thing-1-py3-none-any.whl" <<'PYTHON'
import sys
import zipfile

with zipfile.ZipFile(sys.argv[1]) as whole, zipfile.ZipFile(sys.argv[2], "w") as cut:
    for name in whole.namelist():
        if name != "thing/inner.py":
            cut.writestr(name, whole.read(name))
PYTHON
whole=$("$work/venv/bin/check-wheel-contents" "$work/thing-1-py3-none-any.whl")
cut=$("$work/venv/bin/check-wheel-contents" "$work/cut/thing-1-py3-none-any.whl")
echo "${whole##*: }, without a module: ${cut##*: }"
[ "${whole##*: }" = "OK" ] && [ "${cut##*: }" = "OK" ]
