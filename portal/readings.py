"""The documents of the HAN JSON interface: facts in, JSON text or dicts out.

Shapes and names are those of han-json-api.md 4; nothing here decides whose facts they
are or reads a clock. Lists are text built piece by piece, since a month has thousands
of readings.
"""

import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from itertools import starmap
from typing import Any, Protocol

from hardware.gateway import Gateway
from hardware.record import SIGNED_TEXT_VERSION, register_lines
from hardware.status_word import han_text, hex_text
from logbooks.selectors import LogLine
from meters.selectors import LatestReading
from portal import local_time
from portal.amounts import page_shape, plain_amount, short_shape
from tariffs.calendar import Period
from tariffs.models import EvaluationProfile

UNSIGNED = "-"
_LAST_SECOND_32_BIT = 2**31 - 1
_CHUNK = 500
_PROFILE_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")


class ListedRecord(Protocol):
    """A row of a value list; times are UTC, `registers` the lines of the record."""

    @property
    def target_time(self) -> datetime: ...
    @property
    def capture_time(self) -> datetime: ...
    @property
    def status(self) -> int: ...
    @property
    def registers(self) -> str: ...
    @property
    def signature(self) -> bytes | memoryview: ...
    @property
    def signer_ski(self) -> str: ...


def system_informations(gateway: Gateway, *, now: datetime) -> dict[str, str]:
    """`/json/systeminformations`, section 4.1."""
    return {
        "firmwareversion": gateway.firmware_version,
        "huid": gateway.huid,
        "systemtime": local_time.iso(now),
    }


han_status = lru_cache(maxsize=4096)(han_text)
"""The status word as the HAN interface sends it; few different ones occur."""

hex_status = lru_cache(maxsize=4096)(hex_text)
"""The status word as it stands in the signed text."""


def short_reading(
    target_time: datetime, capture_time: datetime, status: int, registers: str
) -> str:
    """One reading in the short form, a JSON object as text (section 4.3).

    Registers in a unit that TRuDI does not know and negative amounts are left out;
    they would stop it.
    """
    members = [
        f'{{"timestamp_nom": "{local_time.iso(target_time)}", '
        f'"timestamp_act": "{local_time.iso(capture_time)}", '
        f'"status": "{han_status(status)}"'
    ]
    for line in registers.split("\n") if registers else ():
        obis, value, scaler, unit = line.split(" ")
        shape = short_shape(scaler, unit)
        if shape and value[0] != "-" and obis[10:] == "ff":
            members.append(f'"{obis}": "{plain_amount(value, shape)}"')
    return ", ".join(members) + "}"


SHORT_COLUMNS = ("target_time", "capture_time", "status", "registers")
"""What `short_readings` needs of a row, in this order."""


def short_readings(
    rows: Iterable[tuple[datetime, datetime, int, str]],
) -> Iterator[str]:
    """A JSON array of readings in the short form, in pieces, in the order given.

    Each row holds its `SHORT_COLUMNS`.
    """
    return json_array(starmap(short_reading, rows))


def json_array(elements: Iterable[str]) -> Iterator[str]:
    """A JSON array of texts that are JSON already, in pieces of some hundred."""
    piece: list[str] = []
    separator = "["
    for element in elements:
        piece.append(separator + element)
        separator = ",\n"
        if len(piece) == _CHUNK:
            yield "".join(piece)
            piece = []
    yield "".join(piece) + ("]" if separator != "[" else "[]")


def latest_short(latest: LatestReading | None) -> str:
    """`origin/{m}`: the latest reading (section 4.3), `[]` before the first one."""
    if latest is None:
        return "[]"
    lines = register_lines(latest.registers)
    return short_reading(latest.captured_at, latest.captured_at, latest.status, lines)


def extended(latest: LatestReading | None) -> dict[str, Any]:
    """`origin/{m}/extended`: every register of the latest reading (section 4.5).

    A live reading is not signed: `signature` is "-" and both times are the same
    (decisions D56). Before the first reading `values` is empty.
    """
    if latest is None:
        return {"capture_time": None, "status": None, "timestamp": None, "values": []}
    time = local_time.iso(latest.captured_at)
    return {
        "capture_time": time,
        "status": han_status(latest.status),
        "timestamp": time,
        "values": [
            {
                "logical_name": f"{r.obis.logical_name}.{latest.meter.id}.sm",
                "scaler": r.scaler,
                "signature": UNSIGNED,
                "unit": r.unit,
                "value": str(r.value),
            }
            for r in latest.registers
        ],
    }


def signed_record(huid: str, subject: str, row: ListedRecord, *, more: str = "") -> str:
    """A record with everything that checking its signature needs, JSON text (D56).

    `signature` of every value is the record's signature; `signed_text` is the text
    it was made over. `more` are further members, `, "name": value`.
    """
    signature = bytes(row.signature).hex() or UNSIGNED
    target, target_utc = local_time.iso_and_zulu(row.target_time)
    capture, capture_utc = local_time.iso_and_zulu(row.capture_time)
    status, lines = row.status, row.registers
    values = ", ".join(
        _signed_values(lines.split("\n"), subject, signature) if lines else ()
    )
    text = "\\n" + lines.replace("\n", "\\n") if lines else ""
    return (
        f'{{"timestamp": "{target}", "capture_time": "{capture}", '
        f'"status": "{han_status(status)}"{more}, "values": [{values}], '
        f'"signed_text": "{SIGNED_TEXT_VERSION} {huid} {subject} {target_utc} '
        f'{capture_utc} {hex_status(status)}{text}", '
        f'"signature": "{signature}", "signer_ski": "{row.signer_ski}"}}'
    )


def _signed_values(lines: Iterable[str], subject: str, signature: str) -> Iterator[str]:
    for line in lines:
        obis, value, scaler, unit = line.split(" ")
        amount = plain_amount(value, page_shape(obis, scaler, unit))
        yield (
            f'{{"logical_name": "{obis}.{subject}.sm", "scaler": {scaler}, '
            f'"signature": "{signature}", "unit": {unit}, "value": "{value}", '
            f'"amount": "{amount}"}}'
        )


def contract_id(huid: str, profile_id: str) -> str:
    """The id of a contract, the same text as its `logical_name` (section 4.6)."""
    return f"{profile_id}.{huid}.sm"


def profile_id_of(huid: str, contract: str) -> str | None:
    """The profile behind a contract id; None for another form."""
    profile_id = contract.removesuffix(f".{huid}.sm")
    is_whole = profile_id != contract and _PROFILE_ID.fullmatch(profile_id)
    return profile_id if is_whole else None


def contract(huid: str, profile: EvaluationProfile) -> dict[str, Any]:
    """`derived/{c}`: a contract (section 4.6); no null, no empty name."""
    end = profile.valid_to
    meters = [given.meter_id for given in profile.inputs.all()]
    recipients = [recipient.id for recipient in profile.recipients.all()]
    return {
        "logical_name": contract_id(huid, profile.id),
        "taf_type": f"TAF-{profile.taf}",
        "taf_name": profile.id,
        "taf_identifier": profile.id,
        "active_tariff": 1,
        "capture_period": profile.registration_period_s,
        "emt_channel_name": recipients[0] if recipients else "-",
        "metering_point_id": profile.metering_point or "-",
        "sensor_domains": list(dict.fromkeys(meters)),
        "user_domain": profile.consumer_id,
        "validity_start": int(profile.valid_from.timestamp()),
        "validity_end": min(int(end.timestamp()), _LAST_SECOND_32_BIT) if end else 0,
    }


def billing_periods(periods: Iterable[Period]) -> list[dict[str, str]]:
    """`billingperiods`: begin + 1 s and end, in the order given (section 4.7)."""
    return [
        {
            "start": local_time.iso(local_time.just_after(period.begin)),
            "end": local_time.iso(period.end),
        }
        for period in periods
    ]


def log_entry(entry: LogLine) -> dict[str, Any]:
    """An element of `conlogbook/{n}` (section 4.10).

    `recipient` and `profile` are ours: who got data by which profile (D15).
    """
    return {
        "recordnumber": entry.number,
        "timestamp": local_time.iso(entry.recorded_at),
        "level": entry.level,
        "repetition": entry.priority,
        "vendor": entry.category,
        "text": entry.text,
        "outcome": entry.outcome,
        "recipient": entry.recipient,
        "profile": entry.profile,
    }


def json_text(document: Any) -> str:
    """A document as JSON text, letters as they are."""
    return json.dumps(document, ensure_ascii=False)
