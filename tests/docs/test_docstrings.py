"""Everything public says what it takes, what it gives and what it raises."""

import ast
import builtins
import dataclasses
import importlib
import inspect
import pkgutil
import re
import textwrap

import pytest

import fcn_keras
from serving.client import client

SECTION = re.compile(r"^(Args|Attributes|Returns|Yields|Raises):$", re.MULTILINE)
# What a docstring may say instead of its own lists: "Arguments and result as for `FCN32s`", "See `reading.read_all`".
AS_FOR = re.compile(r"(?:[Aa]rguments (?:and result )?as for|See) `(?:\w+\.)*(\w+)`")
NOT_IMPORTED = {"fcn_keras.datasets.builders"}  # TensorFlow Datasets' own classes, documented by it
# What the library's modules share among themselves: a sentence says what each does.
INTERNAL = {
    *("examples", "labels", "streams", "vgg16_channels_first", "vgg16_files", "vgg16_formats"),
    *("datasets.nyud_lists", "datasets.originals", "datasets.reading", "datasets.scenery"),
    "losses.pixels",
}
WORDS = {"path": "file|image"}  # argument -> the words by which a sentence may call it


def public():
    """List every public function, class and method of the library and of the client, by its full name."""
    names = {module.name for module in pkgutil.walk_packages(fcn_keras.__path__, "fcn_keras.")} - NOT_IMPORTED
    modules = [importlib.import_module(name) for name in sorted(names)] + [client]
    for module in modules:
        for name, thing in vars(module).items():
            ours = getattr(thing, "__module__", None) == module.__name__ and not name.startswith("_")
            if ours and (inspect.isfunction(thing) or inspect.isclass(thing)):
                yield f"{module.__name__}.{name}", thing
                if inspect.isclass(thing):
                    yield from methods(module, name, thing)


def methods(module, name, kind):
    for key, value in vars(kind).items():
        if inspect.isfunction(value) and not key.startswith("_") and not inherited(kind, key):
            yield f"{module.__name__}.{name}.{key}", value


def inherited(kind, name):
    """Tell whether a base class, which is Keras's or Python's, documents a method."""
    return any(name in vars(base) for base in kind.__mro__[1:])


EVERYTHING = dict(public())
OPEN = {
    name: thing
    for name, thing in EVERYTHING.items()
    if not any(name.startswith(f"fcn_keras.{module}.") for module in INTERNAL)
}
FUNCTIONS = {name: thing for name, thing in OPEN.items() if inspect.isfunction(thing)}
CLASSES = {name: thing for name, thing in OPEN.items() if inspect.isclass(thing)}


def sections(thing):
    """Split a docstring into its text ("") and its sections."""
    parts = SECTION.split(inspect.getdoc(thing) or "")
    indented = (re.match(r"(?:\n+ +.*|\n)*", text)[0] for text in parts[2::2])
    return {"": parts[0], **dict(zip(parts[1::2], map(textwrap.dedent, indented), strict=True))}


def documented(text):
    """Name the arguments that an `Args` section explains: `a: ...`, `a, b: ...`, `*args: ...`."""
    heads = re.findall(r"^(\*{0,2}\w+(?:, \*{0,2}\w+)*): ", text.strip("\n"), re.MULTILINE)
    return {name.strip("*") for head in heads for name in head.split(", ")}


def arguments(function):
    return [name for name in inspect.signature(function).parameters if name not in ("self", "cls")]


def raised(function):
    """Name the exceptions that a function's own body raises, as far as nothing in it catches them."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name):
            names.add(node.exc.func.id)
    return {name for name in names if not name.startswith("_")}


def untold(names, text):
    """List the exceptions that a `Raises` section has neither by name nor by a base class of Python's."""
    told = set(re.findall(r"\b\w*(?:Error|Refused)\b", text))
    kinds = {name: {name, *(kind.__name__ for kind in getattr(builtins, name, object).__mro__)} for name in names}
    return [name for name, known in kinds.items() if not told & known]


def said(name, thing, kind="Args"):
    """Return what is said of a thing's arguments: in its own section, or in the one that it points to."""
    found = sections(thing)
    pointed = AS_FOR.search(" ".join(found[""].split()))
    if kind not in found and pointed:
        (there,) = (other for full, other in EVERYTHING.items() if full.endswith(f".{pointed[1]}"))
        return sections(there).get(kind, "")
    return found.get(kind, "")


def mentioned(name, text):
    """Tell whether a text speaks of an argument: in backquotes, or as the thing that the sentence is about."""
    return re.search(rf"\b({name}|{WORDS.get(name, name)})s?\b", text) is not None


@pytest.mark.parametrize("name", EVERYTHING)
def test_there_is_a_sentence(name):
    text = " ".join(sections(EVERYTHING[name])[""].split())
    assert re.match(r"[A-Z`].*?[.:](\s|$)", text), f"{name}: {text!r}"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_arguments_are_documented(name):
    function = FUNCTIONS[name]
    listed, text = documented(said(name, function)), sections(function)[""]
    assert [a for a in arguments(function) if a not in listed and not mentioned(a, text)] == []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_argument_is_made_up(name):
    parameters = inspect.signature(FUNCTIONS[name]).parameters
    found = sections(FUNCTIONS[name]).get("Args", "")
    assert documented(found) <= set(parameters) or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_results_are_documented(name):
    function = FUNCTIONS[name]
    result = inspect.signature(function).return_annotation
    if result in (None, "None", inspect.Signature.empty):
        return
    first = sections(function)[""].split(".")[0]
    says = said(name, function, "Returns") or "Yields" in sections(function)
    assert says or re.match("(Return|Count|Compute|Read what) ", first) or "; return" in first, first


@pytest.mark.parametrize("name", FUNCTIONS)
def test_errors_are_documented(name):
    function = FUNCTIONS[name]
    assert untold(raised(function), said(name, function, "Raises")) == []


@pytest.mark.parametrize("name", CLASSES)
def test_classes_say_what_they_are_made_of(name):
    kind = CLASSES[name]
    if "__init__" not in vars(kind) or issubclass(kind, BaseException):
        return
    found = sections(kind)
    names = [n for n in arguments(kind.__init__) if n not in ("kwargs", "args", "options")]
    told = documented(found.get("Args", "") + "\n" + found.get("Attributes", ""))
    told |= set(re.findall(r"`(\w+)`", found[""]))
    assert set(names) <= told, set(names) - told
    if not dataclasses.is_dataclass(kind):  # whose `__init__` nobody wrote
        assert untold(raised(kind.__init__), found.get("Raises", "")) == []


def test_the_checks_see_what_is_missing():
    def good(a, b):
        """Add `a`.

        Args:
            a: one.
            b, c: two.

        Raises:
            ValueError: never.
        """
        raise ValueError("")

    def bad(a, b):
        raise OSError("")

    assert documented(sections(good)["Args"]) == {"a", "b", "c"}
    assert raised(good) == {"ValueError"}
    assert raised(bad) == {"OSError"}
    assert sections(bad) == {"": ""}
    assert mentioned("a", "Add `a`.")
    assert mentioned("path", "Read a file.")
    assert not mentioned("a", "Bad.")
    assert untold({"FileNotFoundError", "ValueError"}, "OSError: if it is missing.") == ["ValueError"]
