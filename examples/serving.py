"""Show all of serving on one machine: train, export, serve, ask by REST and gRPC, and change the version under load.

    python examples/serving.py serving_demo

Needs no data, no weights and no network; takes under a minute. Exits with 1 if a request failed on the way, or an
answer was neither version 1's nor version 2's.
"""

import argparse
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
from fcn_keras_serving.client import Client
from PIL import Image

STAGES = ("synthetic_fcn32s", "synthetic_fcn16s")  # version 1 is the first's net, version 2 the second's
TINY = ("--steps", "6", "--steps-per-epoch", "6", "--batch-size", "2")
ASKERS = 2  # for each of REST and gRPC
PAUSE = 0.05  # seconds from an answer to the next question, which leaves the machine time to export meanwhile
PATIENCE = 60  # seconds
ENOUGH = 20  # answers from version 2


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path, help="folder to write; an earlier show in it is replaced")
    directory = parser.parse_args(argv).directory
    started = time.monotonic()
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    command("fcn-train", STAGES[-1], "--workdir", directory / "runs", *TINY)
    nets = [directory / "runs" / stage / "best.keras" for stage in STAGES]
    export(nets[0], directory)
    with serving(directory) as (server, rest, grpc):
        image = directory / "photograph.png"
        draw(image)
        expected = [labelled(grpc, image, version=1)]
        with Load([rest, grpc], image) as load:
            wait(lambda: load.answers, server)
            export(nets[1], directory)
            wait(lambda: newest(rest) == 2, server)
            expected.append(labelled(rest, image, version=2))
            wait(lambda: load.answers.get(expected[1], 0) >= ENOUGH, server)
    return verdict(load, expected, time.monotonic() - started)


def command(name, *arguments):
    """Run one of the installed commands, as a user would; stop where it fails."""
    print("$", name, *map(str, arguments), flush=True)
    if subprocess.run(words(name, *arguments)).returncode:
        sys.exit(f"serving: {name} failed.")


def words(name, *arguments):
    return [str(Path(sys.executable).parent / name), *map(str, arguments)]


def export(net, directory):
    command("fcn-export", net, directory / "models" / "scenes", "--size", "96x128")


class serving:
    """Run `fcn-serve` while the block lasts, and stop it as an orchestrator would: with SIGTERM."""

    def __init__(self, directory):
        folder = directory / "models" / "scenes"
        ports = ("--port", "0", "--rest_api_port", "0")
        self._words = words("fcn-serve", "--model_name", "scenes", "--model_base_path", folder, *ports)

    def __enter__(self):
        print("$", "fcn-serve", *self._words[1:], flush=True)
        self._server = subprocess.Popen(self._words, stdout=subprocess.PIPE, text=True)
        lines = [self._server.stdout.readline().split() for _ in range(2)]
        if not all(lines):
            sys.exit("serving: fcn-serve did not start.")
        grpc, rest = lines[0][-2], lines[1][-2].removeprefix("at:")
        print(f"serving: REST and page at http://{rest}, gRPC at {grpc}", flush=True)
        return self._server, f"http://{rest}", f"grpc://{grpc}"

    def __exit__(self, *_):
        self._server.send_signal(signal.SIGTERM)
        if self._server.wait(timeout=PATIENCE):
            sys.exit(f"serving: fcn-serve ended with {self._server.returncode}.")


class Load:
    """Ask for one image again and again from several threads while the block lasts.

    Attributes:
        answers: the labels that came, each different one once, with how often.
        failures: what went wrong, as text.
    """

    def __init__(self, urls, image):
        self._image, self._stop, self._lock = image, threading.Event(), threading.Lock()
        self.answers, self.failures = {}, []
        self._threads = [threading.Thread(target=self._ask, args=(url,)) for url in urls for _ in range(ASKERS)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, url):
        with Client(url, model="scenes", retries=0) as client:
            while not self._stop.is_set():
                try:
                    labels = client.predict(self._image)
                except Exception as error:
                    with self._lock:
                        self.failures.append(f"{url}: {error}")
                    continue
                key = (labels.shape, labels.tobytes())
                with self._lock:
                    self.answers[key] = self.answers.get(key, 0) + 1
                self._stop.wait(PAUSE)


def draw(path):
    """Draw an image in which any two nets find something else: noise in patches."""
    noise = np.random.default_rng(0).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    Image.fromarray(noise).resize((160, 120), Image.Resampling.BICUBIC).save(path)


def labelled(url, image, *, version):
    """Ask one version for labels: a key of `Load.answers`."""
    with Client(url, model="scenes", version=version) as client:
        labels = client.predict(image)
    return labels.shape, labels.tobytes()


def newest(url):
    """Return the newest version that is ready to answer."""
    with Client(url, model="scenes") as client:
        return max((one.version for one in client.status() if one.state == "AVAILABLE"), default=0)


def wait(until, server):
    deadline = time.monotonic() + PATIENCE
    while not until():
        if time.monotonic() > deadline or server.poll() is not None:
            sys.exit("serving: what was waited for did not come.")
        time.sleep(0.05)


def verdict(load, expected, seconds):
    """Say how it went; return 0 if nothing failed and every answer was one of the two versions' own."""
    counts = [load.answers.get(key, 0) for key in expected]
    strange = sum(load.answers.values()) - sum(counts)
    print(
        f"serving: {counts[0]} answers from version 1, {counts[1]} from version 2, {len(load.failures)} failed, "
        f"{strange} from neither; {seconds:.0f} s"
    )
    for failure in load.failures[:5]:
        print(f"serving: {failure}", file=sys.stderr)
    return 0 if all(counts) and not load.failures and not strange else 1


if __name__ == "__main__":
    sys.exit(main())
