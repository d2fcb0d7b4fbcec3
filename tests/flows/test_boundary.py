"""A running gateway at a quarter hour: read in time, exact, in sight, and only his."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from casa_site.demo.plan import CONSUMERS, HUID, DemoMeter, all_meters
from hardware.readings import RegisterValue
from tests.flows.han_client import HanClient, demo_client
from tests.flows.long_life import LongLife
from tests.flows.openssl import verifies

pytestmark = pytest.mark.slow

ONE_SECOND = timedelta(seconds=1)
IMPORT = "0100010800ff"
FOREIGN, MISSING = "1emh0000000003", "1emh0000000009"


@dataclass(frozen=True, slots=True)
class Passed:
    """A gateway that has passed a quarter hour, and its consumers' clients."""

    boundary: datetime
    clients: dict[str, HanClient]

    def records(self, meter: str) -> list[dict[str, Any]]:
        """The signed records of the boundary; read by the meter's owner."""
        (owner,) = (c.id for c in CONSUMERS if meter in [m.id for m in c.meters])
        key = f"{self.boundary:%Y-%m-%dT%H:%M:%SZ}"
        answer = self.clients[owner].get(f"/metering/origin/{meter}/record/{key}")
        return [answer.json()] if answer.status_code == 200 else []


@pytest.fixture(scope="module")
def passed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Passed]:
    """The demo, started some seconds before a quarter hour."""
    life = LongLife(tmp_path_factory.mktemp("boundary") / "state", history_days=1)
    with life.start() as passing:
        clients = {
            consumer.id: demo_client(passing.gateway, consumer.id)
            for consumer in CONSUMERS
        }
        passed = Passed(passing.boundary, clients)
        passing.gateway.wait_until(
            lambda: all(passed.records(meter.id) for meter in all_meters()),
            "a record of each meter",
        )
        yield passed


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def possible(meter: DemoMeter, record: dict[str, Any]) -> list[list[tuple[str, int]]]:
    """The stands at the seconds in which the meter may have answered.

    It takes its registers when it is asked, not before the boundary; the record says
    when the answer came, cut to the second, which may have begun meanwhile.
    """
    target, captured = instant(record["timestamp"]), instant(record["capture_time"])
    seconds = {captured, max(target, captured - ONE_SECOND)}
    simulated = meter.simulated()
    return [shown(simulated.counters_at(second)) for second in sorted(seconds)]


def shown(registers: tuple[RegisterValue, ...]) -> list[tuple[str, int]]:
    return [(r.obis.logical_name, r.value) for r in registers]


def test_every_meter_is_read_within_two_seconds(passed: Passed) -> None:
    for meter in all_meters():
        (record,) = passed.records(meter.id)
        assert instant(record["timestamp"]) == passed.boundary
        late = instant(record["capture_time"]) - passed.boundary
        assert timedelta() <= late <= 2 * ONE_SECOND


def test_the_values_are_the_registers_of_that_second(passed: Passed) -> None:
    for meter in all_meters():
        (record,) = passed.records(meter.id)
        values = [(v["logical_name"][:12], int(v["value"])) for v in record["values"]]
        assert values in possible(meter, record)
        assert {(v["scaler"], v["unit"]) for v in record["values"]} == {(-1, 30)}


@pytest.mark.req("R22", "R65")
def test_stock_openssl_finds_the_signatures_good(
    passed: Passed, tmp_path: Path
) -> None:
    """R22, R65: with the certificate as it is downloaded."""
    certificate = passed.clients["hks2"].get("/certificate/signature").content
    for meter in all_meters():
        (record,) = passed.records(meter.id)
        signature = bytes.fromhex(record["signature"])
        assert verifies(
            tmp_path, record["signed_text"].encode(), signature, certificate
        )


@pytest.mark.req("R46")
def test_the_course_of_taf7_has_the_row(passed: Passed) -> None:
    """R46: the row of the boundary, with the same values as the record."""
    for consumer in CONSUMERS:
        for number, meter in enumerate(consumer.meters, 1):
            contract = f"{consumer.id}-taf7-{number}.{HUID}.sm"
            path = f"/metering/derived/{contract}/billingperiods/0"
            rows = passed.clients[consumer.id].json(path)
            (row,) = (r for r in rows if instant(r["timestamp_nom"]) == passed.boundary)
            (record,) = passed.records(meter.id)
            assert row["timestamp_act"] == record["capture_time"]
            for value in record["values"]:
                amount = f"{Decimal(value['value']) / 10000:.6f} kWh"
                assert row[value["logical_name"][:12]] == amount


@pytest.mark.req("R93")
@pytest.mark.parametrize(
    "path",
    [
        "/metering/origin/{meter}",
        "/metering/origin/{meter}/0",
        "/metering/origin/{meter}/extended",
        f"/metering/derived/{{profile}}.{HUID}.sm",
        f"/metering/derived/{{profile}}.{HUID}.sm/billingperiods/0",
    ],
)
def test_what_is_anothers_is_like_what_does_not_exist(
    passed: Passed, path: str
) -> None:
    """R93: on the wire too, the whole answer is the same; the owner gets it."""
    client = passed.clients["hks2"]
    foreign = client.get(path.format(meter=FOREIGN, profile="nachbar-taf1"))
    missing = client.get(path.format(meter=MISSING, profile="missing"))
    assert foreign.status_code == missing.status_code == 404
    assert foreign.content == missing.content
    assert headers(foreign) == headers(missing)
    own = path.format(meter=FOREIGN, profile="nachbar-taf1")
    assert passed.clients["nachbar"].get(own).status_code == 200


def headers(answer: Any) -> dict[str, str]:
    return {name: text for name, text in answer.headers.items() if name != "date"}
