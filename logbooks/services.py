"""The only way into the three logbooks."""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from django.db import DatabaseError, transaction

from hardware.gateway import Gateway
from hardware.security_module import SIGNATURE_SLOT
from logbooks import device_state
from logbooks.catalogue import (
    GWA_ACCESS,
    SERVICE_CHANGE,
    Event,
    EventRow,
    event_row,
    fault,
    shown_to_gwa,
)
from logbooks.chains import append_many
from logbooks.database_damage import is_damage
from logbooks.entry_text import calibration_text, entry_text
from logbooks.log_codes import LOG_NOT_WRITTEN
from logbooks.models import (
    CalibrationLogEntry,
    ConsumerLog,
    ConsumerLogEntry,
    LogEntry,
    SystemLogEntry,
)

ALL_CONSUMERS = ("*",)
"""For `consumers`: an entry in the log of each consumer."""

SYSTEM_CHAIN = "log:system"
CALIBRATION_CHAIN = "log:calibration"

_LONGEST_ARGUMENT = 2000

_CHANGES_THE_STATE = (Event.INTEGRITY_VIOLATED, Event.TIME_INVALID)


def consumer_chain(consumer: str) -> str:
    """The name of the chain of one consumer's log."""
    return f"log:consumer:{consumer}"


def open_consumer_log(consumer_id: str) -> ConsumerLog:
    """Give a consumer a log; from then on he gets the entries that concern all."""
    log, _made = ConsumerLog.objects.get_or_create(consumer_id=consumer_id)
    return log


def log_event(
    gateway: Gateway,
    event: Event,
    *arguments: str,
    now: datetime,
    consumers: Iterable[str] = (),
    recipient: str = "",
    profile: str = "",
) -> None:
    """Write an event into the logbooks that the catalogue names for it.

    `arguments` are what [1], [2], ... stand for (ValueError when their number is
    wrong), `consumers` the ids of those it concerns. `recipient` and `profile` say who
    got data by which profile; only the consumer sees the recipient. Call it in the
    transaction of the change it reports, and late in it (`chains.append_many`).
    """
    row = event_row(event)
    if len(arguments) != len(row.placeholders):
        raise ValueError(f"{event.name} takes {len(row.placeholders)} arguments")
    facts = {
        "recorded_at": _whole_second(now),
        "event_id": row.event_id,
        "event_sub_id": row.sub_id,
        "level": row.level,
    }
    texts = [_printable(argument) for argument in arguments]
    entries = _for_gwa(row, texts, facts, profile)
    if "consumer" in row.logs:
        own = {**facts, "arguments": texts, "recipient": recipient, "profile": profile}
        concerned = consumers or (ALL_CONSUMERS if row.concerns_all else ())
        entries.update(_for_consumers(concerned, own))
    if event not in _CHANGES_THE_STATE:
        _write(gateway, entries)
        return
    with transaction.atomic():
        _change_state(gateway, event, now)
        _write(gateway, entries)


def log_fault(
    gateway: Gateway,
    code: int,
    *,
    now: datetime,
    consumers: Iterable[str] = (),
    warning: bool = False,
) -> None:
    """Write a fault code of ch. 9.4 into the system log (decisions D53).

    Give the consumers whose values it concerns: they get 19006/2 with the code, or
    19006/1 with `warning`. A code that forces the soft lock-down puts the device into
    it, in the same transaction. Raises KeyError for a code the manual does not have.
    """
    at = _whole_second(now)
    entries: dict[str, LogEntry] = {
        SYSTEM_CHAIN: SystemLogEntry(
            recorded_at=at, event_id=code, event_sub_id=1, level=fault(code).level
        )
    }
    row = event_row(Event.VALUE_WARNING if warning else Event.VALUE_ERROR)
    own = {
        "recorded_at": at,
        "event_id": row.event_id,
        "event_sub_id": row.sub_id,
        "level": row.level,
        "arguments": [str(code)],
    }
    entries.update(_for_consumers(consumers, own))
    if not fault(code).soft_lockdown:
        _write(gateway, entries)
        return
    with transaction.atomic():
        is_new = device_state.enter_soft(gateway, code, now=now)
        _write(gateway, entries)
        if is_new:
            _log_fatal(gateway, code, now)


def log_gwa_access(
    gateway: Gateway,
    method: str,
    template: str,
    *,
    status: int,
    correlation: str,
    now: datetime,
) -> None:
    """Write a request of the administrator into the system log (R91).

    `template` is the path with names in place of ids, so that nobody is named.
    """
    sub_id = 0 if status < 400 else 1 if status < 500 else 2
    entry = SystemLogEntry(
        recorded_at=_whole_second(now),
        event_id=GWA_ACCESS,
        event_sub_id=sub_id,
        level=("info", "warning", "error")[sub_id],
        arguments=[method, template, str(status), correlation],
    )
    _write(gateway, {SYSTEM_CHAIN: entry})


def log_service_change(
    gateway: Gateway, role: str, change: str, *, now: datetime
) -> None:
    """Write what a service role changed into the system log (R92); names nobody.

    `role` and `change` are German words of ours, never something that was typed in.
    """
    entry = SystemLogEntry(
        recorded_at=_whole_second(now),
        event_id=SERVICE_CHANGE,
        event_sub_id=0,
        level="info",
        arguments=[role, change],
    )
    _write(gateway, {SYSTEM_CHAIN: entry})


def _change_state(gateway: Gateway, event: Event, now: datetime) -> None:
    """No valid time any more locks the device (manual ch. 8), 19001 marks values."""
    if event is Event.TIME_INVALID:
        device_state.enter_soft(gateway, device_state.TIME_INVALID, now=now)
    else:
        device_state.note_integrity_broken(gateway, now=now)


def _log_fatal(gateway: Gateway, code: int, now: datetime) -> None:
    """4294948286/1 with the code and the SHA-256 of the fault's text (R141)."""
    digest = hashlib.sha256(fault(code).description.encode()).hexdigest()
    log_event(gateway, Event.FATAL_FAULT, str(code), digest, now=now)


def _for_gwa(
    row: EventRow, texts: list[str], facts: dict[str, Any], profile: str
) -> dict[str, LogEntry]:
    entries: dict[str, LogEntry] = {}
    if "system" in row.logs:
        shown = shown_to_gwa(row, texts, "system")
        entries[SYSTEM_CHAIN] = SystemLogEntry(**facts, arguments=shown)
    if "calibration" in row.logs:
        shown = shown_to_gwa(row, texts, "calibration")
        entries[CALIBRATION_CHAIN] = CalibrationLogEntry(
            **facts, arguments=shown, profile=profile
        )
    return entries


def _for_consumers(
    consumers: Iterable[str], facts: dict[str, Any]
) -> dict[str, LogEntry]:
    ids = set(consumers)
    if ids.intersection(ALL_CONSUMERS):
        ids = set(ConsumerLog.objects.values_list("consumer_id", flat=True))
    return {
        consumer_chain(consumer): ConsumerLogEntry(consumer_id=consumer, **facts)
        for consumer in sorted(ids)
    }


def _write(gateway: Gateway, entries: dict[str, LogEntry]) -> None:
    """Number, chain, sign and store one new entry per chain.

    What a damaged database refuses locks the device (1400513): nothing may happen
    that cannot be logged.
    """
    try:
        _store(gateway, entries)
    except DatabaseError as error:
        if is_damage(error):
            at = max(entry.recorded_at for entry in entries.values())
            device_state.enter_without_database(gateway, LOG_NOT_WRITTEN, now=at)
        raise


def _store(gateway: Gateway, entries: dict[str, LogEntry]) -> None:
    texts = {name: [entry_text(entry).encode()] for name, entry in entries.items()}
    with transaction.atomic(savepoint=False):
        links = append_many(gateway, texts)
        for name, entry in entries.items():
            entry.number, entry.chain_hash = links[name][0]
            if isinstance(entry, CalibrationLogEntry):
                _sign(gateway, entry)
        for model in dict.fromkeys(type(entry) for entry in entries.values()):
            rows = [entry for entry in entries.values() if type(entry) is model]
            model._default_manager.bulk_create(rows)


def _sign(gateway: Gateway, entry: CalibrationLogEntry) -> None:
    text = calibration_text(gateway.huid, entry.number, entry)
    # The slot by name: the keys may be switched while this runs.
    slot = gateway.security_module.active_slot(SIGNATURE_SLOT)
    entry.signature = gateway.security_module.sign(slot, text.encode())
    entry.signer_ski = gateway.security_module.key_identifier(slot)


def _whole_second(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(microsecond=0)


def _printable(argument: str) -> str:
    """An argument as it may be stored: what a stranger typed can hold anything."""
    return "".join(
        character if character.isprintable() else "\ufffd"
        for character in str(argument)[:_LONGEST_ARGUMENT]
    )
