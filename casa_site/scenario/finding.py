"""What was expected and what came, side by side."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; both sides in words."""

    what: str
    expected: str
    came: str
    is_met: bool

    @classmethod
    def of(cls, what: str, expected: object, came: object) -> "Finding":
        """Met when both are the same."""
        return cls(what, str(expected), str(came), expected == came)
