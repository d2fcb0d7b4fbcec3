"""What the doctor says of one thing: how good it is, and what to do about it."""

from dataclasses import asdict, dataclass
from enum import StrEnum


class Level(StrEnum):
    """How good it is; only `WRONG` makes the exit status 1."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; `remedy` is empty where nothing is to be done."""

    level: Level
    subject: str
    text: str
    remedy: str = ""

    def as_text(self) -> str:
        """The line for people, with the remedy below it."""
        line = f"{self.level:8} {self.subject:14} {self.text}"
        return f"{line}\n{'':23} -> {self.remedy}" if self.remedy else line

    def as_json(self) -> dict[str, str]:
        """The same for programs."""
        return {name: str(value) for name, value in asdict(self).items()}


def ok(subject: str, text: str) -> Finding:
    """All is well."""
    return Finding(Level.OK, subject, text)


def warning(subject: str, text: str, remedy: str) -> Finding:
    """It works, but not as it should, or not for long."""
    return Finding(Level.WARNING, subject, text, remedy)


def wrong(subject: str, text: str, remedy: str) -> Finding:
    """The gateway cannot work like this."""
    return Finding(Level.WRONG, subject, text, remedy)
