#!/usr/bin/env bash
# label-studio-sdk exchanges a personal access token for its client, and sends it as it is for the images of tasks.
#
# label-studio-sdk 2.1.2. A personal access token of Label Studio is a JSON web token that is good for one thing: to be
# exchanged for another one, which lasts minutes. The SDK's client does so before its first request. get_local_path, by which
# backends and exports fetch images, takes the same token, takes every JSON web token for one that lets in, and sends it.
# So what works for tasks and projects does not for their images: there the short token is needed, or a legacy one.
# Seen: "client: exchanges it, sends access; get_local_path: sends refresh".
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet label-studio-sdk==2.1.2
seen=$(cd "$work" && HOME=$work "$work/venv/bin/python" - <<'PYTHON'
import contextlib
import json
import logging
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import jwt
from label_studio_sdk import LabelStudio
from label_studio_sdk._extensions.label_studio_tools.core.utils.io import get_local_path

logging.disable()
KEY = "a key of this server's, which nobody checks"
TOKENS = {kind: jwt.encode({"token_type": kind, "exp": time.time() + 600}, KEY) for kind in ("access", "refresh")}
asked = []


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        asked.append((self.path, self.headers.get("Authorization", "")))
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = json.dumps({"access": TOKENS["access"]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_):
        pass


def sent():
    """Return which token came with the last request."""
    return next(kind for kind, token in TOKENS.items() if asked[-1][1] == f"Bearer {token}")


server = HTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_address[1]}"
with contextlib.suppress(Exception):  # the answer is nobody's profile
    LabelStudio(base_url=url, api_key=TOKENS["refresh"]).users.whoami()
exchanged = asked[0][0].startswith("/api/token/refresh")
client = f"client: {'exchanges it, ' if exchanged else ''}sends {sent()}"
get_local_path("/data/upload/1/a.png", cache_dir=".", hostname=url, access_token=TOKENS["refresh"])
print(f"{client}; get_local_path: sends {sent()}")
PYTHON
)
echo "$seen"
[ "$seen" = "client: exchanges it, sends access; get_local_path: sends refresh" ]
