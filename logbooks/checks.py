"""The registry of checks: what the self-test and the cyclic check look at.

Each app registers its own in `AppConfig.ready`, so that logbooks need not know them.
A check looks at one thing and yields the fault codes of ch. 9.4 that it finds.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from hardware.gateway import Gateway
from logbooks.chains import Finding


@dataclass(frozen=True, slots=True)
class Fault:
    """A finding: its code of ch. 9.4 and where it was seen.

    `detail` goes to the developer's log and to alarms, never into the system log.
    """

    code: int
    detail: str = ""


Look = Callable[[Gateway, datetime], Iterable[Fault]]


@dataclass(frozen=True, slots=True)
class ListRow:
    """A stored row as the check of lists wants it.

    `payload` is what its chain covers, None when the row cannot be read as what it
    should be; `text` is what its signature covers.
    """

    number: int
    chain_hash: bytes
    payload: bytes | None
    text: bytes = b""
    signature: bytes = b""
    signer_ski: str = ""

    @property
    def is_signed(self) -> bool:
        """Whether it bears a signature; that it should is covered by its chain."""
        return bool(self.text and (self.signature or self.signer_ski))


@dataclass(frozen=True, slots=True)
class ListKind:
    """A kind of chained list: all chains whose name begins with `prefix`.

    `rows(gateway, subject, after, limit)` reads the rows of `subject` (the rest of the
    chain's name) with a number above `after`, ascending; `highest(subject)` is the
    highest number there is. `codes` says which fault code a finding has, `unreadable`
    that of rows which the database cannot give.
    """

    prefix: str
    rows: Callable[[Gateway, str, int, int], Sequence[ListRow]]
    highest: Callable[[str], int]
    codes: Mapping[Finding, int]
    unreadable: int


_CHECKS: dict[str, Look] = {}
_LISTS: dict[str, ListKind] = {}


def register_check(name: str, look: Look) -> None:
    """Add a check; the same name again replaces it."""
    _CHECKS[name] = look


def registered_checks() -> Mapping[str, Look]:
    """All checks by name, in the order of registration."""
    return dict(_CHECKS)


def register_list(kind: ListKind) -> None:
    """Add a kind of chained list to what is checked in slices."""
    _LISTS[kind.prefix] = kind


def list_kind_of(chain: str) -> ListKind | None:
    """The kind of the chain with this name: the longest prefix that fits."""
    fitting = [kind for prefix, kind in _LISTS.items() if chain.startswith(prefix)]
    return max(fitting, key=lambda kind: len(kind.prefix), default=None)
