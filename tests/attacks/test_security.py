"""SECURITY.md names tests; they have to be there, and the long attacks among them have to be run."""

import re
from pathlib import Path

from tests.attacks import soak

ROOT = Path(__file__).resolve().parents[2]


def test_every_promise_names_tests_that_are_there():
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    promises = re.findall(r"^\| \*\*.+\|$", text, re.MULTILINE)
    assert len(promises) > 5
    for promise in promises:
        named = re.findall(r"`((?:tests|docs)/[\w./-]+)`|\((docs/[\w.]+)\)", promise)
        assert named, promise
        for path in filter(None, sum(named, ())):
            assert (ROOT / path).exists(), f"{path} in: {promise}"
    attacks = set(re.findall(r"tests/attacks/(?!test_)(\w+)\.py", text))
    assert attacks == set(soak.ATTACKS)


def test_every_attack_of_the_soak_is_there():
    for name in soak.ATTACKS:
        assert "\ndef soak(seconds, workdir" in (ROOT / "tests" / "attacks" / f"{name}.py").read_text(encoding="utf-8")
