"""Run every long attack and print one table: `python tests/attacks/soak.py --minutes 20`."""

import argparse
import contextlib
import importlib.util
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.attacks.outcome import Outcome  # noqa: E402

ATTACKS = ("kills", "kills_in_minutes", "server_requests", "server_sockets", "server_images", "fuzz_files", "images")
ATTACKS += ("odd_names", "changed_data", "server_calls", "server_json", "full_disks")
ATTACKS += ("damaged_models", "kills_in_batch")
ATTACKS += ("two_at_once", "kills_in_commands")
ATTACKS += ("broken_weights",)
ATTACKS += ("thin_classes",)
ATTACKS += ("suspended",)
GRACE = 300  # seconds past its share after which an attack counts as hanging


def main(argv=None):
    """Run the attacks side by side and return 1 if anything was lost."""
    parser = argparse.ArgumentParser(prog="soak", description="run every long attack and print one table")
    parser.add_argument("--minutes", type=float, default=20, help="for all attacks together (default: 20)")
    parser.add_argument("--at-once", type=int, default=2, help="attacks that run side by side (default: 2)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the table to FILE as well")
    parser.add_argument("attacks", nargs="*", default=ATTACKS, help=f"which (default: {' '.join(ATTACKS)})")
    options = parser.parse_args(argv)
    modules = {name: f"tests.attacks.{name}" for name in options.attacks}
    if options.minutes <= 0 or options.at_once < 1:
        parser.error("--minutes must be positive and --at-once 1 or more")
    for name, module in modules.items():
        if importlib.util.find_spec(module) is None:
            parser.error(
                f"expected a module tests/attacks/{name}.py. Received: {name}. Choose of: {', '.join(ATTACKS)}"
            )
    outcomes = run_all(modules, options.minutes * 60, options.at_once)
    print(table(outcomes))
    if options.json:
        write_json(outcomes, options.json)
    return int(any(outcome.lost for outcome in outcomes))


def run_all(modules, seconds, at_once, grace=GRACE):
    """Run the attacks of `{name: module}`, each in a process, `at_once` side by side; return the outcomes in order."""
    share = seconds * min(at_once, len(modules)) / len(modules)
    waiting, found, running = queue.SimpleQueue(), {}, set()
    for name in modules:
        waiting.put(name)

    def work():
        with contextlib.suppress(queue.Empty):
            while True:
                name = waiting.get_nowait()
                started = time.monotonic()
                found[name] = run_one(name, modules[name], share, grace, running)
                lost = sum(len(outcome.lost) for outcome in found[name])
                print(f"soak: {name}: {time.monotonic() - started:.0f} s, lost {lost}", file=sys.stderr, flush=True)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(at_once)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:  # stopped by hand: leave nothing behind
        for process in tuple(running):
            end(process)
    return [outcome for name in modules for outcome in found[name]]


def run_one(name, module, seconds, grace, running):
    """Run one attack in its own session; a crash or a hang is a lost try of that attack alone."""
    with tempfile.TemporaryDirectory(prefix=f"soak-{name}-", ignore_cleanup_errors=True) as folder:
        workdir, report, log = (Path(folder) / part for part in ("work", "report.json", "log"))
        workdir.mkdir()
        command = [sys.executable, "-m", "tests.attacks.one_attack", module, str(seconds), str(workdir), str(report)]
        with log.open("wb") as output:
            process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output, start_new_session=True)
        running.add(process)
        try:
            process.wait(seconds + grace)
            ended = f"ended with {process.returncode}"
        except subprocess.TimeoutExpired:
            ended = f"still ran {grace:.0f} s after its {seconds:.0f} s"
        end(process)
        running.discard(process)
        if process.returncode == 0 and report.is_file():
            return [Outcome(row[0], row[1], tuple(row[2])) for row in json.loads(report.read_text(encoding="utf-8"))]
        last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:] or ["it printed nothing"]
        return [Outcome(name, 1, (f"the attack itself {ended}: {last[0]}",))]


def end(process):
    """Kill a process and whatever it started and left."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def table(outcomes):
    """Format the outcomes in Markdown, sums last, then a line for everything lost."""
    rows = [(outcome.attack, outcome.tries, outcome.survived, len(outcome.lost)) for outcome in outcomes]
    rows.append(("all", *(sum(row[column] for row in rows) for column in (1, 2, 3))))
    lines = ["| attack | tries | survived | lost |", "|---|---|---|---|"]
    lines += [
        f"| {name} | {' | '.join(f'{count:,}'.replace(',', ' ') for count in counts)} |" for name, *counts in rows
    ]
    lines += [f"LOST {outcome.attack}: {line}" for outcome in outcomes for line in outcome.lost]
    return "\n".join(lines)


def write_json(outcomes, path):
    """Write the outcomes beside `path` and rename them onto it."""
    rows = [{**outcome._asdict(), "survived": outcome.survived} for outcome in outcomes]
    beside = path.with_name(path.name + ".part")
    beside.write_text(json.dumps({"date": time.strftime("%Y-%m-%d"), "outcomes": rows}, indent=1), encoding="utf-8")
    beside.replace(path)


if __name__ == "__main__":
    sys.exit(main())
