"""`./casa decode wmbus [FILE] [--key HEX]`: telegrams in, one JSON line out for each.

An input line is a telegram in hex, without CRCs, or a JSON object as in decisions.md,
section 4. Lines in hex are one receiver's capture: they share formats of compact frames
and message counters. An object is a case of its own: only its own telegrams, in order,
teach formats and move counters, and the last of them is reported. An object that says
the same as the one before, its id too, is that case delivered once more. A line that
cannot be read gives an object with `error` and `reason` like a refused telegram.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from hardware.wmbus import Decoder, Telegram
from hardware.wmbus_address import MeterAddress
from hardware.wmbus_compact import FormatCache
from hardware.wmbus_crypto import KEY_BYTES
from hardware.wmbus_errors import (
    FormatUnknown,
    LengthWrong,
    TelegramRefused,
    Unsupported,
)
from hardware.wmbus_frame import normalised_a, normalised_b
from hardware.wmbus_profile import ProfileValue, expanded, read_profile
from hardware.wmbus_records import Record, RecordList
from hardware.wmbus_replay import ReplayGuard

_LONGEST_LINE = 1024 * 1024
_MOST_DELIVERIES = 10
_MOST_COUNTERS = 4096
"""Of the meters in a capture; a longer one holds more meters than one place has."""
_FORMS: dict[str, Callable[[bytes], bytes]] = {
    "telegrams": bytes,
    "frame_a": normalised_a,
    "frame_b": normalised_b,
}
"""Field of an input object -> how its bytes become a telegram without CRCs."""


def decode_wmbus(
    chunks: Iterable[bytes], key: bytes | None = None
) -> Iterator[dict[str, Any]]:
    """Yield what each line says; `key` is for lines that bring none."""
    receiver = _Receiver(key)
    for line in _lines(chunks):
        yield receiver.answer(line)


def key_of_hex(text: str) -> bytes:
    """A key of 32 hex digits; raises ValueError."""
    key = bytes.fromhex(text)
    if len(key) != KEY_BYTES:
        raise ValueError(f"a key has {KEY_BYTES} bytes, not {len(key)}")
    return key


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes | None]:
    """Lines without their ends; None for one that is too long to be kept."""
    part, is_too_long = b"", False
    for chunk in chunks:
        *whole, part = (part + chunk).split(b"\n")
        for line in whole:
            yield None if is_too_long else line
            is_too_long = False
        if len(part) > _LONGEST_LINE:
            part, is_too_long = b"", True
    if part or is_too_long:
        yield None if is_too_long else part


# --- JSON objects in ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Case:
    """What an input object asks for."""

    id: Any
    form: str
    frames: list[bytes]
    key: bytes | None
    formats: bytes


class _Receiver:
    """Answers one line after the other; what it remembers is bounded."""

    def __init__(self, key: bytes | None) -> None:
        self._key = key
        self._capture = Decoder(
            lambda address: key, replay=ReplayGuard(limit=_MOST_COUNTERS)
        )
        self._last: tuple[_Case, Decoder] | None = None

    def answer(self, line: bytes | None) -> dict[str, Any]:
        """The object for one line; None stands for one that was too long."""
        if line is None:
            return _refused_line(LengthWrong("the line is too long"))
        text = line.strip()
        if not text.startswith(b"{"):
            return self._answer_to_hex(text)
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            return _refused_line(Unsupported("the line is no JSON object"))
        return self._answer_to_object(document)

    def _answer_to_hex(self, text: bytes) -> dict[str, Any]:
        try:
            data = bytes.fromhex(text.decode("ascii"))
        except ValueError:
            reason = "the line is neither hex nor a JSON object"
            return _refused_line(Unsupported(reason))
        return telegram_line(self._capture.decode(data, now_s=0))

    def _answer_to_object(self, document: dict[str, Any]) -> dict[str, Any]:
        line_id = document.get("id")
        try:
            case = _case_of(document, self._key)
        except (ValueError, TypeError, AttributeError, OverflowError) as fault:
            return _refused_line(Unsupported(f"not a case to decode: {fault}"), line_id)
        try:
            return telegram_line(_decoded(case, self._decoder_for(case)), line_id)
        except TelegramRefused as refusal:
            return _refused_line(refusal, line_id)

    def _decoder_for(self, case: _Case) -> Decoder:
        """One that knows nothing yet, but for a case that is delivered again."""
        if self._last is None or self._last[0] != case:
            self._last = case, _decoder_of(case)
        return self._last[1]


def _case_of(document: dict[str, Any], key: bytes | None) -> _Case:
    """Raises ValueError, TypeError or AttributeError for an object of another form."""
    form = next((name for name in _FORMS if document.get(name)), None)
    if form is None:
        raise ValueError("telegrams, frame_a or frame_b is needed")
    texts = document[form]
    frames = [bytes.fromhex(t) for t in ([texts] if isinstance(texts, str) else texts)]
    deliveries = max(1, min(int(document.get("deliver") or 1), _MOST_DELIVERIES))
    own_key = document.get("key")
    return _Case(
        document.get("id"),
        form,
        frames * deliveries,
        key if own_key is None else key_of_hex(own_key),
        bytes.fromhex(document.get("format_bytes") or ""),
    )


def _decoder_of(case: _Case) -> Decoder:
    formats = FormatCache()
    if case.formats:
        formats.prime(case.formats)
    return Decoder(lambda address: case.key, formats=formats)


def _decoded(case: _Case, decoder: Decoder) -> Telegram:
    """The last telegram of a case, after the others; raises CrcWrong, LengthWrong."""
    normalised = _FORMS[case.form]
    for frame in case.frames[:-1]:
        decoder.decode(normalised(frame), now_s=0)
    return decoder.decode(normalised(case.frames[-1]), now_s=0)


# --- JSON lines out -----------------------------------------------------------------


def _refused_line(refusal: TelegramRefused, line_id: Any = None) -> dict[str, Any]:
    return telegram_line(Telegram(refusal=refusal), line_id)


def telegram_line(telegram: Telegram, line_id: Any = None) -> dict[str, Any]:
    """What one telegram says, in the words of testdata/wmbus/README.md."""
    found, refusal = telegram.records, telegram.refusal
    signature = telegram.signature
    if isinstance(refusal, FormatUnknown):
        signature = refusal.signature
    data = found.manufacturer_data if found else None
    line: dict[str, Any] = {
        "id": line_id,
        "link": _link(telegram),
        "meter": _address(telegram.meter),
        "ci": [f"{ci:02X}" for ci in telegram.cis],
        "tpl": _transport(telegram),
        "security": _security(telegram),
        "records": _records(found),
        "mfct_data": None if data is None else data.hex().upper(),
        "more_records_follow": bool(found and found.more_follow),
        "format_signature": None if signature is None else f"{signature:04X}",
        "error": telegram.error,
    }
    if refusal is not None or telegram.doubt is not None:
        line["reason"] = telegram.doubt if refusal is None else str(refusal)
    return line


def _link(telegram: Telegram) -> dict[str, Any] | None:
    if telegram.link is None:
        return None
    return {
        "c": f"{telegram.link.control:02X}",
        **(_address(telegram.link.address) or {}),
    }


def _address(address: MeterAddress | None) -> dict[str, Any] | None:
    if address is None:
        return None
    return {
        "manufacturer": address.manufacturer,
        "id": address.number,
        "version": address.version,
        "type": address.device_type,
    }


def _transport(telegram: Telegram) -> dict[str, Any] | None:
    header = telegram.transport
    if header is None or header.configuration is None:
        return None
    return {
        "acc": header.access_number,
        "status": f"{header.status:02X}",
        "cfg": f"{header.configuration:04X}",
    }


def _security(telegram: Telegram) -> dict[str, Any] | None:
    """Layers of security; the keys of one message only, never the meter's own."""
    if telegram.link is None:
        return None
    extended = telegram.extended
    found: dict[str, Any] = {
        "ell": "aes_ctr" if extended and extended.is_encrypted else "none",
        "tpl_mode": _mode(telegram),
        "afl": telegram.authentication is not None,
    }
    if telegram.keys is not None:
        encryption, mac = telegram.keys
        found |= {"kenc": encryption.hex().upper(), "kmac": mac.hex().upper()}
    return found


def _mode(telegram: Telegram) -> int | str:
    mode = telegram.transport.mode if telegram.transport else 0
    return mode if mode < 16 else "mfct>=16"


def _records(found: RecordList | None) -> list[dict[str, Any]] | None:
    if found is None:
        return None
    lines = [_record(record) for record in found.records]
    values = list(expanded(found.records))
    for record, line in zip(found.records, lines, strict=True):
        line |= _profile(record, values)
    return lines


def _record(record: Record) -> dict[str, Any]:
    header, value = record.header, record.value
    has_value = value.number is not None or value.text is not None
    line: dict[str, Any] = {
        "dib": header.dib.hex().upper(),
        "vib": header.vib.hex().upper(),
        "raw": record.raw.hex().upper(),
        "function": header.function,
        "storage": header.storage,
        "tariff": header.tariff,
        "subunit": header.subunit,
        "quantity": header.quantity,
        "unit": header.unit,
        "vife": list(header.vife),
        "kind": value.kind,
        "value": str(value) if has_value else None,
    }
    if record.lvar is not None:
        line["lvar"] = f"{record.lvar:02X}"
    return line


def _profile(record: Record, values: list[ProfileValue]) -> dict[str, Any]:
    """The profile as sent, and those of the values that come out of it."""
    profile = read_profile(record)
    if profile is None:
        return {}
    return {
        "profile": {
            "spacing_control": f"{profile.control:02X}",
            "spacing_value": profile.spacing_value,
            "spacing_unit": profile.spacing_unit,
            "element_df": profile.element_field,
            "increment_mode": profile.mode,
            "elements": [element.hex().upper() for element in profile.elements],
            "values": [
                {
                    "storage": value.storage,
                    "datetime": None if value.at is None else str(value.at),
                    "value": str(value.value),
                }
                for value in values
                if value.source is record
            ],
        }
    }
