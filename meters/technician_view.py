"""What the technician sees of lines and meters: ids and signals, never a value (D32).

No consumer, no name of a meter either: names are free text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Max

from hardware.device_id import device_id_of
from hardware.gateway import Gateway
from hardware.wmbus_address import MeterAddress
from logbooks.alarms import open_alarms
from meters.interface import interface_specs
from meters.line_counters import read_counters
from meters.meter_signs import MeterSign, read_signs
from meters.models import LiveReading, Meter, OriginalRecord, RadioPort
from meters.selectors import active_meters

WEAK_DBM = -95
"""A telegram below this strength may be the last that is understood."""
_MBUS_TYPE, _MBUS_BYTES = 0x01, 9


@dataclass(frozen=True, slots=True)
class LineView:
    """A port that meters are configured at, and what passed since the start.

    `is_open` is None while nothing has been counted; bytes are 0 then.
    """

    port: str
    source: str
    stick: str
    baudrate: int
    meters: int
    is_open: bool | None
    opened: int
    failed: int
    sent_bytes: int
    received_bytes: int
    telegrams: int | None
    """Good telegrams of our meters, for radio modules."""


@dataclass(frozen=True, slots=True)
class MeterView:
    """A configured meter; `last_at` is when something of it came last."""

    id: str
    server_id: str
    medium: int
    port: str
    source: str
    security: str
    address: int | None
    rssi_dbm: int | None
    last_at: datetime | None
    alarms: Sequence[int]
    """Codes of the alarms that stand for this meter."""

    @property
    def is_weak(self) -> bool:
        """Whether its signal is hardly enough."""
        return self.rssi_dbm is not None and self.rssi_dbm < WEAK_DBM


def lines(gateway: Gateway) -> list[LineView]:
    """Every line of the meter side (R5)."""
    counters = read_counters(gateway.state)
    telegrams = dict(RadioPort.objects.values_list("port", "received"))
    return [
        LineView(
            port=spec.port,
            source=spec.source,
            stick=spec.meters[0].stick if spec.meters else "",
            baudrate=spec.baudrate,
            meters=len(spec.meters),
            telegrams=telegrams.get(spec.port),
            **_counted(counters.get(spec.port)),
        )
        for spec in interface_specs(active_meters())
    ]


def _counted(counters: dict[str, Any] | None) -> dict[str, Any]:
    names = ("opened", "failed", "sent_bytes", "received_bytes")
    if counters is None:
        return {"is_open": None, **dict.fromkeys(names, 0)}
    return {"is_open": counters["is_open"], **{name: counters[name] for name in names}}


def meter_views(gateway: Gateway) -> list[MeterView]:
    """Every active meter, by port and id."""
    signs = read_signs(gateway)
    live = dict(LiveReading.objects.values_list("meter_id", "captured_at"))
    alarms = _alarms_by_subject()
    return [
        _view(meter, signs.get(meter.id, MeterSign()), live.get(meter.id), alarms)
        for meter in active_meters().order_by("port", "pk")
    ]


def _view(
    meter: Meter,
    sign: MeterSign,
    live_at: datetime | None,
    alarms: dict[str, list[int]],
) -> MeterView:
    return MeterView(
        id=meter.id,
        server_id=meter.server_id,
        medium=meter.medium,
        port=meter.port,
        source=meter.source,
        security=meter.security,
        address=sign.address,
        rssi_dbm=sign.rssi_dbm,
        last_at=max(filter(None, (live_at, sign.heard_at)), default=_recorded(meter)),
        alarms=alarms.get(meter.id, []),
    )


def _recorded(meter: Meter) -> datetime | None:
    records = OriginalRecord.objects.filter(meter_id=meter.id)
    newest: datetime | None = records.aggregate(at=Max("capture_time"))["at"]
    return newest


def _alarms_by_subject() -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for alarm in open_alarms():
        found.setdefault(alarm.subject, []).append(alarm.code)
    return found


def meter_id_of(server_id: str) -> str | None:
    """The id for a server id in hex; None where it does not convert (D44)."""
    raw = bytes.fromhex(server_id)
    if len(raw) == _MBUS_BYTES and raw[0] == _MBUS_TYPE:
        return MeterAddress(raw[1:]).meter_id
    return device_id_of(raw)
