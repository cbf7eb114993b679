"""Write the files that TensorFlow Serving needs around a model, for compose, Kubernetes and KServe: `fcn-kit`."""

import re
import shutil
from pathlib import Path

from fcn_keras_console import Parser, run
from fcn_keras_console.files import new_folder
from fcn_keras_console.next_step import say_next

CONFIG = Path(__file__).resolve().parent / "config"
NAME = "fcn"  # of the model in `config/`, where it is a word of its own wherever it stands
LONGEST = 40  # Kubernetes allows 63 characters, KServe appends to them


def kit(name, directory):
    """Copy the files, for a model of another name.

    Args:
        name: the model's, as in `DIRECTORY/NAME/VERSION/`; Kubernetes takes it for its own objects as well.
        directory: to make; it appears when it is complete.

    Returns:
        `pathlib.Path` of the folder.

    Raises:
        ValueError: on a name that Kubernetes does not allow.
        FileExistsError: if the folder is there.
    """
    if not re.fullmatch("[a-z]([-a-z0-9]*[a-z0-9])?", name) or len(name) > LONGEST:
        raise ValueError(
            f"A model's name is at most {LONGEST} lower-case letters, digits and hyphens, starts with a letter and "
            "does not end with a hyphen: Kubernetes uses it too. "
            f"Received: {name!r}. Rename the model's folder to match."
        )
    directory = Path(directory)
    if directory.exists():
        raise FileExistsError(f"{directory} is there already, and may hold your changes. Choose another, or remove it.")

    def renamed(source, target):
        text = Path(source).read_text(encoding="utf-8")
        Path(target).write_text(re.sub(rf"\b{NAME}\b", name, text), encoding="utf-8")

    with new_folder(directory, "The folder", CONFIG) as folder:
        shutil.copytree(CONFIG, folder, copy_function=renamed)
    return directory


def main(argv=None):
    """Run `fcn-kit` and return its exit code: 0, or 2 with one line on stderr."""
    return run("fcn-kit", _command, build_parser().parse_args(argv))


def _command(arguments):
    print(kit(arguments.name, arguments.directory))
    models = f"MODELS={Path('models').absolute()}"
    say_next(
        arguments, "env", models, "docker", "compose", "--project-directory", arguments.directory, "up", "--detach"
    )


def build_parser():
    parser = Parser("fcn-kit", __doc__, examples=("fcn-kit fcn deploy",))
    parser.add_argument("name", help="the model's name, that of the folder which holds its versions")
    parser.add_argument("directory", help="the folder to write")
    return parser
