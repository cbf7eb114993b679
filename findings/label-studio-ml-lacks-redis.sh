#!/usr/bin/env bash
# label-studio-ml as PyPI has it does not start: it imports redis and rq, which it does not require.
#
# label-studio-ml 1.0.9, the newest release of Label Studio's SDK for machine-learning backends on PyPI, of January 2023. Neither its
# command nor its module starts after `pip install`. With redis and rq added, its pins Flask 1.1.2 and Werkzeug 2.0.2 stay,
# so that it shares no environment with a newer Flask. The SDK that Label Studio's documentation means is only on GitHub.
# Seen: "requires neither: True; import: No module named 'redis'; with it: No module named 'rq'".
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet label-studio-ml==1.0.9
import_it() {
    "$work/venv/bin/python" -c 'import label_studio_ml.model' 2>&1 | tail -1 | sed 's/^ModuleNotFoundError: //'
}
needs=$("$work/venv/bin/python" -c "
from importlib.metadata import requires
print(not any(need.startswith(('redis', 'rq')) for need in requires('label-studio-ml')))
")
first=$(import_it || true)
"$work/venv/bin/pip" install --quiet redis==7.1.0
seen="requires neither: $needs; import: $first; with it: $(import_it || true)"
echo "$seen"
[ "$seen" = "requires neither: True; import: No module named 'redis'; with it: No module named 'rq'" ]
