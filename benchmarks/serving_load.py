"""Put `fcn-serve` under load: many clients at once against a plain loop over the same SavedModel.

    python benchmarks/serving_load.py models/fcn --size 256x320 --seconds 60

Reports requests a second of both (the loop runs before and after, in a process of its own), failures, latencies, and
the server's memory while it works. Clients and server share the machine.
"""

import argparse
import io
import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
from fcn_keras_serving.client.client import Client
from PIL import Image

LOOP = """
import sys, time
import tensorflow as tf
run = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
image = tf.constant([open(sys.argv[2], "rb").read()])
run(image_bytes=image)
started, count = time.monotonic(), 0
while time.monotonic() - started < float(sys.argv[3]):
    answer = run(image_bytes=image)
    answer["label_png_bytes"].numpy()
    count += 1
print(count / (time.monotonic() - started))
"""


def main(argv=None):
    arguments = _parser().parse_args(argv)
    versions = [path for path in arguments.model.iterdir() if path.name.isdecimal()]
    folder = max(versions, key=lambda path: int(path.name))
    photograph = arguments.output / "photograph.jpg"
    arguments.output.mkdir(parents=True, exist_ok=True)
    photograph.write_bytes(draw(arguments.size))
    loops = [loop(folder, photograph, arguments.seconds / 4)]
    results = {}
    for protocol in arguments.protocol:
        results[protocol] = under_load(arguments, protocol, photograph)
        loops.append(loop(folder, photograph, arguments.seconds / 4))
    print(report(results, loops, arguments))
    (arguments.output / "serving_load.json").write_text(json.dumps({"loop": loops, **results}, indent=2) + "\n")


def _parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="folder of a model of one head that fcn-export wrote")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--size", default="256x320", help="of the photograph, height first (default: %(default)s)")
    parser.add_argument("--protocol", nargs="+", choices=("http", "grpc"), default=["http", "grpc"])
    parser.add_argument("--output", type=Path, default=Path("serving_load"), help="folder for the figures as JSON")
    return parser


def draw(size):
    height, width = map(int, size.split("x"))
    noise = np.random.default_rng(0).integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC).save(file, "JPEG", quality=90)
    return file.getvalue()


def loop(folder, photograph, seconds):
    """Return how many images a second the SavedModel answers when nothing else runs."""
    words = [sys.executable, "-c", LOOP, str(folder), str(photograph), str(seconds)]
    return float(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def under_load(arguments, protocol, photograph):
    words = [str(Path(sys.executable).parent / "fcn-serve"), "--model_name", "m", "--model_base_path"]
    words += [str(arguments.model), "--port", "0", "--rest_api_port", "0"]
    server = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        grpc, rest = (server.stdout.readline().split()[-2].removeprefix("at:") for _ in range(2))
        url = f"grpc://{grpc}" if protocol == "grpc" else f"http://{rest}"
        with Client(url, model="m", retries=0) as client:
            client.predict(photograph)
            return ask(client, photograph.read_bytes(), server.pid, arguments)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()


def ask(client, contents, pid, arguments):
    seconds, failures, memory = [], [], [resident(pid)]
    end = time.monotonic() + arguments.seconds

    def one():
        while time.monotonic() < end:
            started = time.monotonic()
            try:
                client.predict(contents)
                seconds.append(time.monotonic() - started)
            except Exception as error:
                failures.append(f"{type(error).__name__}: {error}")

    threads = [threading.Thread(target=one) for _ in range(arguments.clients)]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    while time.monotonic() < end:
        time.sleep(arguments.seconds / 20)
        memory.append(resident(pid))
    for thread in threads:
        thread.join()
    return {
        "rate": len(seconds) / (time.monotonic() - started),
        "requests": len(seconds),
        "failures": failures,
        "p50": float(np.percentile(seconds, 50)),
        "p99": float(np.percentile(seconds, 99)),
        "memory": memory,
    }


def resident(pid):
    """Return a process's resident memory in MB (Linux)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise OSError(f"/proc/{pid}/status holds no VmRSS: the server is gone.")


def report(results, loops, arguments):
    """Write the figures as a table."""
    base = float(np.median(loops))
    lines = [
        f"{arguments.clients} clients, {arguments.size}, plain loop {base:.2f} a second "
        f"({min(loops):.2f}-{max(loops):.2f})",
        f"{'':<6}{'a second':>9}{'of loop':>9}{'requests':>10}{'failed':>8}{'p50 s':>8}{'p99 s':>8}  memory MB",
    ]
    for protocol, found in results.items():
        memory = found["memory"]
        lines.append(
            f"{protocol:<6}{found['rate']:>9.2f}{found['rate'] / base:>9.2f}{found['requests']:>10}"
            f"{len(found['failures']):>8}{found['p50']:>8.2f}{found['p99']:>8.2f}  "
            f"{memory[0]:.0f} at first, {memory[len(memory) // 2]:.0f} half-way, {memory[-1]:.0f} at last"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
