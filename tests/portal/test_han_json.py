"""The checklist of the HAN JSON interface (han-json-api.md 9), and its documents."""

import json
import re
from datetime import UTC, datetime, timedelta
from itertools import chain, pairwise

import pytest
import time_machine
from axes.models import AccessAttempt
from django.test import Client

from hardware.gateway import Gateway
from hardware.security_module import verify
from logbooks.catalogue import Event
from logbooks.certificates import certificate_by_ski, public_key
from logbooks.services import log_event
from meters.configuration import create_meter
from meters.models import LiveReading
from meters.services import update_live
from tests.portal.conftest import NOW
from tests.portal.digest_client import answer_to, challenge_of
from tests.portal.han_client import (
    HUID,
    LAST,
    METER,
    MISSING,
    PATHS,
    RECORD,
    TAF1,
    TAF7,
    body,
    document,
    fetch,
    local,
)
from tests.portal.installation import (
    METERS,
    PROFILES,
    instants,
    months_before,
    reading,
    record,
)

UNITS = {"kWh", "kVAh", "kvarh", "W", "VA", "var", "m^3", "V", "A", "Hz"}
SHORT_NUMBER = re.compile(r"[0-9]+\.[0-9]{6} (\S+)")


# 1


@pytest.mark.parametrize("path", PATHS)
def test_both_slash_forms_give_the_same_body_and_nothing_redirects(
    browser: Client, path: str
) -> None:
    """A redirect would break every client's digest."""
    plain, slashed = fetch(browser, path), fetch(browser, f"{path}/")
    assert plain.status_code == slashed.status_code == 200
    assert body(plain) == body(slashed)


# 2


@pytest.mark.req("R97")
@pytest.mark.parametrize("path", [*PATHS, *MISSING])
def test_without_credentials_there_is_exactly_one_challenge(
    browser: Client, path: str
) -> None:
    """R97: 401 for every path, its body is no JSON."""
    for form in (path, f"{path}/"):
        answer = browser.get(form)
        assert answer.status_code == 401
        assert re.fullmatch(
            rf'Digest realm="{HUID}", qop="auth", algorithm="MD5", '
            r'nonce="[0-9a-f]+", opaque="[0-9a-f]+"',
            answer["WWW-Authenticate"],
        )
        with pytest.raises(ValueError, match="Extra data"):
            json.loads(body(answer))


# 3


def test_a_hundred_requests_without_credentials_lock_nobody(browser: Client) -> None:
    for _ in range(100):
        assert browser.get(PATHS[0]).status_code == 401
    assert not AccessAttempt.objects.exists()
    assert fetch(browser, PATHS[0]).status_code == 200


@pytest.mark.req("R103", "R104")
def test_wrong_answers_lock_all_consumers_for_five_minutes(browser: Client) -> None:
    """R103, R104, by digest alone."""
    path = PATHS[0]
    for _ in range(5):
        header = answer_to(challenge_of(browser, path), "hks2", "x", path)
        browser.get(path, headers={"Authorization": header})
    assert fetch(browser, path, "nachbar").status_code == 401
    with time_machine.travel(NOW + timedelta(minutes=5), tick=False):
        assert fetch(browser, path, "nachbar").status_code == 200


# 4: test_digest.py


# 5


def test_the_extended_form(browser: Client) -> None:
    """Strings for values, integers for scaler and unit, every register."""
    found = document(browser, f"/json/metering/origin/{METER}/extended")
    given = reading(METER, NOW)
    assert found["capture_time"] == found["timestamp"] == local(given.captured_at)
    assert found["status"] == "a000000020000000"
    assert found["values"] == [
        {
            "logical_name": f"{register.obis.logical_name}.{METER}.sm",
            "scaler": register.scaler,
            "signature": "-",
            "unit": register.unit,
            "value": str(register.value),
        }
        for register in given.registers
    ]


@pytest.mark.req("R94")
def test_the_realtime_data_are_the_extended_form_of_every_meter(
    browser: Client,
) -> None:
    """What Home Assistant's REST sensors take: `meter`, its keys, their values."""
    found = document(browser, "/json/realtimedata")
    meters = document(browser, "/json/metering/origin")
    assert list(found["meter"]) == meters
    for meter in meters:
        path = f"/json/metering/origin/{meter}/extended"
        assert found["meter"][meter] == document(browser, path)


def test_before_the_first_reading_there_is_data_without_values(
    browser: Client, han: Gateway
) -> None:
    """404 is not for "no data yet"."""
    new, key = "1emh0000000077", bytes(16).hex()
    create_meter(
        han,
        new,
        consumer="hks2",
        source="hdlc",
        port="/dev/ttyS0",
        master_key=key,
        now=NOW,
    )
    assert document(browser, f"/json/metering/origin/{new}") == []
    found = document(browser, f"/json/metering/origin/{new}/extended")
    assert found["values"] == []


def test_before_the_first_live_value_the_newest_record_is_given(
    browser: Client,
) -> None:
    LiveReading.objects.filter(meter_id=METER).delete()
    found = document(browser, f"/json/metering/origin/{METER}")
    stored = document(browser, RECORD)
    assert found["timestamp_act"] == stored["capture_time"]
    assert found["0100010800ff"].endswith(" kWh")


# 6


@pytest.mark.parametrize(
    "path",
    [
        f"/json/metering/origin/{METER}/0",
        f"/json/metering/origin/{METER}/2",
        f"/json/metering/derived/{TAF1}/daily",
        f"/json/metering/derived/{TAF1}/billingperiods/0",
        f"/json/metering/derived/{TAF1}/billingperiods/1",
        f"/json/metering/derived/{TAF7}/daily",
        f"/json/metering/derived/{TAF7}/billingperiods/0",
    ],
)
def test_readings_in_the_short_form(browser: Client, path: str) -> None:
    """Status, decimal point, known units, ascending, the registers of the contract."""
    found = document(browser, path)
    assert found
    times = [one["timestamp_nom"] for one in found]
    assert times == sorted(times)
    for one in found:
        assert re.fullmatch("[0-9a-f]{16}", one["status"])
        registers = {name: one[name] for name in one if name.endswith("ff")}
        assert all(len(name) == 12 for name in registers)
        assert registers.keys() == (
            {"0100010800ff"} if TAF1 in path else {"0100010800ff", "0100020800ff"}
        )
        for text in registers.values():
            match = SHORT_NUMBER.fullmatch(text)
            assert match and match[1] in UNITS


def test_the_latest_reading_leaves_out_what_would_stop_trudi(
    browser: Client, han: Gateway
) -> None:
    """No phase angle, and no power while it is negative."""
    found = document(browser, f"/json/metering/origin/{METER}")
    assert found["0100100700ff"] == "4484.000000 W"
    assert "0100510704ff" not in found
    assert found["timestamp_nom"] == found["timestamp_act"]
    later = NOW + timedelta(seconds=10)
    update_live(han, {METER: reading(METER, later, power=-3)}, now=later)
    assert "0100100700ff" not in document(browser, f"/json/metering/origin/{METER}")


def test_months_are_local_and_hold_each_reading_once(browser: Client) -> None:
    """The first of a month at 00:00 stands in the month that it begins; months
    without data are empty however far back."""
    found = [
        [r["timestamp_nom"] for r in document(browser, f"{PATHS[2]}/{n}")]
        for n in range(3)
    ]
    assert [times[0] for times in found] == [
        local(months_before(NOW, n)) for n in range(3)
    ]
    assert sorted(chain.from_iterable(found)) == sorted(map(local, instants(NOW)))
    for n in (3, 26, 400, 999_999_999):
        assert document(browser, f"{PATHS[2]}/{n}") == []


@pytest.mark.parametrize(
    ("instant", "month"),
    [
        (datetime(2026, 3, 31, 21, 59, 59, tzinfo=UTC), 1),
        (datetime(2026, 3, 31, 22, 0, 0, tzinfo=UTC), 0),
    ],
)
def test_a_month_begins_at_local_midnight(
    browser: Client, han: Gateway, instant: datetime, month: int
) -> None:
    """April begins at 22:00 UTC."""
    record(han, datetime(2026, 3, 31, 12, 0, tzinfo=UTC))
    with time_machine.travel(instant, tick=False):
        found = document(browser, f"{PATHS[2]}/{1 - month}")
    assert [r["timestamp_nom"] for r in found] == ["2026-03-31T14:00:00+02:00"]


# 7


@pytest.mark.parametrize("user", PROFILES)
def test_contracts(browser: Client, user: str) -> None:
    """Every contract answers, without null and without empty names."""
    contracts = document(browser, "/json/metering/derived", user)
    assert contracts == [f"{profile}.{HUID}.sm" for profile in PROFILES[user]]
    for id_ in contracts:
        found = document(browser, f"/json/metering/derived/{id_}", user)
        assert found["logical_name"] == id_
        assert found["taf_type"] in {"TAF-1", "TAF-7"}
        assert found["user_domain"] == user
        assert [METERS[meter] for meter in found["sensor_domains"]] == [user]
        assert found["validity_start"] == months_before(NOW, 2).timestamp()
        assert found["validity_end"] == 0
        assert all(value not in (None, "") for value in found.values())
        for name in ("capture_period", "active_tariff", "validity_start"):
            assert type(found[name]) is int


def test_billing_periods(browser: Client) -> None:
    """Newest first, one second after the one before, with the planned end."""
    firsts = [months_before(NOW, n) for n in range(-1, 3)]
    for contract in (TAF1, TAF7):
        found = document(browser, f"/json/metering/derived/{contract}/billingperiods")
        assert found == [
            {"start": local(begin + timedelta(seconds=1)), "end": local(end)}
            for end, begin in pairwise(firsts)
        ]


@pytest.mark.req("R123")
def test_a_closed_period_holds_the_state_at_its_end(browser: Client) -> None:
    """R123: the value at the begin belongs to the period before."""
    (found,) = document(browser, f"/json/metering/derived/{TAF1}/billingperiods/1")
    assert found["timestamp_nom"] == local(months_before(NOW, 0))
    begin = document(browser, f"/json/metering/derived/{TAF7}/billingperiods/0")[0]
    assert begin["timestamp_nom"] != local(months_before(NOW, 0))


def test_the_current_period_holds_the_state_of_now(browser: Client) -> None:
    """TRuDI reads the current registers from period 0."""
    for contract in (TAF1, TAF7):
        path = f"/json/metering/derived/{contract}/billingperiods/0"
        assert document(browser, path)[-1]["timestamp_nom"] == local(LAST)


# 8


def test_the_consumer_log(browser: Client, han: Gateway) -> None:
    """Ascending, five levels, an outcome that TRuDI understands; months as above."""
    may = NOW - timedelta(days=40)
    log_event(
        han,
        Event.VALUES_SENT,
        "96",
        "x",
        "y",
        now=may,
        consumers=["hks2"],
        recipient="emt-0001",
        profile="hks2-taf7",
    )
    (sent,) = document(browser, "/json/conlogbook/1")
    assert sent["timestamp"] == local(may)
    assert (sent["recipient"], sent["profile"]) == ("emt-0001", "hks2-taf7")
    found = document(browser, "/json/conlogbook/0")
    numbers = [entry["recordnumber"] for entry in found]
    assert numbers == sorted(numbers)
    for entry in found:
        assert entry["level"] in {"INFO", "WARNING", "ERROR", "FATAL", "EXTENSION"}
        assert re.search("erfolg|fehl", entry["outcome"], re.IGNORECASE)
        assert entry["text"] and entry["vendor"] == "flc" and entry["repetition"] == 1
    assert document(browser, "/json/conlogbook/30") == []


# 9: test_isolation.py


def test_system_informations(browser: Client, han: Gateway) -> None:
    assert document(browser, "/json/systeminformations") == {
        "firmwareversion": han.firmware_version,
        "huid": HUID,
        "systemtime": "2026-06-22T15:07:52+02:00",
    }


def test_a_meter_is_found_by_every_form_of_its_id(browser: Client) -> None:
    """D9: upper case and the hex form of the manual's figure too."""
    expected = document(browser, f"/json/metering/origin/{METER}")
    for form in (METER.upper(), "0a01454d480000000001"):
        assert document(browser, f"/json/metering/origin/{form}") == expected


@pytest.mark.req("R125")
def test_a_record_verifies_with_its_text_and_signature(browser: Client) -> None:
    """R125, D56: our extension gives all that checking a signature needs."""
    found = document(browser, RECORD)
    key = public_key(certificate_by_ski(found["signer_ski"]))
    verify(key, bytes.fromhex(found["signature"]), found["signed_text"].encode())
    head, *lines = found["signed_text"].split("\n")
    assert head == (
        f"casa-record-v1 {HUID} {METER} 2026-06-22T13:00:00Z "
        "2026-06-22T13:00:01Z 0000000500000004"
    )
    assert [
        f"{v['logical_name'][:12]} {v['value']} {v['scaler']} {v['unit']}"
        for v in found["values"]
    ] == lines
    assert {v["signature"] for v in found["values"]} == {found["signature"]}


@pytest.mark.req("R65")
def test_the_certificate_is_the_one_of_the_portal(browser: Client) -> None:
    """R65: the same file below /json/ and by the portal's button."""
    answer = fetch(browser, "/json/certificate/signature")
    assert answer["Content-Type"] == "application/x-pem-file"
    assert body(answer).startswith(b"-----BEGIN CERTIFICATE-----")
    assert body(answer) == body(browser.get("/signatur-zertifikat/"))
