"""From the bytes on the bus to what a consumer downloads, in one process.

Simulated meters answer real frames; what comes out on the HAN is compared with their
registers, to the last digit, and its signatures are checked by stock openssl.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from hardware.gateway import Gateway
from tests.flows.home import IMPORT, OWNERS, PROFILES, Home
from tests.flows.openssl import verifies

pytestmark = pytest.mark.django_db

QUARTER = timedelta(minutes=15)
JANUARY_ENDS = datetime(2026, 1, 31, 23, 0, tzinfo=UTC)
"""The midnight in Berlin before 1 February."""
BEGIN = JANUARY_ENDS - 3 * QUARTER
BOUNDARIES = [BEGIN + n * QUARTER for n in range(5)]
"""Three of January, midnight, one of February."""


@pytest.fixture
def home(gateway: Gateway) -> Home:
    """The home after these quarter hours; the contracts began just before them."""
    start = BEGIN - timedelta(minutes=5)
    home = Home(gateway, now=start, valid_from=start)
    home.run(BOUNDARIES[-1] + timedelta(seconds=2))
    return home


def a_key(moment: datetime) -> str:
    """How paths and signed texts write an instant."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def original(client: Client, meter: str, target_time: datetime) -> dict[str, Any]:
    """A record of the original list from the JSON interface."""
    path = f"/json/metering/origin/{meter}/record/{a_key(target_time)}"
    answer = client.get(path)
    assert answer.status_code == 200, path
    return json.loads(answer.getvalue())  # type: ignore[no-any-return]


def period_file(client: Client, profile: str, number: int) -> dict[str, Any]:
    """The JSON file of a billing period, 0 being the newest."""
    answer = client.get(f"/messwertliste/{profile}/{number}/json/")
    assert answer.status_code == 200
    return json.loads(answer.getvalue())  # type: ignore[no-any-return]


def values(record: dict[str, Any]) -> dict[str, int]:
    """Register -> its integer, all in 0.1 Wh."""
    assert {(v["scaler"], v["unit"]) for v in record["values"]} <= {(-1, 30)}
    return {v["logical_name"][:12]: int(v["value"]) for v in record["values"]}


def instants(record: dict[str, Any]) -> tuple[datetime, datetime]:
    """Target and capture time, UTC."""
    return instant(record["timestamp"]), instant(record["capture_time"])


def instant(text: str) -> datetime:
    """A local time with offset as UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)


def all_originals(home: Home) -> Iterator[tuple[str, datetime, dict[str, Any]]]:
    for meter, owner in OWNERS.items():
        client = home.browser(owner)
        for boundary in BOUNDARIES:
            yield meter, boundary, original(client, meter, boundary)


@pytest.mark.req("R22", "R31")
def test_the_original_list_holds_what_the_meters_counted(home: Home) -> None:
    """R22, R31: one record per meter and quarter hour with all its registers, to the
    last digit, under its target time and the time it was really captured."""
    for meter, boundary, record in all_originals(home):
        target, capture = instants(record)
        assert target == boundary
        assert timedelta() <= capture - target <= timedelta(seconds=2)
        assert values(record) == home.truth(meter, capture)


@pytest.mark.req("R22", "R64", "R65")
def test_stock_openssl_finds_every_original_signature_good(
    home: Home, tmp_path: Path
) -> None:
    """R22, R64, R65: text and signature of the JSON record, certificate as downloaded;
    a text with another scaler is found out."""
    certificate = home.browser("hks2").get("/signatur-zertifikat/").getvalue()
    for meter, boundary, record in all_originals(home):
        text = record["signed_text"]
        target, capture = map(a_key, instants(record))
        head = f"casa-record-v1 {home.gateway.huid} {meter} {target} {capture} "
        assert text.startswith(head)
        counted = [f"{obis} {n} -1 30" for obis, n in sorted(values(record).items())]
        assert text.split("\n")[1:] == counted
        signature = bytes.fromhex(record["signature"])
        assert verifies(tmp_path, text.encode(), signature, certificate), boundary
        forged = text.replace(" -1 30", " 0 30").encode()
        assert not verifies(tmp_path, forged, signature, certificate)


@pytest.mark.req("R46")
def test_the_taf7_list_shows_the_same_values(home: Home) -> None:
    """R46: the closed month; the profile of one register shows just this one."""
    client = home.browser("hks2")
    for profile in ("hks2-taf7-1", "hks2-taf7-2"):
        _taf, inputs = PROFILES[profile]
        named = {obis for _meter, obis in inputs}
        ((meter, _obis), *_more) = inputs
        rows = period_file(client, profile, number=1)["readings"]
        assert [instants(row)[0] for row in rows] == BOUNDARIES[:4]
        for row in rows:
            truth = home.truth(meter, instants(row)[1])
            assert values(row) == {obis: truth[obis] for obis in named}


@pytest.mark.req("R39")
def test_the_taf1_result_of_the_closed_month_is_the_sum_of_the_registers(
    home: Home,
) -> None:
    """R39: the initial reading and that of midnight, summed over both meters."""
    for profile, consumer in (("hks2-taf1", "hks2"), ("nachbar-taf1", "nachbar")):
        _taf, inputs = PROFILES[profile]
        rows = period_file(home.browser(consumer), profile, number=1)["readings"]
        assert [instants(row)[0] for row in rows] == [BEGIN, JANUARY_ENDS]
        for row in rows:
            total = sum(home.truth(m, instants(row)[1])[IMPORT] for m, _ in inputs)
            assert values(row) == {IMPORT: total}


@pytest.mark.req("R22", "R65")
def test_the_files_of_a_derived_record_verify_by_stock_openssl(
    home: Home, tmp_path: Path
) -> None:
    """R22, R65: text, signature and certificate as the portal gives them as files."""
    client = home.browser("hks2")
    for profile in ("hks2-taf1", "hks2-taf7-1", "hks2-taf7-2"):
        base = f"/messwertliste/{profile}/wert/{a_key(JANUARY_ENDS)}"
        text, signature, certificate = (
            client.get(f"{base}/{name}/").getvalue()
            for name in ("text", "signatur", "zertifikat")
        )
        subject = "1emh0000000001" if profile == "hks2-taf7-1" else profile
        assert text.split(b" ")[2].decode() == subject
        assert verifies(tmp_path, text, signature, certificate)


@pytest.mark.req("R32")
def test_the_short_json_form_says_the_same_in_kwh(home: Home) -> None:
    """R32: six decimals, exact."""
    meter = "1emh0000000001"
    answer = home.browser("hks2").get(f"/json/metering/origin/{meter}/0")
    rows = json.loads(answer.getvalue())
    assert [instant(row["timestamp_nom"]) for row in rows] == BOUNDARIES[3:]
    for row in rows:
        truth = home.truth(meter, instant(row["timestamp_act"]))
        for obis, amount in truth.items():
            assert row[obis] == f"{Decimal(amount) / 10000:.6f} kWh"
