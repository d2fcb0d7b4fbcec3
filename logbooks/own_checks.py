"""What the self-test looks at in this app: primitives, keys, database, logbooks."""

import sqlite3
from collections.abc import Iterator
from datetime import datetime

from django.db import DatabaseError, connection
from django.db.backends.base.base import BaseDatabaseWrapper

from hardware.gateway import Gateway
from hardware.known_answers import failed_primitives
from hardware.security_module import (
    SIGNATURE_SLOT,
    SecurityModuleFault,
    SignatureInvalid,
    verify,
)
from logbooks.alarms import AlarmKind, open_alarms
from logbooks.checks import Fault, register_check
from logbooks.configuration_seal import check_configuration
from logbooks.configuration_triggers import register_configuration
from logbooks.database_damage import give_up
from logbooks.hardware_check import hardware_faults
from logbooks.immutability import missing_triggers
from logbooks.log_codes import PROTECTION_GONE
from logbooks.log_lists import register_log_lists
from logbooks.models import Certificate, ConsumerLog
from logbooks.software_check import software_faults
from logbooks.storage import storage_faults

OWN_SIGNATURE_FAILED = 1600189
MODULE_UNREACHABLE = 1600255
DATABASE_SPOILT = 2500352
DATABASE_NOT_CHECKED = 2500353
NO_SYNCHRONISATION = 1500069
CERTIFICATE_ENDED = 2200041
CERTIFICATE_NOT_BEGUN = 2200042
VALUES_NOT_PROTECTED = 2500350


def register_own_checks() -> None:
    """Register them; called when the app is ready."""
    register_check("primitives", _primitives)
    register_check("security module", _security_module)
    register_check("database file", _database_file)
    register_check("final rows", _final_rows)
    register_check("software", software_faults)
    register_check("storage", storage_faults)
    register_check("hardware", hardware_faults)
    register_check("configuration", check_configuration)
    register_check("clock", _clock)
    register_check("certificates", _certificates)
    register_configuration(ConsumerLog)
    register_configuration(Certificate)
    register_log_lists()


def _primitives(_gateway: Gateway, _now: datetime) -> Iterator[Fault]:
    for answer in failed_primitives():
        yield Fault(answer.code, answer.name)


def _security_module(gateway: Gateway, _now: datetime) -> Iterator[Fault]:
    """A signature of the gateway's own key, checked with its public half."""
    module, message = gateway.security_module, b"casa self-test"
    try:
        signature = module.sign(SIGNATURE_SLOT, message)
        verify(module.public_key(SIGNATURE_SLOT), signature, message)
    except (SecurityModuleFault, OSError):
        yield Fault(MODULE_UNREACHABLE, SIGNATURE_SLOT)
    except (SignatureInvalid, ValueError):
        yield Fault(OWN_SIGNATURE_FAILED, SIGNATURE_SLOT)


def _database_file(_gateway: Gateway, _now: datetime) -> Iterator[Fault]:
    """The file page by page: structure, and the MAC of each encrypted page."""
    yield from database_faults(connection)


def database_faults(database: BaseDatabaseWrapper) -> Iterator[Fault]:
    """2500352 for a damaged SQLite file, 2500353 for one that cannot be read."""
    if database.vendor != "sqlite":
        return
    is_well = True
    try:
        with database.cursor() as cursor:
            for pragma in ("cipher_integrity_check", "integrity_check"):
                cursor.execute(f"PRAGMA {pragma}")
                found = [str(row[0]) for row in cursor.fetchall()]
                if found and found != ["ok"]:
                    yield Fault(DATABASE_SPOILT, found[0])
                    is_well = False
    except (DatabaseError, sqlite3.Error) as error:
        yield Fault(DATABASE_NOT_CHECKED, str(error))
        is_well = False
    if not is_well:
        give_up(database)


def _clock(gateway: Gateway, _now: datetime) -> Iterator[Fault]:
    """Without valid time there was no synchronisation for too long (R157); nor is a
    time right that the time server contradicts."""
    if not gateway.clock.is_valid:
        yield Fault(NO_SYNCHRONISATION, gateway.clock.source)
    for alarm in open_alarms().filter(kind=AlarmKind.TIME_TOO_FAR_OFF):
        yield Fault(alarm.code, gateway.clock.source)


def _certificates(_gateway: Gateway, now: datetime) -> Iterator[Fault]:
    """Active certificates outside of their validity."""
    active = Certificate.objects.filter(state=Certificate.State.ACTIVE)
    for row in active.filter(not_after__lt=now):
        yield Fault(CERTIFICATE_ENDED, row.subject_cn)
    for row in active.filter(not_before__gt=now):
        yield Fault(CERTIFICATE_NOT_BEGUN, row.subject_cn)


def _final_rows(_gateway: Gateway, _now: datetime) -> Iterator[Fault]:
    """That the database still refuses changes of stored rows."""
    for table in missing_triggers(connection):
        is_log = table.startswith("logbooks_")
        yield Fault(PROTECTION_GONE if is_log else VALUES_NOT_PROTECTED, table)
