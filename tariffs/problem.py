"""What is wrong with something that was asked for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where (JSON pointer into the body), and what."""

    pointer: str
    message: str
