"""What the doctor found: one sentence, the files, and what to do."""

from dataclasses import dataclass

NAMED = 5  # files a finding names before it only counts


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or worth knowing.

    Attributes:
        code: such as `mask-is-rgb`.
        severity: `error` if training would fail or be wrong, else `note`.
        message: the sentence, with numbers.
        advice: what to do.
        files: the first few, relative to the data set's folder.
        count: how many files in all.
    """

    code: str
    severity: str
    message: str
    advice: str
    files: tuple[str, ...] = ()
    count: int = 0


class Ledger:
    """Collect findings, and which pairs each concerns.

    Attributes:
        findings: in the order in which they were made.
        faults: codes of errors and notes by index of the pair.
    """

    def __init__(self):
        self.findings, self.faults = [], {}

    def error(self, code, message, advice, *, files=(), pairs=()):
        self._add("error", code, message, advice, files, pairs)

    def note(self, code, message, advice, *, files=(), pairs=()):
        self._add("note", code, message, advice, files, pairs)

    def _add(self, severity, code, message, advice, files, pairs):
        files = tuple(files)
        self.findings.append(Finding(code, severity, message, advice, files[:NAMED], len(files)))
        for pair in pairs:
            self.faults.setdefault(pair, set()).add(code)

    def has(self, pair, codes):
        return bool(self.faults.get(pair, set()) & codes)

    def having(self, *codes):
        """Return the indices of the pairs that have one of the codes."""
        return sorted(pair for pair, found in self.faults.items() if found & set(codes))
