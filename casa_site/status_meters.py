"""The meter side in `./casa status`: interfaces, unknown meters, kept telegrams.

What a technician needs (D32): meter ids and heads, never a value; the bytes of a
telegram only where they are encrypted.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hardware.device_id import device_id_of
from hardware.wmbus_address import MeterAddress

Report = dict[str, Any]

TELEGRAMS_SHOWN = 10
"""The newest so many; more are kept."""
_MBUS_TYPE, _MBUS_BYTES = 0x01, 9
_PAYLOAD_IN_TEXT = 24
"""Hex digits; `--json` has all."""


def of_meters(state: Path, *, is_running: bool) -> Report:
    """Interfaces with their counters, meters of others, and what was undecodable."""
    from meters.models import KeptTelegram

    return {
        "interfaces": _interfaces(state, is_running),
        "unknown_meters": _unknown_meters(),
        "kept_telegrams": {
            "count": KeptTelegram.objects.count(),
            "newest": _kept_telegrams(),
        },
    }


def _interfaces(state: Path, is_running: bool) -> list[Report]:
    """Each port that a meter is configured at; its counters while the gateway runs."""
    from meters import selectors
    from meters.interface import interface_specs
    from meters.line_counters import read_counters
    from meters.models import RadioPort

    counters = read_counters(state) if is_running else {}
    telegrams = dict(RadioPort.objects.values_list("port", "received"))
    return [
        {
            "port": spec.port,
            "kind": spec.source,
            "baudrate": spec.baudrate,
            "meters": len(spec.meters),
            "state": _state_of(counters.get(spec.port)),
            "telegrams": telegrams.get(spec.port),
            "counters": counters.get(spec.port),
        }
        for spec in interface_specs(selectors.active_meters())
    ]


def _state_of(counters: Report | None) -> str:
    if counters is None:
        return "-"
    return "open" if counters["is_open"] else "absent"


def _unknown_meters() -> list[Report]:
    from meters.unknown_meters import unknown_meters

    return [
        {
            "server_id": meter.server_id,
            "meter": _meter_id(bytes.fromhex(meter.server_id)),
            "port": meter.port,
            "seen": _moment(meter.seen_at),
            "rssi_dbm": meter.rssi_dbm,
        }
        for meter in unknown_meters()
    ]


def _meter_id(server_id: bytes) -> str | None:
    """The form that `apply` takes; None where a server id does not convert."""
    if len(server_id) == _MBUS_BYTES and server_id[0] == _MBUS_TYPE:
        return MeterAddress(server_id[1:]).meter_id
    return device_id_of(server_id)


def _kept_telegrams() -> list[Report]:
    from meters.kept_telegrams import kept_telegrams

    return [
        {
            "received": _moment(kept.received_at),
            "port": kept.port,
            "header": kept.header,
            "length": kept.length,
            "reason": kept.reason,
            "encrypted_payload": bytes(kept.payload).hex() or None,
        }
        for kept in kept_telegrams(TELEGRAMS_SHOWN)
    ]


def _moment(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _interface_words(interfaces: list[Report]) -> str:
    return "".join(f"\n  {_interface_line(one)}" for one in interfaces) or "none"


def _interface_line(one: Report) -> str:
    line = f"{one['port']}  {one['kind']} {one['baudrate']}, {one['meters']} meters, "
    line += f"{one['state']}"
    if (counted := one["counters"]) is not None:
        line += (
            f"; opened {counted['opened']}, failed {counted['failed']}, "
            f"sent {counted['sent_bytes']} bytes, "
            f"received {counted['received_bytes']} bytes, "
            f"last {counted['received_at'] or '-'}"
        )
    if one["telegrams"] is not None:
        line += f"; good telegrams {one['telegrams']}"
    return line


def _unknown_words(meters: list[Report]) -> str:
    lines = [
        f"\n  {one['meter'] or one['server_id']} at {one['port']}, seen {one['seen']}"
        + ("" if one["rssi_dbm"] is None else f", {one['rssi_dbm']} dBm")
        for one in meters
    ]
    return "".join(lines) or "none"


def _kept_words(kept: Report) -> str:
    lines = [f"\n  {_kept_line(one)}" for one in kept["newest"]]
    return f"{kept['count']}{''.join(lines)}" if kept["count"] else "none"


def _kept_line(one: Report) -> str:
    payload = one["encrypted_payload"]
    line = f"{one['received']} {one['port']}, {one['length']} bytes, {one['reason']}"
    if one["header"]:
        line += f"; head {one['header']}"
    if payload:
        shown = payload[:_PAYLOAD_IN_TEXT]
        line += f"; encrypted {shown}{'...' if len(payload) > len(shown) else ''}"
    return line


WORDS: dict[str, Callable[[Any], str]] = {
    "interfaces": _interface_words,
    "unknown_meters": _unknown_words,
    "kept_telegrams": _kept_words,
}
"""Each part in words, in the order that is shown."""
