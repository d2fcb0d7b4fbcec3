"""Which of what wireless meters send becomes the value of a boundary (D18).

Pure, for all meters of one stick together: what a telegram costs does not depend on
how many meters there are.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from hardware.readings import MeterReading
from meters.boundaries import LATE_WAIT, REGISTRATION_PERIOD, boundary_before
from meters.late_boundaries import WIRELESS_WAIT


@dataclass(frozen=True, slots=True)
class ChosenReadings:
    """The readings that were chosen for a boundary, by meter id."""

    target_time: datetime
    readings: dict[str, MeterReading]


@dataclass(slots=True)
class _Boundary:
    """An open boundary: who has a value, who may have a nearer one, what is chosen."""

    filled: set[str] = field(default_factory=set)
    before: dict[str, MeterReading] = field(default_factory=dict)
    chosen: dict[str, MeterReading] = field(default_factory=dict)

    def choose(self, meter_id: str, reading: MeterReading) -> None:
        self.filled.add(meter_id)
        self.before.pop(meter_id, None)
        self.chosen[meter_id] = reading


class WirelessWindow:
    """Chooses the reading nearest to each boundary, and takes profiles for open ones.

    A telegram counts when it came within `LATE_WAIT` of the boundary. The value of a
    load profile counts when it lies on the boundary, as long as that is open.
    """

    def __init__(
        self, *, now: datetime, recorded: Mapping[datetime, Collection[str]]
    ) -> None:
        """`recorded` says which meters have a record at the boundaries still open."""
        self._boundaries = {at: _Boundary(set(ids)) for at, ids in recorded.items()}
        self._closed_to = boundary_before(now - WIRELESS_WAIT)

    def offer(self, meter_id: str, reading: MeterReading) -> None:
        """Take a reading that was captured now."""
        captured_at = reading.captured_at
        target_time = boundary_before(captured_at + REGISTRATION_PERIOD / 2)
        if abs(captured_at - target_time) > LATE_WAIT:
            return
        boundary = self._open(target_time)
        if boundary is None or meter_id in boundary.filled:
            return
        if captured_at < target_time:
            boundary.before[meter_id] = reading
            return
        before = boundary.before.get(meter_id)
        is_nearer = before is not None and (
            target_time - before.captured_at < captured_at - target_time
        )
        boundary.choose(meter_id, before if before and is_nearer else reading)

    def offer_past(self, meter_id: str, reading: MeterReading) -> None:
        """Take the value of a load profile; one beside the grid is none for us."""
        target_time = boundary_before(reading.captured_at)
        if target_time != reading.captured_at:
            return
        boundary = self._open(target_time)
        if boundary is not None and meter_id not in boundary.filled:
            boundary.choose(meter_id, reading)

    def chosen(self, now: datetime) -> Iterator[ChosenReadings]:
        """What was chosen since the last call, boundaries ascending."""
        for target_time in sorted(self._boundaries):
            boundary = self._boundaries[target_time]
            if now > target_time + LATE_WAIT:
                for meter_id, reading in list(boundary.before.items()):
                    boundary.choose(meter_id, reading)
            if boundary.chosen:
                readings, boundary.chosen = boundary.chosen, {}
                yield ChosenReadings(target_time, readings)

    def close(self, now: datetime) -> bool:
        """Whether the wait of a boundary ended since the last call."""
        closed_to = boundary_before(now - WIRELESS_WAIT)
        if closed_to <= self._closed_to:
            return False
        self._closed_to = closed_to
        for target_time in [at for at in self._boundaries if at <= closed_to]:
            del self._boundaries[target_time]
        return True

    def _open(self, target_time: datetime) -> _Boundary | None:
        if target_time <= self._closed_to:
            return None
        return self._boundaries.setdefault(target_time, _Boundary())
