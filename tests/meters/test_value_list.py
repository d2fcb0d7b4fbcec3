"""Signed, chained, final: what a value list promises."""

import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from hardware import device_state_file
from hardware.device_state_file import DeviceSetting
from hardware.gateway import Gateway
from hardware.record import Record
from hardware.security_module import SignatureInvalid
from logbooks.certificates import certificate_pem, ensure_signature_certificate
from logbooks.chains import ChainFault, Finding
from meters import value_list
from meters.integrity import verify_list
from meters.models import OriginalRecord
from tests.meters.builders import METER, NOON, a_meter, value

pytestmark = pytest.mark.django_db
QUARTER = timedelta(minutes=15)


def a_record(quarters: int = 0, meter: str = METER, amount: int = 12345) -> Record:
    return Record(
        subject=meter,
        target_time=NOON + quarters * QUARTER,
        capture_time=NOON + quarters * QUARTER + timedelta(seconds=1.7),
        status=0x00000005_001C0104,
        registers=(value("2.8.0", 7), value("1.8.0", amount)),
    )


def stored(gateway: Gateway, *records: Record) -> list[OriginalRecord]:
    value_list.append_records(gateway, OriginalRecord, records)
    return list(OriginalRecord.objects.order_by("meter_id", "target_time"))


def lift_triggers(cursor: Any) -> None:
    """What an attacker with all rights in the database could do."""
    if connection.vendor == "postgresql":
        cursor.execute("SET LOCAL session_replication_role = replica")
        return
    cursor.execute(
        "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s",
        ["meters_originalrecord"],
    )
    for (name,) in cursor.fetchall():
        cursor.execute(f"DROP TRIGGER {name}")


def faults(gateway: Gateway, meter: str = METER) -> list[ChainFault]:
    ensure_signature_certificate(gateway, NOON)
    return verify_list(gateway, OriginalRecord, meter)


@pytest.mark.req("R22")
def test_a_record_holds_all_registers_under_one_signature(gateway: Gateway) -> None:
    """All of one meter and time is one row, signed before it is stored."""
    a_meter(gateway)
    (row,) = stored(gateway, a_record())
    assert row.registers == "0100010800ff 12345 -1 30\n0100020800ff 7 -1 30"
    assert value_list.row_text(gateway.huid, row) == (
        f"casa-record-v1 {gateway.huid} {METER} 2026-03-03T12:00:00Z "
        "2026-03-03T12:00:01Z 00000005001c0104\n" + row.registers
    )
    certificate = ensure_signature_certificate(gateway, NOON)
    value_list.verify_record(row, gateway.huid, certificate)
    assert row.signer_ski == certificate.ski
    assert value_list.chain_name(OriginalRecord, METER) == f"meter:{METER}"


@pytest.mark.req("R64")
@pytest.mark.parametrize(
    ("column", "other"),
    [
        ("registers", "0100010800ff 12346 -1 30\n0100020800ff 7 -1 30"),
        ("status", 0x00000005_001C0105),
        ("target_time", NOON + QUARTER),
        ("capture_time", NOON),
        ("meter_id", "1emh0000000002"),
        ("signature", b"\x30\x06\x02\x01\x01\x02\x01\x01"),
    ],
)
def test_a_changed_column_breaks_the_signature(
    gateway: Gateway, column: str, other: object
) -> None:
    """A receiver detects falsification in storage."""
    a_meter(gateway)
    (row,) = stored(gateway, a_record())
    setattr(row, column, other)
    certificate = ensure_signature_certificate(gateway, NOON)
    with pytest.raises(SignatureInvalid):
        value_list.verify_record(row, gateway.huid, certificate)


@pytest.mark.req("R64")
def test_every_changed_byte_of_text_or_signature_is_found(gateway: Gateway) -> None:
    """A receiver detects falsification in transfer, at whatever byte."""
    from hardware.security_module import SIGNATURE_SLOT, verify

    a_meter(gateway)
    (row,) = stored(gateway, a_record())
    key = gateway.security_module.public_key(SIGNATURE_SLOT)
    text = value_list.row_text(gateway.huid, row).encode()
    signature = bytes(row.signature)
    for at in range(len(text)):
        changed = text[:at] + bytes([text[at] ^ 1]) + text[at + 1 :]
        with pytest.raises(SignatureInvalid):
            verify(key, signature, changed)
    for at in range(len(signature)):
        changed = signature[:at] + bytes([signature[at] ^ 1]) + signature[at + 1 :]
        with pytest.raises(SignatureInvalid):
            verify(key, changed, text)


@pytest.mark.req("R64")
def test_stock_openssl_verifies_a_record(gateway: Gateway, tmp_path: Path) -> None:
    """The way that D42 documents, with the downloaded certificate."""
    a_meter(gateway)
    (row,) = stored(gateway, a_record())
    certificate = ensure_signature_certificate(gateway, NOON)
    (tmp_path / "cert.pem").write_text(certificate_pem(certificate))
    (tmp_path / "record.sig").write_bytes(bytes(row.signature))
    text = value_list.row_text(gateway.huid, row)
    (tmp_path / "record.txt").write_text(text, newline="")
    key = subprocess.run(
        ["openssl", "x509", "-pubkey", "-noout", "-in", "cert.pem"],
        cwd=tmp_path,
        capture_output=True,
        check=True,
    ).stdout
    (tmp_path / "key.pem").write_bytes(key)
    verified = subprocess.run(
        [
            *("openssl", "dgst", "-sha256", "-verify", "key.pem"),
            *("-signature", "record.sig", "record.txt"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert verified.stdout == "Verified OK\n"


def test_a_record_that_exists_is_ignored_and_leaves_no_hole(gateway: Gateway) -> None:
    a_meter(gateway)
    assert len(stored(gateway, a_record(0), a_record(1))) == 2
    again = [a_record(0, amount=99999), a_record(1), a_record(2), a_record(2)]
    assert value_list.append_records(gateway, OriginalRecord, again) == 1
    rows = list(OriginalRecord.objects.order_by("target_time"))
    assert [row.number for row in rows] == [1, 2, 3]
    assert "12345" in rows[0].registers
    assert faults(gateway) == []


def test_each_meter_has_a_chain_of_its_own(gateway: Gateway) -> None:
    a_meter(gateway)
    a_meter(gateway, "1emh0000000002")
    rows = stored(
        gateway, a_record(0), a_record(0, "1emh0000000002"), a_record(1), a_record(2)
    )
    assert [(row.meter_id, row.number) for row in rows] == [
        ("1emh0000000002", 1),
        (METER, 1),
        (METER, 2),
        (METER, 3),
    ]
    assert faults(gateway) == faults(gateway, "1emh0000000002") == []


def test_later_bits_are_covered_by_the_chain(gateway: Gateway) -> None:
    a_meter(gateway)
    value_list.append_records(gateway, OriginalRecord, [a_record()], [1 << 14])
    row = OriginalRecord.objects.get()
    assert row.later_bits == 1 << 14
    payload = value_list.row_chain_payload(gateway.huid, row)
    row.later_bits = 0
    assert value_list.row_chain_payload(gateway.huid, row) != payload


@pytest.mark.req("R23")
def test_the_check_of_a_list_finds_every_kind_of_tampering(gateway: Gateway) -> None:
    """Somebody who got around the triggers is still found by chain and signature."""
    a_meter(gateway)
    stored(gateway, *(a_record(quarters) for quarters in range(4)))
    assert faults(gateway) == []
    with connection.cursor() as cursor:
        lift_triggers(cursor)
        cursor.execute(
            "UPDATE meters_originalrecord SET registers = '0100010800ff 1 -1 30' "
            "WHERE number = 2"
        )
        cursor.execute("DELETE FROM meters_originalrecord WHERE number = 4")
    found = {(fault.finding, fault.number) for fault in faults(gateway)}
    assert found == {
        (Finding.CHANGED, 2),
        (Finding.SIGNATURE, 2),
        (Finding.CUT, 4),
    }


def test_nothing_is_stored_when_the_transaction_fails(gateway: Gateway) -> None:
    a_meter(gateway)
    unknown = replace(a_record(), subject="1emh0000000009")
    with pytest.raises(DatabaseError), transaction.atomic():
        value_list.append_records(gateway, OriginalRecord, [a_record(), unknown])
        connection.check_constraints()
    assert OriginalRecord.objects.count() == 0
    value_list.append_records(gateway, OriginalRecord, [a_record()])
    assert faults(gateway) == []


@pytest.mark.req("R23")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE meters_originalrecord SET registers = '' WHERE meter_id = %s",
        "UPDATE meters_originalrecord SET status = 0 WHERE meter_id = %s",
        "DELETE FROM meters_originalrecord WHERE meter_id = %s",
    ],
)
def test_plain_sql_can_neither_change_nor_delete_a_record(
    gateway: Gateway, statement: str
) -> None:
    """The database itself refuses, whoever asks."""
    a_meter(gateway)
    stored(gateway, a_record())
    with (
        pytest.raises(DatabaseError),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement, [METER])
    assert OriginalRecord.objects.get().registers.startswith("0100010800ff 12345")


@pytest.mark.req("R23")
def test_the_orm_can_neither_change_nor_delete_a_record(gateway: Gateway) -> None:
    """Save, update and delete of the ORM are refused alike."""
    a_meter(gateway)
    (row,) = stored(gateway, a_record())
    row.registers = ""
    for change in (
        row.save,
        row.delete,
        OriginalRecord.objects.all().delete,
        lambda: OriginalRecord.objects.update(status=0),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
    assert faults(gateway) == []


@pytest.mark.req("R23")
def test_records_older_than_24_months_may_be_pruned(gateway: Gateway) -> None:
    """DELETE is refused before the retention ends, not afterwards."""
    a_meter(gateway)
    old = replace(a_record(), target_time=NOON - timedelta(days=3 * 366))
    stored(gateway, old)
    OriginalRecord.objects.all().delete()
    assert OriginalRecord.objects.count() == 0


@pytest.mark.req("R169")
@pytest.mark.parametrize("make", [value_list.sign_records, value_list.unsigned_records])
def test_while_integrity_is_broken_new_records_are_not_for_billing(
    gateway: Gateway, make: Any
) -> None:
    """R169, D37: gateway bit 1, in the chained text; records of before stay."""
    a_meter(gateway)
    for quarters, is_broken in enumerate([False, True, False]):
        setting = DeviceSetting(marks_values=is_broken)
        device_state_file.write(gateway.state, setting)
        made = make(gateway, [a_record(quarters)])
        value_list.store_records(gateway, OriginalRecord, made)
    rows = OriginalRecord.objects.order_by("target_time")
    assert [row.status >> 32 for row in rows] == [0x05, 0x07, 0x05]
    is_signed = make is value_list.sign_records
    assert {one.finding for one in faults(gateway)} == (
        set() if is_signed else {Finding.SIGNATURE}
    )
