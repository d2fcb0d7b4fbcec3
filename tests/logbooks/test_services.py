"""Writing into the three logbooks."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from hardware.gateway import Gateway
from hardware.security_module import SignatureInvalid, verify
from logbooks import selectors
from logbooks.catalogue import Event, event_row
from logbooks.models import ConsumerLog, ConsumerLogEntry, SystemLogEntry
from logbooks.services import (
    ALL_CONSUMERS,
    log_event,
    log_fault,
    open_consumer_log,
)

NOW = datetime(2026, 3, 1, 12, 0, 30, 123456, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def texts(consumer: str) -> list[str]:
    return [line.text for line in selectors.consumer_log(consumer)]


@pytest.mark.req("R86", "R70")
@pytest.mark.parametrize("event", Event, ids=lambda event: event.name)
def test_every_event_goes_into_its_logs(gateway: Gateway, event: Event) -> None:
    """R70, R86: three logs; each event in those that the catalogue names."""
    row = event_row(event)
    arguments = [f"a{n}" for n in range(len(row.placeholders))]
    log_event(gateway, event, *arguments, now=NOW, consumers=["hks2"])
    written = {
        "consumer": selectors.consumer_log("hks2"),
        "system": selectors.system_log(),
        "calibration": selectors.calibration_log(gateway),
    }
    assert {name for name, lines in written.items() if lines} == set(row.logs)
    (line,) = written["consumer"]
    assert (line.event_id, line.event_sub_id) == event.value
    assert line.level == row.level.upper()
    for n, argument in enumerate(arguments):
        assert argument in line.text, n
    assert line.recorded_at == NOW.replace(microsecond=0)


@pytest.mark.req("R74")
def test_every_calibration_entry_is_signed(gateway: Gateway) -> None:
    """R74: timestamp, unique number, and a signature with the gateway's key."""
    log_event(gateway, Event.PROFILE_CREATED, "p1", now=NOW, profile="p1")
    log_event(gateway, Event.TIME_INVALID, now=NOW)
    lines = selectors.calibration_log(gateway)
    assert [line.number for line in lines] == [2, 1]
    key = gateway.security_module.public_key("sig")
    for line in lines:
        verify(key, line.signature, line.signed_text.encode())
        with pytest.raises(SignatureInvalid):
            verify(key, line.signature, line.signed_text.encode() + b" ")
    assert lines[1].signed_text == (
        "casa-calibration-v1 eemh0009264154 1\n"
        "2026-03-01T12:00:30Z 20010 0 info\n"
        '["","p1","p1"]'
    )
    assert lines[1].signer_ski == gateway.security_module.key_identifier("sig")


def test_an_event_of_one_consumer_is_only_in_his_log(gateway: Gateway) -> None:
    open_consumer_log("nachbar")
    log_event(gateway, Event.PASSWORD_LOGIN_DONE, "hks2", now=NOW, consumers=["hks2"])
    assert len(texts("hks2")) == 1
    assert texts("nachbar") == []


def test_an_event_that_concerns_all_is_in_every_log(gateway: Gateway) -> None:
    for consumer in ("hks2", "nachbar"):
        open_consumer_log(consumer)
    log_event(gateway, Event.POWER_RETURNED, now=NOW)
    log_event(gateway, Event.VALUE_WARNING, "x", now=NOW, consumers=ALL_CONSUMERS)
    assert len(texts("hks2")) == len(texts("nachbar")) == 2
    assert len(selectors.system_log()) == 2


def test_an_event_of_nobody_known_is_in_no_consumer_log(gateway: Gateway) -> None:
    open_consumer_log("hks2")
    log_event(gateway, Event.PASSWORD_LOGIN_REFUSED, "who", now=NOW)
    assert texts("hks2") == []
    assert len(selectors.system_log()) == 1


@pytest.mark.req("R81")
def test_the_system_log_does_not_say_who(gateway: Gateway) -> None:
    """R81: no user name, consumer, profile or recipient in a system log entry."""
    facts: dict[str, Any] = {"recipient": "emt-1", "profile": "hks2-taf7"}
    log_event(
        gateway,
        Event.PROFILE_CREATED,
        "hks2-taf7",
        now=NOW,
        consumers=["hks2"],
        **facts,
    )
    log_event(
        gateway, Event.PASSWORD_LOGIN_DONE, "hks2", now=NOW, consumers=["hks2"], **facts
    )
    for stored in SystemLogEntry.objects.values():
        assert "hks2" not in str(stored)
        assert "emt-1" not in str(stored)


@pytest.mark.req("R78")
def test_the_consumer_sees_who_got_his_data(gateway: Gateway) -> None:
    """R78: recipient and profile are kept with the entry."""
    log_event(
        gateway,
        *(Event.VALUES_SENT, "96", "2026-02-01", "2026-02-28"),
        now=NOW,
        consumers=["hks2"],
        recipient="emt-1",
        profile="taf7",
    )
    (line,) = selectors.consumer_log("hks2")
    assert (line.recipient, line.profile) == ("emt-1", "taf7")


def test_a_fault_is_in_the_system_log_with_its_code(gateway: Gateway) -> None:
    log_fault(gateway, 103118, now=NOW)
    log_fault(gateway, 300033, now=NOW, consumers=["hks2"])
    log_fault(gateway, 100706, now=NOW, consumers=["hks2"], warning=True)
    oldest = selectors.system_log()[-1]
    assert (oldest.event_id, oldest.event_sub_id) == (103118, 1)
    assert oldest.text == "Keine HDLC Antwort erhalten"
    lines = selectors.consumer_log("hks2")
    assert [line.event_sub_id for line in lines] == [1, 2]
    assert {line.event_id for line in lines} == {19006}
    assert "300033" in texts("hks2")[1]


def test_a_fault_that_locks_the_device_is_fatal(gateway: Gateway) -> None:
    log_fault(gateway, 1400005, now=NOW)
    log_fault(gateway, 103118, now=NOW)
    assert [line.level for line in selectors.system_log()] == [
        "ERROR",
        "FATAL",  # 4294948286: the device is locked
        "FATAL",
    ]


def test_an_unknown_fault_code_is_refused(gateway: Gateway) -> None:
    with pytest.raises(KeyError):
        log_fault(gateway, 1, now=NOW)


@pytest.mark.parametrize("arguments", [[], ["a", "b"]])
def test_a_wrong_number_of_arguments_is_refused(
    gateway: Gateway, arguments: list[str]
) -> None:
    with pytest.raises(ValueError, match="takes 1 arguments"):
        log_event(gateway, Event.PROFILE_CREATED, *arguments, now=NOW)
    assert not SystemLogEntry.objects.exists()


def test_what_a_stranger_typed_is_stored_printable(gateway: Gateway) -> None:
    name = "a\x00b\r\n2026 INFO gefälscht \udc80" + "x" * 5000
    log_event(gateway, Event.PASSWORD_LOGIN_REFUSED, name, now=NOW, consumers=["hks2"])
    (stored,) = ConsumerLogEntry.objects.get().arguments
    assert stored.isprintable()
    assert stored.startswith("a�b��2026 INFO gefälscht �xxx")
    assert len(stored) == 2000


def test_the_time_is_kept_in_utc_and_whole_seconds(gateway: Gateway) -> None:
    local = NOW.astimezone(timezone(timedelta(hours=2)))
    log_event(gateway, Event.TIME_INVALID, now=local)
    (line,) = selectors.calibration_log(gateway)
    assert line.recorded_at == NOW.replace(microsecond=0)
    assert "2026-03-01T12:00:30Z" in line.signed_text


def test_an_entry_takes_a_handful_of_queries(
    gateway: Gateway, django_assert_max_num_queries: Any
) -> None:
    log_event(gateway, Event.METERING_STARTED, now=NOW, consumers=["hks2"])
    with django_assert_max_num_queries(5):
        log_event(gateway, Event.METERING_STARTED, now=NOW, consumers=["hks2"])
    with django_assert_max_num_queries(3):
        log_event(
            gateway, Event.TARIFF_STAGE_SWITCHED, "1", "2", now=NOW, consumers=["hks2"]
        )


def test_an_entry_for_all_takes_no_more_for_many_consumers(
    gateway: Gateway, django_assert_max_num_queries: Any
) -> None:
    for n in range(40):
        open_consumer_log(f"c{n}")
    log_event(gateway, Event.POWER_RETURNED, now=NOW)
    with django_assert_max_num_queries(6):
        log_event(gateway, Event.POWER_RETURNED, now=NOW)
    assert ConsumerLogEntry.objects.count() == 80


def test_a_log_is_opened_once(gateway: Gateway) -> None:
    assert open_consumer_log("hks2") == open_consumer_log("hks2")
    assert ConsumerLog.objects.get().retention_months == 24
