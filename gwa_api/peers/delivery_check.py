"""Is a decrypted document a delivery, and do the signatures of its records fit?

Records for billing carry each the signature of the gateway over the text of decisions
D17; pseudonymised documents carry none and name nobody.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from hardware.obis import Obis
from hardware.readings import RegisterValue
from hardware.record import register_lines, signed_text_of
from hardware.security_module import SignatureInvalid, verify

SCHEMA = "casa-delivery-v1"
BILLING_TAFS = frozenset({1, 2, 6, 7})
MOST_RECORDS = 200_000
_NAMES = frozenset({"profile", "gateway", "meters", "meter", "metering_point"})
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_STATUS = re.compile(r"[0-9a-f]{16}")
_OBIS = re.compile(r"[0-9a-f]{12}")

KeyOf = Callable[[str, str], EllipticCurvePublicKey | None]
"""The key with an identifier (hex) of a gateway (its id), None when it has no such."""


class DocumentRefused(Exception):
    """The content is no delivery, or a signature in it does not fit."""


def checked_document(content: bytes, message_id: UUID, key_of: KeyOf) -> dict[str, Any]:
    """The document; raises DocumentRefused."""
    try:
        document = json.loads(content, parse_float=_no_float, parse_constant=_no_float)
        _check(document, message_id, key_of)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DocumentRefused(f"no delivery: {error}") from None
    found: dict[str, Any] = document
    return found


def signed_records(document: dict[str, Any]) -> int:
    """How many records of a checked document carry a signature."""
    return sum("sig" in record for record in document["records"])


def _check(document: dict[str, Any], message_id: UUID, key_of: KeyOf) -> None:
    if document["schema"] != SCHEMA:
        raise ValueError("another schema")
    if document["delivery_id"] != str(message_id):
        raise ValueError("delivery_id is not the Idempotency-Key")
    if not all(isinstance(document[name], str) for name in ("kind", "from", "to")):
        raise TypeError("kind, from and to")
    source, records = document["source"], document["records"]
    if not isinstance(source, dict) or not isinstance(records, list):
        raise TypeError("source and records")
    if len(records) > MOST_RECORDS:
        raise ValueError(f"more than {MOST_RECORDS} records")
    if "pseudonym" in source:
        _check_pseudonymised(document)
    is_for_billing = document["taf"] in BILLING_TAFS
    for record in records:
        _check_record(record, source, is_for_billing, key_of)


def _check_pseudonymised(document: dict[str, Any]) -> None:
    named = _NAMES & (document.keys() | document["source"].keys())
    if named or any(
        {"id", "sig", "ski"} & record.keys() for record in document["records"]
    ):
        raise ValueError("a pseudonymised document names its source")
    if document["taf"] in BILLING_TAFS:
        raise ValueError("values for billing under a pseudonym")


def _check_record(
    record: dict[str, Any], source: dict[str, Any], is_for_billing: bool, key_of: KeyOf
) -> None:
    for name, form in (("t", _TIME), ("c", _TIME), ("s", _STATUS)):
        if not form.fullmatch(record[name]):
            raise ValueError(f"{name} of a record")
    if type(record["p"]) is not int:
        raise ValueError("p of a record")
    registers = [_register(one) for one in record["values"]]
    if "sig" in record:
        _check_signature(record, source, registers, key_of)
    elif is_for_billing and record["values"]:
        raise ValueError("a record for billing has no signature")


def _check_signature(
    record: dict[str, Any],
    source: dict[str, Any],
    registers: list[RegisterValue],
    key_of: KeyOf,
) -> None:
    gateway = str(source["gateway"])
    key = key_of(str(record["ski"]), gateway)
    if key is None:
        raise DocumentRefused("a record was not signed by the gateway that it names")
    text = signed_text_of(
        gateway,
        str(record["id"]),
        record["t"],
        record["c"],
        int(record["s"], 16),
        register_lines(registers),
    )
    try:
        signature = base64.b64decode(record["sig"], validate=True)
        verify(key, signature, text.encode())
    except (SignatureInvalid, binascii.Error):
        raise DocumentRefused(
            f"the signature of the record of {record['t']} does not fit"
        ) from None


def _register(value: dict[str, Any]) -> RegisterValue:
    numbers = [value[name] for name in ("v", "scaler", "unit")]
    if any(type(number) is not int for number in numbers):
        raise ValueError("a value that is no whole number")
    if abs(value["v"]) >= 1 << 64 or not -128 <= value["scaler"] <= 127:
        raise ValueError("a value out of all bounds")
    if not _OBIS.fullmatch(value["obis"]):
        raise ValueError("an OBIS code")
    return RegisterValue(Obis(bytes.fromhex(value["obis"])), *numbers)


def _no_float(text: str) -> None:
    raise ValueError(f"{text} is no whole number")
