"""Something to try before anything is trained: the package's own small net, and scenes for it."""

import sys
from pathlib import Path

from fcn_keras_console import Parser
from fcn_keras_console.files import require_folder, written

FOLDER = Path("fcn-demo")  # where `fcn-predict --demo` writes, unless it is told another place
_NARGS = {"model": (None, "?"), "inputs": ("+", "*"), "output": (None, None)}  # without and with `--demo`
NOTE = "The demo's net knows drawn scenes alone. For photographs, train one on your own: fcn-train --data photos"


class DemoParser(Parser):
    """A parser that, with `--demo`, asks for nothing that the demo brings by itself."""

    def parse_known_args(self, args=None, namespace=None):
        demo = "--demo" in (sys.argv[1:] if args is None else args)
        for action in self._actions:
            if action.dest in _NARGS:
                action.nargs = _NARGS[action.dest][demo]
                action.required = not demo
        return super().parse_known_args(args, namespace)


def settle(parser, arguments):
    """Choose the demo's folder; end the command where a model or images are given, which the demo brings by itself."""
    if arguments.model or arguments.inputs:
        parser.error("--demo brings its own net and images: leave yours out, or leave out --demo")
    arguments.output = arguments.output or FOLDER


def write_demo(folder):
    """Write the demo's net, the names of its classes, its card, and scenes with their true labels.

    What is there already stays.

    Args:
        folder: `pathlib.Path`, may be missing.

    Returns:
        Path of the net, and what to label: the folder of scenes.

    Raises:
        ValueError: if another net, or other files of its names, lie there.
        OSError: if something cannot be written.
    """
    from fcn_keras.demo import net

    require_folder(folder)
    model, scenes = folder / "net.keras", folder / "scenes"
    contents = net.read("net.keras")
    names = "".join(f"{name}\n" for name in net.CLASSES).encode()
    files = {model: contents, folder / "card.json": net.read("card.json")}
    files |= {place / "classes.txt": names for place in (folder, scenes)}  # the net's names are read from there
    for path in [model] if model.exists() else files:  # beside the demo's net, what was changed stays
        if path.exists() and path.read_bytes() != files[path]:
            raise ValueError(
                f"{path} exists, and is not the demo's. Say --output DIR, a folder that does not exist yet."
            )
    for path, data in files.items():
        if not path.exists():
            with written(path) as temporary:
                temporary.write_bytes(data)
    _write_scenes(scenes, net.scenes())
    return model, [str(scenes / "images")]


def _write_scenes(folder, drawn):
    from PIL import Image

    for number, example in enumerate(drawn, 1):
        for kind, pixels in (("images", example["image"]), ("labels", example["label"])):
            path = folder / kind / f"scene_{number}.png"
            if not path.exists():
                with written(path) as temporary:
                    Image.fromarray(pixels).save(temporary, format="PNG")
