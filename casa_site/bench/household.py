"""The lists that pages and files are made from: one consumer, two meters, two years.

The records come from the service that the demo's history uses, signed with P-256 so
that two years take seconds. Made once per run, in two database files: one with all of
it, and one with its last day only.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.db import connection

from casa_site.bench.bench import Bench
from casa_site.bench.signing import signing_with
from hardware.device_id import server_id_of
from hardware.gateway import Gateway
from hardware.obis import ACTIVE_ENERGY_EXPORT, ACTIVE_ENERGY_IMPORT
from hardware.readings import MeterReading, RegisterValue
from hardware.sym_pairing import KEY_BYTES
from hardware.units import WATT_HOUR
from logbooks.certificates import ensure_signature_certificate
from meters.accounts import create_account
from meters.boundaries import REGISTRATION_PERIOD
from meters.history import PastReading, record_past
from meters.models import Account, Meter
from meters.services import create_consumer, create_meter, update_live
from portal.local_time import month
from tariffs.profile_spec import InputSpec, ProfileSpec
from tariffs.services import create_profile

CONSUMER, PASSWORD = "bench", "two years of values"
METERS = ("1emh0000000001", "1emh0000000002")
YEARLY, MONTHLY = "bench-taf7-year", "bench-taf7-month"
"""TAF7 over both counters of the first meter, billed by the year and by the month."""

_BOUNDARIES_AT_ONCE = 200
_SCALER = -1
_STATUS = 0x001C0104
_A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Household:
    """The consumer's data: two database files, of which `whole` holds all of it.

    There the records lie in `(begin, end]`; `end` is 00:00 of the first of this month.
    """

    gateway: Gateway
    begin: datetime
    end: datetime
    whole: Path
    one_day: Path

    @property
    def records(self) -> int:
        """How many records of each meter lie in `(begin, end]`."""
        return (self.end - self.begin) // REGISTRATION_PERIOD

    def show_live(self) -> None:
        """Bring the live values of the database in use up to date."""
        now = self.gateway.clock.now()
        update_live(self.gateway, {m: _reading(m, now) for m in METERS}, now=now)

    @contextmanager
    def using(self, file: Path) -> Iterator[None]:
        """Let Django's connection lead to one of the two files."""
        use_file(file)
        try:
            yield
        finally:
            use_file(self.whole)


def household_of(bench: Bench) -> Household:
    """The household of this run; made when it is asked for the first time."""
    gateway = signing_with(bench.gateway, "secp256r1")
    end, begin = (
        _first_of_month(gateway, 0),
        _first_of_month(gateway, bench.scale.months),
    )
    filled_from = begin if bench.scale.days is None else end - bench.scale.days * _A_DAY
    whole = Path(str(connection.settings_dict["NAME"]))
    one_day = whole.with_name("one-day.sqlite3")
    household = Household(gateway, filled_from, end, whole, one_day)
    if not one_day.exists():
        _set_up(gateway, begin)
        _copy(whole, one_day)
        with household.using(one_day):
            _fill(gateway, end - _A_DAY, end)
        _fill(gateway, filled_from, end)
    return household


def use_file(file: Path) -> None:
    """The next query opens this file."""
    connection.close()
    connection.settings_dict["NAME"] = file


def registers_at(meter: str, instant: datetime) -> tuple[RegisterValue, ...]:
    """What a meter's counters show, in 0.1 Wh; they grow by some Wh a minute."""
    seconds = int(instant.timestamp()) - 1_600_000_000
    place = METERS.index(meter) + 1
    return (
        RegisterValue(ACTIVE_ENERGY_IMPORT, place * seconds, _SCALER, WATT_HOUR),
        RegisterValue(ACTIVE_ENERGY_EXPORT, seconds // 3, _SCALER, WATT_HOUR),
    )


def _first_of_month(gateway: Gateway, months_back: int) -> datetime:
    found = month(gateway.clock.now(), months_back)
    if found is None:
        raise ValueError(f"no month {months_back} back")
    return found[0]


def _copy(source: Path, target: Path) -> None:
    connection.close()  # the last connection to leave empties the write-ahead log
    shutil.copyfile(source, target)


def _set_up(gateway: Gateway, begin: datetime) -> None:
    now = gateway.clock.now()
    ensure_signature_certificate(gateway, now)
    consumer = create_consumer(gateway, CONSUMER)
    create_account(
        gateway,
        username=CONSUMER,
        role=Account.Role.CONSUMER,
        consumer=consumer,
        password=PASSWORD,
    )
    for meter in METERS:
        create_meter(
            gateway,
            meter,
            consumer=CONSUMER,
            source=Meter.Source.HDLC,
            port="/dev/ttyHOUSE",
            master_key=bytes(KEY_BYTES).hex(),
            now=begin,
        )
    for profile_id, months in ((YEARLY, 12), (MONTHLY, 1)):
        create_profile(
            gateway, _taf7(profile_id, months, begin), now=now, backdated=True
        )


def _taf7(profile_id: str, months: int, begin: datetime) -> ProfileSpec:
    registers = (ACTIVE_ENERGY_IMPORT, ACTIVE_ENERGY_EXPORT)
    return ProfileSpec(
        id=profile_id,
        taf=7,
        inputs=tuple(InputSpec(METERS[0], obis.logical_name) for obis in registers),
        consumer=CONSUMER,
        valid_from=begin,
        billing_count=months,
    )


def _fill(gateway: Gateway, begin: datetime, end: datetime) -> None:
    """One record of each meter at each boundary of `(begin, end]`."""
    count = (end - begin) // REGISTRATION_PERIOD
    for start in range(1, count + 1, _BOUNDARIES_AT_ONCE):
        stop = min(start + _BOUNDARIES_AT_ONCE, count + 1)
        targets = [begin + n * REGISTRATION_PERIOD for n in range(start, stop)]
        record_past(
            gateway,
            [
                PastReading(meter, target, _reading(meter, target))
                for target in targets
                for meter in METERS
            ],
        )


def _reading(meter: str, instant: datetime) -> MeterReading:
    later = instant + timedelta(seconds=1)
    registers = registers_at(meter, instant)
    return MeterReading(server_id_of(meter), later, _STATUS, registers)
