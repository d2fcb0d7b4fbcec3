"""The demo's past: every record came out of a decoder, every value is the meter's."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from casa_site.demo import history
from casa_site.demo.installation import install
from casa_site.demo.past_radio import PastRadio
from casa_site.demo.plan import (
    CONSUMERS,
    HUID,
    DemoMeter,
    all_meters,
    wireless_meters,
)
from casa_site.demo.timeline import timeline_of
from hardware.gateway import Gateway, open_gateway
from hardware.record import registers_of
from hardware.simulator.secured_station import SecuredStation
from hardware.status_word import NOT_FOR_BILLING, gateway_word
from logbooks.certificates import ensure_signature_certificate
from meters.history import PastReading
from meters.integrity import verify_list
from meters.models import OriginalRecord
from tariffs.calendar import Period
from tariffs.list_row import ListRow
from tariffs.models import DerivedRecord
from tariffs.selectors import period_rows, profile_of
from tariffs.services import evaluate_due

pytestmark = pytest.mark.django_db

QUARTER = timedelta(minutes=15)
MARCH_ENDS = datetime(2026, 3, 31, 22, 0, tzinfo=UTC)
QUARTERS_OF_MARCH = 31 * 96 - 4
"""29 March has 23 hours."""


RADIOS: list[PastRadio] = []
"""The sticks in memory that were used, newest last."""


class CountedBus(history.PastBus):
    """Counts what the meters send and what comes out of the gateway's decoders."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.decoded = 0

    def read(self, target_time: datetime) -> Iterator[PastReading]:
        for past in super().read(target_time):
            self.decoded += 1
            yield past

    @property
    def sent(self) -> int:
        """SML files with values that the meters answered with, over TLS."""
        stations = self.simulator.meters
        return sum(
            station.secured.files_answered
            for station in stations
            if isinstance(station, SecuredStation)
        )


@pytest.fixture
def gateway(tmp_path: Path) -> Gateway:
    """With the fast curve: thousands of signatures are made."""
    return open_gateway(tmp_path / "state", huid=HUID, signature_curve="secp256r1")


def installed(gateway: Gateway, *, now: datetime, days: int) -> list[CountedBus]:
    """Install the demo at `now` and write its whole past; the buses used for it."""
    ensure_signature_certificate(gateway, now)
    install(gateway, han_url="https://127.0.0.1:8443", history_days=days, now=now)
    buses: list[CountedBus] = []

    def open_bus(begin: datetime) -> CountedBus:
        buses.append(CountedBus(begin))
        return buses[-1]

    def open_radio(begin: datetime) -> PastRadio:
        RADIOS.append(PastRadio(begin))
        return RADIOS[-1]

    history.fill(
        gateway, timeline_of(gateway.state), open_bus=open_bus, open_radio=open_radio
    )
    evaluate_due(gateway, now=now)
    return buses


def test_there_are_as_many_records_as_decoded_answers(gateway: Gateway) -> None:
    now = datetime(2026, 3, 10, 9, 7, 13, tzinfo=UTC)
    (bus,) = installed(gateway, now=now, days=2)
    assert bus.sent == bus.decoded == 3 * 2 * 96
    assert RADIOS[-1].sent == 2 * 2 * 96
    first_boundary = 5  # written by the installation itself, over a bus of its own
    decoded = bus.decoded + RADIOS[-1].sent  # a telegram that gives nothing raises
    assert OriginalRecord.objects.count() == decoded + first_boundary
    assert history.fill(gateway, timeline_of(gateway.state)) == 0


def test_the_past_is_what_the_meters_would_have_said(gateway: Gateway) -> None:
    now = datetime(2026, 3, 10, 9, 7, 13, tzinfo=UTC)
    installed(gateway, now=now, days=2)
    begin = datetime(2026, 3, 8, 9, 0, tzinfo=UTC)
    for meter in all_meters():
        rows = OriginalRecord.objects.filter(meter=meter.id).order_by("target_time")
        expected = [begin + n * QUARTER for n in range(2 * 96 + 1)]
        assert [row.target_time for row in rows] == expected
        simulated = meter.simulated()
        for row in rows:
            assert row.capture_time - row.target_time == timedelta(seconds=1)
            counted = simulated.counters_at(row.capture_time)
            assert registers_of(row.registers) == counted
        assert verify_list(gateway, OriginalRecord, meter.id) == []


def test_gas_and_water_have_a_past_too(gateway: Gateway) -> None:
    """Exact cubic metres in list and TAF7; only mode 5 is marked as not for billing."""
    now = datetime(2026, 3, 10, 9, 7, 13, tzinfo=UTC)
    installed(gateway, now=now, days=2)
    for number, meter in enumerate(wireless_meters(), 2):
        simulated = meter.simulated(bytes(16))
        rows = OriginalRecord.objects.filter(meter=meter.id).order_by("target_time")
        assert len(rows) == 2 * 96 + 1
        for row in rows:
            counted = simulated.registers_at(row.capture_time)
            assert registers_of(row.registers) == counted
            is_marked = bool(gateway_word(row.status) & NOT_FOR_BILLING)
            assert is_marked == (meter.mode == 5)
        profile = profile_of("nachbar", f"nachbar-taf7-{number}")
        assert profile is not None
        listed = period_rows(profile, Period(rows[0].target_time, now))
        assert [one.registers for one in listed] == [row.registers for row in rows[1:]]


@pytest.mark.slow
@pytest.mark.req("R39", "R46")
def test_a_whole_month_agrees_with_the_meters_to_the_last_digit(
    gateway: Gateway,
) -> None:
    """R39, R46: every row of TAF7 and the TAF1 result, over the night of 23 hours."""
    now = MARCH_ENDS + timedelta(minutes=20)
    installed(gateway, now=now, days=31)
    for consumer in CONSUMERS:
        for number, meter in enumerate(consumer.meters, 1):
            check_course(f"{consumer.id}-taf7-{number}", consumer.id, meter)
        check_sum(f"{consumer.id}-taf1", consumer.id, consumer.meters)
        assert verify_list(gateway, DerivedRecord, f"{consumer.id}-taf1") == []


def check_course(profile: str, consumer: str, meter: DemoMeter) -> None:
    """Every quarter hour of March, with the registers of the meter."""
    rows = rows_of_march(profile, consumer)
    assert len(rows) == QUARTERS_OF_MARCH
    assert [row.target_time for row in rows] == [
        MARCH_ENDS - n * QUARTER for n in reversed(range(QUARTERS_OF_MARCH))
    ]
    simulated = meter.simulated()
    for row in rows:
        assert registers_of(row.registers) == simulated.counters_at(row.capture_time)


def check_sum(profile: str, consumer: str, meters: tuple[DemoMeter, ...]) -> None:
    """One value for March: the import of all meters at its end."""
    (result,) = rows_of_march(profile, consumer)
    assert result.target_time == MARCH_ENDS
    stands = [meter.simulated().counters_at(result.capture_time) for meter in meters]
    total = sum(registers[0].value for registers in stands)
    assert result.registers == f"0100010800ff {total} -1 30"


def rows_of_march(profile: str, consumer: str) -> list[ListRow]:
    found = profile_of(consumer, profile)
    assert found is not None
    begin = MARCH_ENDS - QUARTERS_OF_MARCH * QUARTER
    return list(period_rows(found, Period(begin, MARCH_ENDS)))
