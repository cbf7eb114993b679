"""Attack REST with JSON and headers that two readers understand differently: each must be refused with 400.

A try is lost if the server answers what a stricter or laxer reader would not have asked, or refuses what is right.
"""

import base64
import gzip
import http.client
import json
import random
import time

from .drawing import images
from .outcome import Outcome
from .served import served, write_model
from .server_sockets import LIMIT

PREDICT = "/v1/models/m:predict"
BEHIND = ["}", "]", "x", "{}", "0", '{"instances": []}', "\0", "\u00a0", "\ufeff", ",", "//", "\x1a", "\v"]
NO_NUMBERS = [
    "01",
    "+1",
    ".5",
    "1.",
    "0x1",
    "1e",
    "--1",
    "1_0",
    "NaN1",
    "nan",
    "inf",
    "1e999",
    "-1e999",
    "9" * 5000,
    "\u0661",
]
NO_JSON = [
    "[1,]",
    "{'a': 1}",
    '{"a": 1,}',
    '"\t"',
    '"\\x"',
    '"\\ud8',
    "/**/1",
    "True",
    "undefined",
    '{"a" 1}',
    "{1: 1}",
]


def soak(seconds, workdir):
    """Send hostile documents until the time is over."""
    started, tries, lost, seed = time.monotonic(), 0, [], 0
    with served(write_model(workdir / "m"), f"--max_request_bytes={LIMIT}") as server:
        while not tries or time.monotonic() - started < seconds * 0.8:
            found, seed = attack(server.rest, 500, seed), seed + 1
            tries, lost = tries + found.tries, [*lost, *found.lost]
    return [Outcome("hostile JSON", tries, tuple(lost))]


def attack(address, count, seed=0):
    """Send documents that are right, and such that only look like it.

    Args:
        address: `host:port` of a server that takes requests of `LIMIT` bytes.
        count: of documents.
        seed: of the draw.
    """
    draw, lost = random.Random(seed), []
    kinds = [right, doubled, behind, encoded, numbers, no_json, nested, surrogates, zipped, codings, lengths]
    for number in range(count):
        kind = kinds[number % len(kinds)]
        body, headers, expected = kind(draw)
        if isinstance(body, bytes) and len(body) > LIMIT:  # as in UTF-32
            expected = 413
        status, text = ask(address, body, headers)
        if status != expected and not (kind is lengths and status == 0):  # which may hang up on what is no HTTP
            lost.append(f"{kind.__name__}: {status} {text[:150]} instead of {expected}: {headers} {body[:200]!r}")
    return Outcome("hostile JSON", count, tuple(lost))


def ask(address, body, headers):
    """Send a body with its length, and more headers; return the status and the text."""
    connection = http.client.HTTPConnection(address, timeout=30)
    try:
        connection.putrequest("POST", PREDICT, skip_accept_encoding=True)
        if not any(name == "Transfer-Encoding" for name, _ in headers):
            connection.putheader("Content-Length", str(len(body)))
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException) as error:
        return 0, f"{type(error).__name__} {error}"
    finally:
        connection.close()


def document(draw):
    """Draw a request that is right."""
    rows = [{"b64": base64.b64encode(image).decode()} for image in draw.choices(list(images()), k=draw.randint(1, 3))]
    if draw.random() < 0.5:
        rows = [{"image_bytes": row} for row in rows]
    found = {"instances": rows}
    if draw.random() < 0.3:
        found = {"inputs": {"image_bytes": [row.get("image_bytes", row) for row in rows]}}
    if draw.random() < 0.5:
        found = {"signature_name": "serving_default", **found}
    return found


def right(draw):
    blank = ["", "", " ", "\n\r\t ", " " * 1000]
    mark = draw.choice([b"", b"\xef\xbb\xbf"])
    text = json.dumps(document(draw), indent=draw.choice([None, 1]))
    return mark + (draw.choice(blank) + text + draw.choice(blank)).encode(), [], 200


class _Pairs(dict):
    """An object of JSON that has the first of its keys again, at some place; the first may look differently."""

    def __init__(self, pairs, draw):
        key, value = draw.choice(pairs)
        self.pairs = list(pairs)
        self.pairs.insert(draw.randint(0, len(pairs)), (key, draw.choice([value, value, None, [], 1])))
        super().__init__(self.pairs)

    def items(self):
        return self.pairs


def doubled(draw):
    objects = []

    def count(pairs):
        objects.append(None)
        return dict(pairs)

    text = json.dumps(document(draw))
    json.loads(text, object_pairs_hook=count)
    chosen, seen = draw.randrange(len(objects)), []

    def double(pairs):
        seen.append(None)
        return _Pairs(pairs, draw) if len(seen) - 1 == chosen else dict(pairs)

    text = json.dumps(json.loads(text, object_pairs_hook=double))
    key = draw.choice(["instances", "inputs", "b64", "image_bytes", "signature_name"])
    if draw.random() < 0.3:  # written with an escape, once
        text = text.replace(f'"{key}"', f'"\\u{ord(key[0]):04x}{key[1:]}"', 1)
    return text.encode(), [], 400


def behind(draw):
    text = (
        json.dumps(document(draw)) + draw.choice(["", " ", "\n" * 50]) + draw.choice(BEHIND) * draw.choice([1, 1, 500])
    )
    return text.encode(), [], 400


def encoded(draw):
    return json.dumps(document(draw)).encode(draw.choice(["utf-16", "utf-16-be", "utf-32", "utf-32-le"])), [], 400


def numbers(draw):
    pixel = draw.choice([*NO_NUMBERS, "256", "-1", "0.5", "NaN", "Infinity", "true", "null", '"1"'])
    name = "predict_tensors"
    return f'{{"signature_name": "{name}", "inputs": [[[[{pixel}, 0, 0]]]]}}'.encode(), [], 400


def no_json(draw):
    text, wrong = json.dumps(document(draw)), draw.choice(NO_JSON)
    if draw.random() < 0.3:
        return text[: draw.randrange(len(text))].encode(), [], 400
    return f'{text[:-1]}, "more": {wrong}}}'.encode(), [], 400


def nested(draw):
    mark, count = draw.choice(["[", '{"a":', '[{"b":[']), draw.choice([2000, 20_000])
    return f'{{"instances": {mark * count}'.encode(), [], 400


def surrogates(draw):
    name = draw.choice(["\\ud800", "\\udfff\\ud800", "serving_default\\udc80", "\\u0000", "serving_default\\u0000"])
    return (
        f'{{"signature_name": "{name}", {json.dumps(document(draw))[1:]}'.replace(
            '"signature_name": "serving_default", ', ""
        ).encode(),
        [],
        400,
    )


def zipped(draw):
    body = gzip.compress(json.dumps(document(draw)).encode())
    wrong = [body * 2, body + b"\0", body[:-1], body + gzip.compress(b""), gzip.compress(body), b"", b"\x1f\x8b"]
    if draw.random() < 0.3:
        return body, [("Content-Encoding", draw.choice(["gzip", "GZIP", "x-gzip", "identity, gzip"]))], 200
    return draw.choice(wrong), [("Content-Encoding", "gzip")], 400


def codings(draw):
    body = json.dumps(document(draw)).encode()
    coding = draw.choice(["br", "deflate", "zstd", "gzip, gzip", "gzip, br", "gzipped", "aes128gcm", "compress"])
    lines = [("Content-Encoding", coding)]
    if draw.random() < 0.3:
        lines = [("Content-Encoding", "identity"), ("Content-Encoding", coding)]
    return body, lines, 400


def lengths(draw):
    body = json.dumps(document(draw)).encode()
    if draw.random() < 0.5:
        return body, [("Content-Length", str(len(body) + draw.choice([-1, 1, 10, -len(body)])))], 400
    chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    lines = [("Transfer-Encoding", "chunked"), ("Content-Length", str(draw.choice([0, 3, len(chunks), len(body)])))]
    return chunks, draw.sample(lines, 2), 400
