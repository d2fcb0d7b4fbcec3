"""What the page of the device's state shows, gathered from the selectors."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from hardware.gateway import Gateway
from hardware.network_links import NetworkLink, network_links
from logbooks import storage
from logbooks.models import TimeState
from meters.technician_view import LineView, MeterView, lines, meter_views
from portal import formats
from portal.service_words import (
    MEDIA,
    SOURCES,
    STICKS,
    TIME_SOURCES,
    line_name,
    source_words,
)

NOTHING = "\u2013"


@dataclass(frozen=True, slots=True)
class Chip:
    """A state in a word; `tone` names colour and icon."""

    word: str
    tone: str


@dataclass(frozen=True, slots=True)
class MeterRow:
    """A meter as the table shows it."""

    id: str
    server_id: str
    medium: str
    line: str
    source: str
    address: str
    signal: str
    last: str
    state: Chip


@dataclass(frozen=True, slots=True)
class InterfaceRow:
    """An interface as the table shows it; numbers are written out."""

    name: str
    kind: str
    link: Chip
    address: str
    received: str
    sent: str
    errors: str


@dataclass(frozen=True, slots=True)
class StorageView:
    """How full it is, in whole per cent; `days` until 10 % are left."""

    used_percent: int
    free_percent: int
    used: str
    quota: str
    days: int | None


@dataclass(frozen=True, slots=True)
class ClockView:
    """The clock and how it is kept."""

    now: str
    is_valid: bool
    source: str
    server: str
    last_success: str
    difference: str
    failures: int


def meter_rows(gateway: Gateway) -> list[MeterRow]:
    """Every meter, without consumer and values."""
    return [_meter_row(view) for view in meter_views(gateway)]


def _meter_row(view: MeterView) -> MeterRow:
    signal = _signed(view.rssi_dbm)
    return MeterRow(
        id=view.id,
        server_id=view.server_id,
        medium=str(MEDIA.get(view.medium, view.medium)),
        line=line_name(view.source),
        source=source_words(view.source, view.security),
        address=NOTHING if view.address is None else str(view.address),
        signal=f"{signal} dBm" if signal else NOTHING,
        last=formats.record_time(view.last_at) if view.last_at else NOTHING,
        state=_meter_state(view),
    )


def _signed(number: int | None) -> str:
    return "" if number is None else formats.whole_number(number, formats.page_style())


def _meter_state(view: MeterView) -> Chip:
    if view.alarms:
        return Chip(_("Störung %(code)s") % {"code": view.alarms[0]}, "bad")
    if view.last_at is None:
        return Chip(_("Noch nichts empfangen"), "warn")
    return Chip(_("Schwach"), "warn") if view.is_weak else Chip(_("Ok"), "ok")


def interface_rows(gateway: Gateway) -> list[InterfaceRow]:
    """Lines to meters first, then the network interfaces (R5, R8)."""
    return [
        *(_line_row(line) for line in lines(gateway)),
        *(_network_row(link) for link in network_links()),
    ]


def _line_row(line: LineView) -> InterfaceRow:
    style = formats.page_style()
    speed = formats.whole_number(line.baudrate, style)
    kind = STICKS.get(line.stick) or SOURCES.get(line.source, line.source)
    received = line.received_bytes
    return InterfaceRow(
        name=line_name(line.source),
        kind=f"{kind}, {speed} Bit/s",
        link=_line_state(line.is_open),
        address=line.port,
        received=f"{formats.whole_number(received, style)} B",
        sent=f"{formats.whole_number(line.sent_bytes, style)} B",
        errors=formats.whole_number(line.failed, style),
    )


def _line_state(is_open: bool | None) -> Chip:
    if is_open is None:
        return Chip(_("Unbekannt"), "none")
    return Chip(_("Offen"), "ok") if is_open else Chip(_("Fehlt"), "bad")


def _network_row(link: NetworkLink) -> InterfaceRow:
    numbers = [
        formats.whole_number(count, formats.page_style())
        for count in (link.received, link.sent, link.errors)
    ]
    return InterfaceRow(
        link.name, "Ethernet", _link_state(link), _listed(link.addresses), *numbers
    )


def _listed(addresses: Sequence[str]) -> str:
    return ", ".join(addresses) or NOTHING


def _link_state(link: NetworkLink) -> Chip:
    if not link.has_link:
        return Chip(_("Kein Link"), "none")
    speed = f"{link.speed_mbit} Mbit/s" if link.speed_mbit else _("Link")
    return Chip(speed, "ok")


def storage_view(gateway: Gateway, *, now: datetime) -> StorageView:
    """How full the storage is."""
    found = storage.measured(gateway)
    used = 100 * found.used // found.quota
    return StorageView(
        used_percent=used,
        free_percent=100 - used,
        used=_mebibytes(found.used),
        quota=_mebibytes(found.quota),
        days=storage.forecast(found, now=now),
    )


def _mebibytes(count: int) -> str:
    return f"{formats.whole_number(count // 2**20, formats.page_style())} MiB"


def clock_view(gateway: Gateway, *, now: datetime) -> ClockView:
    """The clock of the gateway."""
    state = TimeState.objects.first()
    offset_us = state.last_offset_us if state else None
    style = formats.page_style()
    return ClockView(
        now=formats.record_time(now),
        is_valid=gateway.clock.is_valid,
        source=str(TIME_SOURCES.get(gateway.clock.source, gateway.clock.source)),
        server=f"{state.host}:{state.port}" if state else "",
        last_success=(
            formats.record_time(state.last_success_at)
            if state and state.last_success_at
            else NOTHING
        ),
        difference=(
            NOTHING
            if offset_us is None
            else f"{formats.decimal_text(offset_us, -6, 3, style)} s"
        ),
        failures=state.failures if state else 0,
    )
