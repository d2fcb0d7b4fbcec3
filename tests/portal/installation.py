"""A small installation for tests of the portal: two consumers, three meters.

`hks2` has two wired meters, a TAF7 and a TAF1; `nachbar` has one of each. Records:
the first of this month and of the two months before, the last three midnights, the
last eight quarter hours. All through the services that the product uses.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from hardware.device_id import server_id_of
from hardware.gateway import Gateway
from hardware.obis import Obis
from hardware.readings import MeterReading, RegisterValue
from logbooks.catalogue import Event
from logbooks.certificates import ensure_signature_certificate
from logbooks.services import log_event
from meters.accounts import create_account
from meters.configuration import create_consumer, create_meter
from meters.models import Account
from meters.services import record_boundary, update_live
from tariffs.calendar import BERLIN, last_on_grid
from tariffs.services import (
    InputSpec,
    ProfileSpec,
    create_profile,
    evaluate_due,
)

PASSWORDS = {"hks2": "sehr geheim 1", "nachbar": "auch geheim 2"}
METERS = {
    "1emh0000000001": "hks2",
    "1emh0000000002": "hks2",
    "1emh0000000003": "nachbar",
}
PROFILES = {"hks2": ("hks2-taf1", "hks2-taf7"), "nachbar": ("nb-taf1", "nb-taf7")}
_FIRST_METER = {"hks2": "1emh0000000001", "nachbar": "1emh0000000003"}

IMPORT, EXPORT = "0100010800ff", "0100020800ff"
POWER, ANGLE = "0100100700ff", "0100510704ff"


def install(gateway: Gateway, now: datetime) -> None:
    """Set everything up as it stands at `now`."""
    ensure_signature_certificate(gateway, now - timedelta(days=300))
    begin = months_before(now, 2)
    for consumer, password in PASSWORDS.items():
        owner = create_consumer(gateway, consumer)
        create_account(
            gateway,
            username=consumer,
            role=Account.Role.CONSUMER,
            consumer=owner,
            password=password,
        )
    for meter, consumer in METERS.items():
        create_meter(
            gateway,
            meter,
            consumer=consumer,
            source="hdlc",
            port="/dev/ttyS0",
            master_key=bytes(16).hex(),
            now=begin - timedelta(hours=1),
        )
    for consumer, profiles in PROFILES.items():
        for profile in profiles:
            create_profile(
                gateway, _spec(consumer, profile, begin), now=now, backdated=True
            )
    for instant in instants(now):
        record(gateway, instant)
    evaluate_due(gateway, now=now)
    update_live(gateway, {m: reading(m, now) for m in METERS}, now=now)
    log_event(gateway, Event.SELF_TEST_FAILED, "1", '=1+1; "x"', now=now)


def _spec(consumer: str, profile: str, begin: datetime) -> ProfileSpec:
    registers = (IMPORT,) if profile.endswith("taf1") else (IMPORT, EXPORT)
    meter = _FIRST_METER[consumer]
    return ProfileSpec(
        id=profile,
        taf=int(profile[-1]),
        consumer=consumer,
        valid_from=begin,
        inputs=tuple(InputSpec(meter, register) for register in registers),
    )


def months_before(now: datetime, months: int) -> datetime:
    """00:00 local of the first of the month `months` ago."""
    local = now.astimezone(BERLIN)
    index = local.year * 12 + local.month - 1 - months
    return datetime(index // 12, index % 12 + 1, 1, tzinfo=BERLIN).astimezone(UTC)


def instants(now: datetime) -> list[datetime]:
    """The times of the records, ascending."""
    midnight = now.astimezone(BERLIN).replace(hour=0, minute=0, second=0, microsecond=0)
    days = [(midnight - timedelta(days=d)).astimezone(UTC) for d in range(3)]
    last = last_on_grid(now)
    quarters = [last - timedelta(minutes=15 * n) for n in range(8)]
    firsts = [months_before(now, n) for n in range(3)]
    return sorted({i for i in (*days, *quarters, *firsts) if i <= now})


def record(gateway: Gateway, instant: datetime, **changes: Any) -> None:
    """One record of each meter."""
    readings = {m: reading(m, instant, **changes) for m in METERS}
    record_boundary(
        gateway,
        target_time=instant,
        readings=readings,
        now=instant + timedelta(seconds=2),
    )


def reading(meter: str, instant: datetime, *, power: int = 4484) -> MeterReading:
    """What a meter says at an instant: the counters grow by 1 Wh a second."""
    seconds = int(instant.timestamp()) - 1_700_000_000
    offset = int(meter[-1]) * 1_000_000
    return MeterReading(
        server_id=server_id_of(meter),
        captured_at=instant + timedelta(seconds=1),
        status=0x4,
        registers=(
            RegisterValue(Obis.parse(IMPORT), seconds + offset, -1, 30),
            RegisterValue(Obis.parse(EXPORT), 2 * seconds + offset + 7, -1, 30),
            RegisterValue(Obis.parse(POWER), power, 0, 27),
            RegisterValue(Obis.parse(ANGLE), 1200, -1, 8),
        ),
    )
