"""Signatures of our own records in a file: the signed text put together again.

A record holds all registers of one meter or profile at one time and has one
signature, which every value of it carries (decisions D16, D17). In a file each
register is a list of its own, so the records are collected across the lists.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import product
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from hardware.device_id import canonical_meter_id
from hardware.obis import Obis
from hardware.readings import RegisterValue
from hardware.record import register_lines, signed_text
from hardware.security_module import SignatureInvalid, verify
from tariffs.trudi.certificates import ec_key, parsed
from tariffs.trudi.model import Reading, ReadingList, UsagePoint, is_hex
from tariffs.trudi.model_rules import SIGNATURE_CERTIFICATE
from tariffs.trudi.units import UNITS


class Part(NamedTuple):
    """A value of a record: its register, with the unit as the file states it."""

    obis: Obis
    reading: Reading
    scaler: int
    uom: int


@dataclass(slots=True)
class SignedRecord:
    """What a signature stands for: the values of one subject at one target time."""

    subject: str
    target: datetime
    signature: bytes
    parts: list[Part] = field(default_factory=list)


@dataclass(slots=True)
class SignatureCheck:
    """How many records were checked and what came out.

    `bad`: the first of them are named in `first_bad`. `foreign`: signatures that are
    not in our form; `unsigned`: values without one. `certificate` is None when there
    was none to check with.
    """

    good: int = 0
    bad: int = 0
    foreign: int = 0
    unsigned: int = 0
    first_bad: SignedRecord | None = None
    certificate: x509.Certificate | None = None

    @property
    def checked(self) -> int:
        """How many were checked."""
        return self.good + self.bad


def check_signatures(
    point: UsagePoint, certificate: x509.Certificate | None = None
) -> SignatureCheck:
    """Check all records of a file that carry a signature of our form.

    With the certificate given, else with the signature certificate of the file; when
    there is neither, nothing is checked.
    """
    check = SignatureCheck(certificate=certificate or _of_file(point))
    records = list(_records(point, check))
    key = ec_key(check.certificate)
    if key is None:
        return check
    huid = _huid(point)
    for record in records:
        texts = _texts(huid, record, point.tariff_name)
        if any(_is_valid(key, record, text) for text in texts):
            check.good += 1
        else:
            check.bad += 1
            check.first_bad = check.first_bad or record
    return check


def _of_file(point: UsagePoint) -> x509.Certificate | None:
    for each in point.certificates:
        if each.cert_type == SIGNATURE_CERTIFICATE and each.content:
            try:
                return parsed(each.content)
            except ValueError:
                return None
    return None


def _huid(point: UsagePoint) -> str:
    smgw_id = point.smgw.smgw_id.strip().lower() if point.smgw else ""
    return smgw_id.removesuffix(".sm")


def _records(point: UsagePoint, check: SignatureCheck) -> Iterator[SignedRecord]:
    """The records of a file in the order of their first value."""
    found: dict[tuple[str, datetime, str], SignedRecord] = {}
    for values in point.lists:
        subject = _subject(values)
        for reading in values.readings:
            if not reading.signature:
                check.unsigned += 1
                continue
            part = _part(values, reading)
            signature = _ecdsa(reading.signature)
            if part is None or signature is None or reading.time is None:
                check.foreign += 1
                continue
            target = reading.time.utc
            key = (subject, target, reading.signature.lower())
            if key not in found:
                found[key] = SignedRecord(subject, target, signature)
            if part not in found[key].parts:  # neighbouring blocks share a boundary
                found[key].parts.append(part)
    yield from found.values()


def _subject(values: ReadingList) -> str:
    """The meter as it is stored, or the profile."""
    if not values.is_original:
        return values.owner
    try:
        return canonical_meter_id(values.meter_id)
    except ValueError:
        return values.meter_id.lower()


def _part(values: ReadingList, reading: Reading) -> Part | None:
    kind, obis = values.reading_type, values.obis
    if kind is None or obis is None or kind.uom is None or reading.value is None:
        return None
    if reading.status_fnn is None or reading.capture is None:
        return None
    return Part(obis, reading, kind.scaler + (kind.multiplier or 0), kind.uom)


def _ecdsa(text: str) -> bytes | None:
    """The octets of an ECDSA signature in DER; None for anything else."""
    if not is_hex(text):
        return None
    signature = bytes.fromhex(text)
    try:
        decode_dss_signature(signature)
    except ValueError:
        return None
    return signature


def _texts(huid: str, record: SignedRecord, profile: str) -> Iterator[str]:
    """The texts that may have been signed.

    One, unless a unit of the file stands for two of DLMS. None when the values do
    not agree on capture time and status. A meter's record of fewer registers than the
    meter has is signed for the profile that names these.
    """
    parts = record.parts
    heads = {(part.reading.capture, part.reading.status_fnn) for part in parts}
    if len(heads) != 1:
        return
    ((capture, status),) = heads
    if capture is None or status is None:
        return
    uoms = sorted({part.uom for part in parts})
    if not UNITS.keys() >= set(uoms):
        return
    for units in product(*(UNITS[uom].dlms for uom in uoms)):
        code = dict(zip(uoms, units, strict=True))
        registers = [
            RegisterValue(
                part.obis, part.reading.value or 0, part.scaler, code[part.uom]
            )
            for part in parts
        ]
        lines = register_lines(registers)
        for subject in dict.fromkeys((record.subject, profile)):
            yield signed_text(
                *(huid, subject, record.target, capture.utc, status), lines
            )


def _is_valid(key: EllipticCurvePublicKey, record: SignedRecord, text: str) -> bool:
    try:
        verify(key, record.signature, text.encode())
    except SignatureInvalid:
        return False
    return True
