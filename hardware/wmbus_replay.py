"""The last message counters, so that an old telegram is never taken again.

The counter of a meter must strictly grow: that of mode 7 (AFL or transport header) and
the session number of the extended link layer, each for itself. The state is a plain
mapping that a later layer keeps; only telegrams that a key proved genuine change it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from hardware.wmbus_address import MeterAddress
from hardware.wmbus_errors import Replayed

MESSAGE = "message"
"""The counter of security mode 7."""
SESSION = "session"
"""The session number of the extended link layer."""


@dataclass(frozen=True, slots=True)
class Counted:
    """One counter that a telegram carries, proved genuine."""

    kind: str
    address: MeterAddress
    value: int

    @property
    def name(self) -> str:
        """The key in the state: '<kind>:<meter id>'."""
        return f"{self.kind}:{self.address.meter_id}"


class ReplayGuard:
    """Refuses counters that are not above the last accepted one.

    `limit` is for who hears any number of meters: so many counters are kept, the one
    that moved last longest. Without it none is ever forgotten.
    """

    def __init__(
        self, counters: Mapping[str, int] | None = None, *, limit: int | None = None
    ) -> None:
        self._last = dict(counters or {})
        self._limit = limit
        self.changes = 0

    @property
    def counters(self) -> dict[str, int]:
        """The state to keep; `changes` counts how often it moved."""
        return dict(self._last)

    def check(self, counted: Counted) -> None:
        """Raise Replayed for a counter that was there before."""
        last = self._last.get(counted.name)
        if last is not None and counted.value <= last:
            raise Replayed(f"{counted.kind} counter {counted.value}, last was {last}")

    def accept(self, counted: Counted) -> None:
        """Remember a counter; check it first."""
        self._last.pop(counted.name, None)
        self._last[counted.name] = counted.value
        self.changes += 1
        if self._limit is not None and len(self._last) > self._limit:
            del self._last[next(iter(self._last))]

    def forget(self, address: MeterAddress) -> None:
        """Begin anew with a meter, as after a change of its key."""
        for kind in (MESSAGE, SESSION):
            if self._last.pop(f"{kind}:{address.meter_id}", None) is not None:
                self.changes += 1
