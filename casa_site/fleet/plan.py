"""What a fleet consists of: the gateways by number, their meters, where they listen."""

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from hardware.private_files import make_once
from hardware.simulator.curves import Profile

FLEET_FILE = "fleet.json"
_FIRST_DAY = "first-day"
FIRST_PORT = 20000
MOST = 5000
"""Gateways of one fleet: beyond that the ports and files of one machine end."""
CONSUMER = "kunde"
_CURVES: tuple[Profile, ...] = ("household_pv", "heat_pump")


@dataclass(frozen=True, slots=True)
class FleetMeter:
    """A simulated wired meter of a gateway."""

    id: str
    curve: Profile


@dataclass(frozen=True, slots=True)
class Member:
    """One gateway of a fleet; `number` counts from 1, `since` is a midnight (UTC).

    On that day its meters began to count.
    """

    number: int
    fleet: Path
    host: str
    han_port: int
    since: datetime

    @property
    def huid(self) -> str:
        """Its id."""
        return f"eflt00{self.number:08d}"

    @property
    def schema(self) -> str:
        """Where its tables are."""
        return schema_of(self.huid)

    @property
    def state(self) -> Path:
        """Its state folder."""
        return self.fleet / "gateways" / self.huid

    @property
    def han_url(self) -> str:
        """Its web server on the HAN."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"https://{host}:{self.han_port}"

    @property
    def metering_point(self) -> str:
        """The 33 characters of its consumer's metering point."""
        return f"DE0009999999{self.number:021d}"

    @property
    def meters(self) -> list[FleetMeter]:
        """Two wired ones."""
        first = 2 * self.number - 1
        return [
            FleetMeter(f"1flt00{first + place:08d}", curve)
            for place, curve in enumerate(_CURVES)
        ]


def schema_of(huid: str) -> str:
    """The schema of the gateway with this id."""
    return f"gateway_{huid}"


def members(
    fleet: Path, count: int, *, host: str, first_port: int, now: datetime
) -> list[Member]:
    """The gateways of a fleet; `now` counts at its first start only."""
    day = make_once(fleet / _FIRST_DAY, now.date().isoformat().encode()).decode()
    since = datetime.fromisoformat(day).replace(tzinfo=UTC)
    return [
        Member(number, fleet, host, first_port + number - 1, since)
        for number in range(1, count + 1)
    ]


def write_description(fleet: Path, gateways: list[dict[str, object]]) -> Path:
    """Write `fleet.json` (0600): what clients need, logins included."""
    path = fleet / FLEET_FILE
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump({"gateways": gateways}, file, indent=1)
    return path
