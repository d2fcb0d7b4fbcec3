"""The vectors of wireless telegrams, and what a decoder makes of them."""

from pathlib import Path
from typing import Any

from hardware.wmbus import Decoder, Telegram
from hardware.wmbus_address import MeterAddress
from hardware.wmbus_compact import FormatCache
from hardware.wmbus_frame import normalised_a, normalised_b
from hardware.wmbus_records import Record
from tests.hardware.vectors import DATA, read_json

WMBUS = DATA / "wmbus"
FORMS = ("telegrams", "encrypted_telegrams", "frame_a", "frame_b")
UNDECODABLE = {
    "wm0134": "key_missing",  # the maker's own cipher; nothing can open it
}
"""Vectors whose source was opened by what is no part of the standards."""
ENCRYPTED_BY_MAKER = "proprietary_crypto"

ALWAYS = ("dib", "vib", "raw", "function", "storage", "tariff", "subunit")
WITH_ORACLE = ("quantity", "unit", "value")


def wmbus_vectors(folder: Path = WMBUS) -> list[dict[str, Any]]:
    vectors: list[dict[str, Any]] = read_json(folder / "vectors.json")
    return vectors


def vector(name: str) -> dict[str, Any]:
    return next(v for v in wmbus_vectors() if v["id"] == name)


def key_of(vector: dict[str, Any], form: str) -> bytes | None:
    """The key for a form; frames hold the encrypted telegram where there is one."""
    name = "key" if form == "telegrams" else "encrypted_key"
    text = vector[name] or vector["key"]
    return bytes.fromhex(text) if text else None


def telegrams_of(vector: dict[str, Any], form: str) -> list[bytes]:
    """The telegrams of a form without CRCs; none when the vector has not got it."""
    if not vector[form]:
        return []
    if form == "frame_a":
        return [normalised_a(bytes.fromhex(vector[form]))]
    if form == "frame_b":
        return [normalised_b(bytes.fromhex(vector[form]))]
    return [bytes.fromhex(text) for text in vector[form]]


def decoder_with(key: bytes | None, formats: FormatCache | None = None) -> Decoder:
    return Decoder(lambda address: key, formats=formats)


def decoded(
    telegrams: list[bytes], key: bytes | None, format_bytes: str | None = None
) -> Telegram:
    """The last telegram after the others, with the format given."""
    formats = FormatCache()
    if format_bytes:
        formats.prime(bytes.fromhex(format_bytes))
    decoder = decoder_with(key, formats)
    return [decoder.decode(data, now_s=0) for data in telegrams][-1]


def address_of(fields: dict[str, Any]) -> MeterAddress:
    """An address from the fields of a vector, hex digits in the number allowed."""
    maker, number = fields["manufacturer"], fields["id"]
    return MeterAddress.of(maker, number, fields["version"], fields["type"])


def fields_of(record: Record) -> dict[str, Any]:
    """A record in the words of the vectors."""
    header, value = record.header, record.value
    has_value = value.number is not None or value.text is not None
    return {
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


def demanded(record: dict[str, Any]) -> dict[str, Any]:
    """What the vector demands of a record."""
    names = ALWAYS
    if record["oracle"] in ("value", "table"):
        names = ALWAYS + WITH_ORACLE
    return {name: record[name] for name in names}


def differences(
    found: list[dict[str, Any]], vector: dict[str, Any]
) -> list[tuple[Any, ...]]:
    """Where records, in the words of the vectors, are not what the vector demands."""
    expected = [demanded(record) for record in vector["records"]]
    if len(found) != len(expected):
        return [("number of records", len(found), len(expected))]
    return [
        (name, one[name], other[name])
        for one, other in zip(found, expected, strict=True)
        for name in other
        if one[name] != other[name]
    ]
