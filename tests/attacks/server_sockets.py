"""Attack the server below HTTP: slow clients, half of a request, far too much of one, and thousands of sockets.

Meanwhile a healthy client asks again and again; each of its failures is lost, and so is what an attacker could hold.
"""

import contextlib
import gzip
import http.client
import resource
import socket
import threading
import time

from .outcome import Outcome
from .served import served, write_model

LIMIT = 2_000_000  # bytes of the largest request
PATIENCE = 2.0  # seconds that the attacked server waits for a client
MOST = 200  # its connections
GROWTH = 192  # MiB, of which two large requests at once take the most
PREDICT = "POST /v1/models/m:predict HTTP/1.1\r\nHost: x\r\n"
OPTIONS = (f"--max_request_bytes={LIMIT}", f"--client_timeout_seconds={PATIENCE}", f"--max_connections={MOST}")


def soak(seconds, workdir):
    """Make every attack at full length, and 10 000 sockets at each port, until the time is over."""
    model, started, outcomes = write_model(workdir / "m"), time.monotonic(), {}
    with served(model, *OPTIONS) as server:
        attack_all(server, sockets=50)  # what is set up once
        while not outcomes or time.monotonic() - started < seconds * 0.8:
            for outcome in attack_all(server, sockets=10_000, body=2**30):
                before = outcomes.get(outcome.attack, Outcome(outcome.attack, 0))
                outcomes[outcome.attack] = Outcome(
                    outcome.attack, before.tries + outcome.tries, before.lost + outcome.lost
                )
    return list(outcomes.values())


def attack_all(server, *, sockets, body=2**26):
    """Make every attack once.

    Args:
        server: `Served`, started with `OPTIONS`.
        sockets: how many to open at once.
        body: bytes of what is far too much.
    """
    attacks = {
        "headers that drip": lambda: drip(server.rest, PREDICT.encode() * 99, 20),
        "bodies that drip": lambda: drip(server.rest, f"{PREDICT}Content-Length: 9999\r\n\r\n".encode(), 20),
        "silence": lambda: drip(server.rest, b"", 20),
        "answers that nobody fetches": lambda: unread(server, 5),
        "half-closed connections": lambda: half_closed(server.rest, 50),
        "bodies that are too large": lambda: too_large(server.rest, body),
        "gzip bombs": lambda: bombs(server.rest, body),
        "many sockets at REST": lambda: many(server, server.rest, sockets, b"POST "),
        "many sockets at gRPC": lambda: many(server, server.grpc, sockets, b""),
        "many HTTP/2 clients that say nothing more": lambda: many(
            server, server.grpc, min(sockets, 500), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\4" + bytes(5)
        ),
    }
    return [watched(server, name, attack) for name, attack in attacks.items()]


def watched(server, name, attack, ask_all=None, memory=None, growth=GROWTH):
    """Make one attack while healthy clients ask, and look what the server holds in the end.

    Args:
        server: `Served`.
        name: of the attack.
        attack: function without arguments to its tries and what was lost.
        ask_all: functions that ask as anybody does, once, and return what went wrong or None; by default `healthy`.
        memory: function to the MiB that count in the end; by default the largest meanwhile.
        growth: MiB that they may be more than before.
    """
    before, lost, asked, stop = server.memory(), [], [], threading.Event()
    server.forget_peak()

    def ask():
        while True:
            for one in ask_all or [lambda: healthy(server.rest)]:
                asked.append(None)
                if problem := one():
                    lost.append(f"a healthy client: {problem}")
            if stop.wait(0.1):
                return

    client = threading.Thread(target=ask)
    client.start()
    try:
        tries, said = attack()
    finally:
        stop.set()
        client.join()
    lost += said
    grown = (memory or server.peak)() - before
    if grown > growth:
        lost.append(f"{grown:.0f} MiB more than before")
    if not server.is_alive():
        lost.append("the server has ended")
    return Outcome(name, tries + len(asked), tuple(lost))


def healthy(address):
    """Ask as anybody does, three times at most; return what went wrong, or None."""
    for attempt in range(3):
        try:
            with contextlib.closing(http.client.HTTPConnection(address, timeout=20)) as connection:
                connection.request("POST", "/v1/models/m:predict", b'{"instances": [{"b64": "aGk="}]}')
                answer = connection.getresponse()
                text = answer.read()
                return None if answer.status == 200 else f"{answer.status} {text[:100]}"
        except (OSError, http.client.HTTPException) as error:
            problem = f"{type(error).__name__} {error}"
        time.sleep(0.05 * attempt)
    return problem


def connect(address):
    """Connect to `host:port`."""
    host, port = address.rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=20)


def is_left(client, seconds):
    """Tell whether the server hangs up within a time."""
    deadline = time.monotonic() + seconds
    try:
        while time.monotonic() < deadline:
            client.settimeout(max(0.01, deadline - time.monotonic()))
            if not client.recv(65536):
                return True
    except TimeoutError:
        return False
    except OSError:
        return True
    return False


def drip(address, data, count):
    """Send a byte now and then; the server must hang up."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connect(address)) for _ in range(count)]
        start, position = time.monotonic(), data.find(b"\r\n\r\n") + 4 if b"\r\n\r\n" in data else 1
        for client in clients if data else ():
            client.sendall(data[:position])
        while time.monotonic() - start < PATIENCE * 2:
            for client in clients if data else ():
                with contextlib.suppress(OSError):
                    client.sendall(data[position : position + 1] or b"x")
            position += 1
            time.sleep(PATIENCE / 8)
        kept = sum(not is_left(client, 1) for client in clients)
    return count, [f"{kept} connections are kept {PATIENCE * 2 + 1:.0f} s"] if kept else []


def unread(server, count):
    """Ask for much and read none of it; the server must hang up."""
    rows = ",".join(["[" + ",".join(["[0.12,0.4,0.7]"] * 300) + "]"] * 300)
    body = f'{{"signature_name": "predict_scores", "instances": [[{rows}]]}}'.encode()
    before, (host, port) = server.files(), server.rest.rsplit(":", 1)
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.settimeout(20)
            client.connect((host, int(port)))
            client.sendall(f"{PREDICT}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        time.sleep(PATIENCE)
        kept = _left_open(server, before)
    return count, [f"{kept} connections are kept whose answers nobody fetches"] if kept else []


def _left_open(server, before):
    """Wait until the server has about as many open files as before; return how many more it has after a while."""
    deadline, kept = time.monotonic() + 30, 1
    while kept > 0 and time.monotonic() < deadline:
        time.sleep(0.5)
        kept = server.files() - before - 3  # the healthy client has one or two
    return max(0, kept)


def half_closed(address, count):
    """Send half a request, close the sending side; the server must hang up or answer."""
    kept = 0
    for number in range(count):
        with connect(address) as client:
            client.sendall(f"{PREDICT}Content-Length: 100\r\n\r\n".encode() + b"{" * (number % 3))
            client.shutdown(socket.SHUT_WR)
            kept += not is_left(client, PATIENCE * 3)
    return count, [f"{kept} connections are kept"] if kept else []


def too_large(address, size):
    """Send a body with its length, and in chunks; 413 is expected, or hanging up."""
    chunk = b"[1234567" * 8192
    lost = []
    for kind in (f"Content-Length: {size}", "Transfer-Encoding: chunked"):
        sent, status = 0, ""
        with connect(address) as client:
            client.sendall(f"{PREDICT}{kind}\r\n\r\n".encode())
            with contextlib.suppress(OSError):
                while sent < size:
                    client.sendall(b"%x\r\n%b\r\n" % (len(chunk), chunk) if "chunked" in kind else chunk)
                    sent += len(chunk)
            with contextlib.suppress(OSError):
                status = client.recv(4096).split(b"\r\n")[0].decode()
        if status and " 413 " not in status:
            lost.append(f"{kind}: {status}")
    return 2, lost


def bombs(address, size):
    """Send what inflates to far too much, once and twice packed; 413 or 400 are expected."""
    lost = []
    once = gzip.compress(b"[" * size, 9)
    for body in (once, gzip.compress(once, 9), once[: len(once) // 2], b"\x1f\x8b" + bytes(1000)):
        with contextlib.closing(http.client.HTTPConnection(address, timeout=30)) as connection:
            connection.request("POST", "/v1/models/m:predict", body, {"Content-Encoding": "gzip"})
            status = connection.getresponse().status
        if status not in (400, 413):
            lost.append(f"a bomb of {len(body)} bytes: {status}")
    return 4, lost


def many(server, address, count, data):
    """Open sockets and keep them; the server must hold no more than it may, and give them back."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit[1], limit[1]))
    count = min(count, limit[1] - 500)
    before, most = server.files(), 0
    with contextlib.ExitStack() as stack:
        for number in range(count):
            client = stack.enter_context(socket.socket())
            client.settimeout(5)
            with contextlib.suppress(OSError):
                host, port = address.rsplit(":", 1)
                client.connect((host, int(port)))
                client.sendall(data)
            if number % 100 == 0:
                most = max(most, server.files())
        time.sleep(0.5)
        most = max(most, server.files())
    lost = [f"{most - before} files were open"] if most - before > 3 * MOST else []
    if kept := _left_open(server, before):
        lost.append(f"{kept} files stay open")
    return count, lost
