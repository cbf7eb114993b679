"""Images that no memory holds at once: `fcn-predict`, the SavedModel, and whether stages give what one pass gives."""

import statistics
import subprocess
import sys
import tempfile
import time

from results import table

from speed import show
from speed.turns import Failed, Worker, say
from speed.work import Export
from speed.worker import peak

TITLE = "Memory of a large image"
NEEDS_TORCH = False
SIDE, COMPARED, SHARE = 4096, 1536, 0.2
SERVED = (3000, 4000)  # a phone's photograph
MOST_GB = 2 * 4 * 2**30 / 1e9  # twice the target: then it is stopped, before it takes the machine's memory
HEADS = ("", "s", "peak GB")


def measure(settings, files, found):
    """Label a large image by the command, and a smaller one in one pass and in stages.

    Returns:
        dict of JSON's types: `command`, `stages` and `served`, or their `reason`s.
    """
    side = settings.scaled((SIDE, SIDE))[0]
    image = files.image(side, side, "png")
    say(f"  fcn-predict on {side}x{side}")
    with tempfile.TemporaryDirectory(prefix="bench-") as output:
        words = [sys.executable, "-m", "fcn_keras_training.predict", files.net(), image, "--output", output]
        command = watched(words, MOST_GB)
    say("  one pass against stages")
    stages = _stages(settings, files)
    say("  a photograph through the SavedModel")
    return {"side": side, "command": command, "stages": stages, "served": _served(settings, files)}


def watched(words, most):
    """Run a command, and stop it should it take more than `most` GB.

    Returns:
        `{"seconds", "peak"}` in GB, with a `reason` if it was stopped or failed.
    """
    started, largest, reason = time.monotonic(), 0.0, None
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=errors)
        while process.poll() is None:
            try:
                largest = max(largest, peak(process.pid))
            except OSError:
                break  # it has just ended
            if largest > most and reason is None:
                reason = f"stopped at {largest:.1f} GB"
                process.kill()
            time.sleep(0.02)
        code = process.wait()
        errors.seek(0)
        lines = errors.read().decode(errors="replace").strip().splitlines()
    if code and reason is None:
        reason = f"exit code {code}: {lines[-1] if lines else 'no message'}"
    found = {"seconds": time.monotonic() - started, "peak": largest}
    return {**found, "reason": reason} if reason else found


def _stages(settings, files):
    side = settings.scaled((COMPARED, COMPARED))[0]
    image = files.image(side, side)
    try:
        with Worker("speed.staging:Staging", {"net": files.net(), "image": image}, threads=settings.threads) as worker:
            return {"side": side, **worker.ask("compare", share=SHARE).value}
    except Failed as failure:
        return {"side": side, "reason": str(failure)}


def _served(settings, files):
    """Ask the SavedModel for the labels of a photograph: `size`, `seconds`, `above` idle in MiB, and the `ratio` of its
    seconds a pixel to those of a small image between which it is asked."""
    size, side = settings.scaled(SERVED), settings.scaled((512, 512))[0]
    try:
        with Worker(
            "speed.served:Served", {"folder": files.export(Export("savedmodel"))}, threads=settings.threads
        ) as w:
            small = [w.ask("label", height=side, width=side).value["seconds"] for _ in range(settings.rounds)]
            found = w.ask("label", height=size[0], width=size[1]).value
            small += [w.ask("label", height=side, width=side).value["seconds"] for _ in range(settings.rounds)]
    except Failed as failure:
        return {"size": size, "reason": str(failure)}
    if found["status"]:
        return {"size": size, "reason": found["status"]}
    a_pixel = statistics.median(small) / side**2
    return {"size": size, "ratio": found["seconds"] / (size[0] * size[1]) / a_pixel, **found}


def tabulate(result):
    command, stages, side = result["command"], result["stages"], result["side"]
    line = [f"fcn-predict, {side}x{side}", f"{command['seconds']:.0f}", f"{command['peak']:.2f}"]
    text = [table(HEADS, [line])]
    if "reason" not in stages:
        text.append(
            f"\n{stages['side']}x{stages['side']} in stages of {stages['memory']:.0f} MiB against one pass: "
            f"{stages['same']:.6%} of the labels equal, scores differ by {stages['difference']:.1e} of the largest at "
            f"most; {stages['staged']:.1f} s against {stages['whole']:.1f} s."
        )
    served = result["served"]
    if "reason" not in served:
        height, width = served["size"]
        text.append(
            f"\n{height}x{width} through the SavedModel: {served['seconds']:.1f} s, {served['above'] / 1024:.2f} GiB "
            f"above idle, {served['ratio']:.2f} of the seconds a pixel that a small image takes."
        )
    reasons = {f"fcn-predict, {side}x{side}": command, "stages": stages, "served": served}
    return "\n".join([*text, *show.reasons(reasons)])


def draw(axes, result):
    peak = result["command"]["peak"] * 1e9 / 2**30
    show.bars(axes, {f"fcn-predict\n{result['side']}x{result['side']}": peak}, "peak memory, GiB")
    axes.axvline(4, color="#555555", linestyle="--", label="target")
    axes.set_xlim(0, 1.3 * max(peak, 4))
    axes.legend()
