"""What the start page shows, made from what the selectors give: no queries here."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from hardware.gateway import Gateway
from hardware.obis import ACTIVE_POWER
from hardware.readings import RegisterValue
from hardware.units import COUNTED_UNITS
from meters.models import Meter
from meters.selectors import LatestReading
from portal import formats
from portal.register_names import medium_name
from portal.register_rows import RegisterRow, register_rows
from portal.status_words import OK, StatusWord, word_of

STALE_AFTER = timedelta(minutes=5)
"""Age from which a value is no longer called current (portal design 4)."""


@dataclass(frozen=True, slots=True)
class Device:
    """The block Systeminformationen (R115)."""

    huid: str
    firmware_version: str
    system_time: str
    time_is_valid: bool


@dataclass(frozen=True, slots=True)
class MeterCard:
    """One meter: heading, link, its readings and its other quantities."""

    id: str
    server_id: str
    description: str
    json_url: str
    captured: str
    is_stale: bool
    word: StatusWord
    readings: Sequence[RegisterRow]
    quantities: Sequence[RegisterRow]


@dataclass(frozen=True, slots=True)
class State:
    """The status line: a colour, an icon, what matters first, and the rest."""

    tone: str
    icon: str
    head: str
    text: str


@dataclass(frozen=True, slots=True)
class StartPage:
    """The whole page below the navigation."""

    state: State
    meters: Sequence[MeterCard]


def device(gateway: Gateway, now: datetime) -> Device:
    """Who this gateway is and what time it has."""
    return Device(
        huid=gateway.huid,
        firmware_version=gateway.firmware_version,
        system_time=formats.record_time(now),
        time_is_valid=gateway.clock.is_valid,
    )


def start_page(
    gateway: Gateway,
    meters: Iterable[Meter],
    latest: Sequence[LatestReading],
    *,
    now: datetime,
) -> StartPage:
    """The page of a consumer with these meters, `latest` of those that have one."""
    oldest = stale_before(gateway, now)
    by_meter = {reading.meter.id: reading for reading in latest}
    return StartPage(
        state=_state(gateway, latest, oldest),
        meters=[_card(meter, by_meter.get(meter.id), oldest) for meter in meters],
    )


def stale_before(gateway: Gateway, now: datetime) -> datetime:
    """What was captured before this is no longer called current."""
    return now - max(STALE_AFTER, 3 * gateway.live_period)


def _card(meter: Meter, reading: LatestReading | None, oldest: datetime) -> MeterCard:
    name = "" if meter.name == "-" else meter.name
    captured = formats.record_time(reading.captured_at) if reading else ""
    main, others = _split(reading.registers if reading else ())
    return MeterCard(
        id=meter.id,
        server_id=meter.server_id,
        description=", ".join(filter(None, [medium_name(meter.medium), name])),
        json_url=f"/json/metering/origin/{meter.id}/",
        captured=captured,
        is_stale=reading is not None and reading.captured_at < oldest,
        word=word_of(reading.status) if reading else OK,
        readings=register_rows(main, captured),
        quantities=register_rows(others, captured),
    )


def _split(
    registers: Iterable[RegisterValue],
) -> tuple[list[RegisterValue], list[RegisterValue]]:
    """The counters and the power, then everything else the meter tells."""
    main: list[RegisterValue] = []
    others: list[RegisterValue] = []
    for register in registers:
        is_main = register.unit in COUNTED_UNITS or register.obis == ACTIVE_POWER
        (main if is_main else others).append(register)
    return main, others


def _state(
    gateway: Gateway, latest: Sequence[LatestReading], oldest: datetime
) -> State:
    """The first that applies: time invalid, no value, meter silent, all fine."""
    silent = [reading for reading in latest if reading.captured_at < oldest]
    if not gateway.clock.is_valid:
        return _time_invalid()
    if not latest:
        return _nothing_yet()
    if silent:
        return _silent(min(silent, key=lambda reading: reading.captured_at))
    return _fine(max(reading.captured_at for reading in latest))


def _time_invalid() -> State:
    return State(
        "bad",
        "clock",
        _("Die Uhrzeit des Geräts ist ungültig."),
        _("Messwerte gelten bis auf Weiteres nicht für die Abrechnung."),
    )


def _nothing_yet() -> State:
    return State(
        "warn",
        "clock",
        _("Noch keine Messwerte."),
        _("Von Ihren Zählern ist noch kein Wert angekommen."),
    )


def _silent(reading: LatestReading) -> State:
    text = _("Seit %(time)s antwortet der Zähler %(meter)s nicht.")
    values = {
        "time": formats.record_time(reading.captured_at),
        "meter": reading.meter.server_id,
    }
    return State("warn", "warn", _("Ein Zähler antwortet nicht."), text % values)


def _fine(captured: datetime) -> State:
    text = _(
        "Die Uhrzeit ist gültig, der Messbetrieb läuft, "
        "die letzte Messung ist von %(time)s Uhr."
    )
    return State(
        "ok",
        "ok",
        _("Alles in Ordnung."),
        text % {"time": formats.clock_time(captured)},
    )
