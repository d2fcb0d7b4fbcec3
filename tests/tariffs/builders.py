"""Small builders: meters of consumers, and original records with known values."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from django.db import connection

from hardware.gateway import Gateway
from hardware.obis import Obis
from hardware.readings import RegisterValue
from hardware.record import Record, register_lines
from hardware.status_word import METER_BASIC, PLACEHOLDER, combined
from meters.configuration import create_consumer, create_meter
from meters.models import Consumer, Meter, OriginalRecord
from meters.value_list import append_records
from tariffs.list_row import ListRow
from tariffs.models import EvaluationProfile
from tariffs.profile_spec import InputSpec, ProfileSpec
from tariffs.services import create_profile

IMPORT, EXPORT = "0100010800ff", "0100020800ff"
QUARTER = timedelta(minutes=15)
OK = combined(0, METER_BASIC)
GAP = combined(PLACEHOLDER, METER_BASIC)
WATT_HOUR = 30
CAPTURE_DELAY = timedelta(seconds=2)


def utc(text: str) -> datetime:
    """An instant: '2026-03-01 00:15', UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def register(
    value: int, *, obis: str = IMPORT, scaler: int = -1, unit: int = WATT_HOUR
) -> RegisterValue:
    """One register."""
    return RegisterValue(Obis.parse(obis), value, scaler, unit)


def a_row(
    target_time: datetime,
    value: int = 0,
    *,
    status: int = OK,
    scaler: int = -1,
    obis: str = IMPORT,
    unit: int = WATT_HOUR,
    later_bits: int = 0,
) -> ListRow:
    """A row of an original list with one register."""
    return ListRow(
        target_time,
        target_time + CAPTURE_DELAY,
        status,
        later_bits,
        register_lines([register(value, obis=obis, scaler=scaler, unit=unit)]),
        b"signature",
        "ski",
        "1emh0000000001",
    )


def a_meter(
    gateway: Gateway,
    number: int = 1,
    *,
    consumer: str = "hks2",
    source: str = "hdlc",
    unsecured: bool = False,
    medium: int = 1,
) -> Meter:
    """A meter of a consumer, who is created when needed."""
    if not Consumer.objects.filter(pk=consumer).exists():
        create_consumer(gateway, consumer)
    return create_meter(
        gateway,
        f"{medium}emh{number:010d}",
        consumer=consumer,
        source=source,
        port="/dev/ttyS0" if source == "hdlc" else f"/dev/ttyUSB{number}",
        allow_unsecured_billing=unsecured,
        master_key=bytes(16).hex() if source == "hdlc" else "",
        now=utc("2026-01-01 00:00"),
    )


def store(
    gateway: Gateway,
    meter: Meter,
    values: Mapping[datetime, int],
    *,
    status: int = OK,
    scaler: int = -1,
    obis: Iterable[str] = (IMPORT,),
) -> None:
    """Put records with these values into the original list; all registers alike."""
    records = [
        Record(
            meter.id,
            target,
            target if status == GAP else target + CAPTURE_DELAY,
            status,
            tuple(register(value, obis=one, scaler=scaler) for one in obis),
        )
        for target, value in values.items()
    ]
    append_records(gateway, OriginalRecord, records)


def course(
    begin: datetime, end: datetime, *, start: int = 1000, step: int = 10
) -> dict[datetime, int]:
    """A value for each quarter hour of `[begin, end]`."""
    count = (end - begin) // QUARTER
    return {begin + n * QUARTER: start + n * step for n in range(count + 1)}


def a_profile(
    gateway: Gateway,
    *inputs: InputSpec,
    taf: int,
    now: datetime,
    id: str = "profile",
    backdated: bool = True,
    **rest: object,
) -> EvaluationProfile:
    """A profile, in the past when wanted."""
    spec = ProfileSpec(id=id, taf=taf, inputs=inputs, **rest)  # type: ignore[arg-type]
    return create_profile(gateway, spec, now=now, backdated=backdated)


@contextmanager
def refusing(event: str, table: str) -> Iterator[None]:
    """The database refuses INSERT or UPDATE on a table, as a full disk would."""
    if connection.vendor == "sqlite":
        create = [
            f"CREATE TRIGGER broken AFTER {event} ON {table} "
            "BEGIN SELECT RAISE(ABORT, 'broken'); END"
        ]
        drop = ["DROP TRIGGER broken"]
    else:
        create = [
            "CREATE FUNCTION broken() RETURNS trigger AS $$ "
            "BEGIN RAISE EXCEPTION 'broken'; END $$ LANGUAGE plpgsql",
            f"CREATE TRIGGER broken AFTER {event} ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION broken()",
        ]
        drop = ["DROP FUNCTION broken() CASCADE"]
    _execute(create)
    yield
    _execute(drop)


def _execute(statements: list[str]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
