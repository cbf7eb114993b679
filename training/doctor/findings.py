"""What the doctor finds: one sentence, the files, and what to do."""

from dataclasses import dataclass, field

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
        readings: what it may mean, where that is more than one thing: sentences by the name that `--read-as` takes.
    """

    code: str
    severity: str
    message: str
    advice: str
    files: tuple[str, ...] = ()
    count: int = 0
    readings: dict[str, str] = field(default_factory=dict)


class Findings:
    """Collect findings, and which pairs each concerns.

    Attributes:
        all: in the order in which they were made.
        files: the names of all files of each.
        pairs: the indices of the pairs of each, in the order of its files.
        codes: of errors and notes, a set by index of the pair.
    """

    def __init__(self):
        self.all, self.files, self.pairs, self.codes = [], [], [], {}

    def error(self, code, message, advice, *, files=(), pairs=(), readings=None):
        self._add("error", code, message, advice, files, pairs, readings)

    def note(self, code, message, advice, *, files=(), pairs=()):
        self._add("note", code, message, advice, files, pairs)

    def _add(self, severity, code, message, advice, files, pairs, readings=None):
        files = tuple(files)
        self.files.append(files)
        self.pairs.append(tuple(pairs))
        self.all.append(Finding(code, severity, message, advice, files[:NAMED], len(files), readings or {}))
        for pair in pairs:
            self.codes.setdefault(pair, set()).add(code)

    def pairs_with(self, *codes):
        """Return the indices of the pairs that have one of the codes."""
        return sorted(pair for pair, own in self.codes.items() if own & set(codes))


class Files:
    """The images, or the masks, of a data set. A finding about some of them counts and names these.

    Args:
        splits: indices of pairs by split.
        names: of the files, by index of the pair.
        noun: what they are, in the plural.
        findings: `Findings` to add to.
    """

    def __init__(self, splits, names, noun, findings):
        self.splits, self.names, self.noun, self.findings = splits, names, noun, findings

    def error(self, code, indices, message, advice, *, readings=None):
        """Add an error about the files of these pairs, if there are any; `message` goes on after their number."""
        self._add(self.findings.error, code, indices, message, advice, **({"readings": readings} if readings else {}))

    def note(self, code, indices, message, advice):
        """Add a note in the same way."""
        self._add(self.findings.note, code, indices, message, advice)

    def _add(self, add, code, indices, message, advice, **options):
        if indices:
            names = [self.names[index] for index in indices]
            add(code, f"{self.counted(indices)} {message}", advice, files=names, pairs=indices, **options)

    def counted(self, indices):
        """Say how many of the files, and in which splits, such as `3 of 20 masks (train 2, val 1)`."""
        chosen = set(indices)
        parts = {split: sum(index in chosen for index in members) for split, members in self.splits.items()}
        places = ", ".join(f"{split} {number}" for split, number in parts.items() if number)
        inside = f" ({places})" if list(self.splits) != ["all"] else ""
        return f"{len(chosen)} of {len(set().union(*self.splits.values()))} {self.noun}{inside}"
