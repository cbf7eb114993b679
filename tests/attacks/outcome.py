"""What an attack reports."""

from typing import NamedTuple


class Outcome(NamedTuple):
    """One row of `make soak`'s table.

    Attributes:
        attack: a short name.
        tries: how many times it was tried.
        lost: one line for each try that the attacked did not survive.
    """

    attack: str
    tries: int
    lost: tuple = ()

    @property
    def survived(self):
        return self.tries - len(self.lost)
