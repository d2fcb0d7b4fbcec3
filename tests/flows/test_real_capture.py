"""Telegrams of real meters on a serial line, from `manage apply` to the browser."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hardware.simulator.push import PushThread, capture
from tests.flows.han_client import HanClient
from tests.flows.moved_clock import boundary_in, write_settings
from tests.flows.running import PROJECT, RunningGateway

pytestmark = pytest.mark.slow

BYTE_S = 0.0011
"""A byte at 9,600 baud, 8N1."""

USER, PASSWORD = "meier", "Strom und Wasser 12"
REVERSED_NOT_FOR_BILLING = 0x40000000
"""Bit 1 of the gateway's half; the HAN sends each half with bit 0 first."""


@dataclass(frozen=True, slots=True)
class Played:
    """A capture, and the meter that it is configured as."""

    meter: str
    file: str


METERS = [
    Played("1isk0072657247", "ISKRA_MT631-D2A51-V22-K0z_with_PIN.bin"),
    # Its server id, 080535342d510177, is none of DIN 43863-5: the id is made up.
    Played("1isk0000000001", "ISKRA_server_id_08_issue28.bin"),
]
Frame = dict[str, tuple[int, int, int]]
"""Register -> raw number, scaler and unit."""


def frames_of(captures: dict[str, Any], played: Played) -> list[Frame]:
    """What public decoders found in the capture, frame by frame."""
    return [
        {
            entry["obis_hex"]: (entry["raw"], entry["scaler"], entry["unit"])
            for entry in get_list["entries"]
            if entry["unit"] is not None
        }
        for frame in captures[played.file]["frames"]
        for get_list in frame["get_list"]
    ]


def counters(frame: Frame) -> Frame:
    """The registers of energy (decisions D45)."""
    return {
        obis: register
        for obis, register in frame.items()
        if obis[6:8] == "08" and obis[10:] == "ff" and register[2] == 30
    }


def kwh(register: tuple[int, int, int]) -> str:
    """The amount with six decimals, cut."""
    raw, scaler, _unit = register
    return f"{Decimal(raw).scaleb(scaler - 3):.6f}"


@pytest.fixture(scope="module")
def captures(shared: Path) -> dict[str, Any]:
    """expected.json by file."""
    document = json.loads((shared / "testdata/sml/expected.json").read_text())
    return {found["file"]: found for found in document["captures"]}


def a_document(captures: dict[str, Any], ports: dict[str, str]) -> dict[str, Any]:
    """The file for `manage apply`: one consumer, a meter on each port, a contract."""
    meters = []
    for played in METERS:
        (first, *_rest) = captures[played.file]["frames"]
        meters.append(
            {
                "id": played.meter,
                "consumer": USER,
                "source": "sml_push",
                "port": ports[played.meter],
                "server_id": first["get_list"][0]["server_id"],
                "allow_unsecured_billing": True,
            }
        )
    contract = {
        "id": "meier-taf7",
        "taf": 7,
        "consumer": USER,
        "inputs": [{"meter": METERS[0].meter, "obis": "1-0:1.8.0*255"}],
    }
    return {
        "consumers": [{"id": USER, "password": PASSWORD}],
        "meters": meters,
        "profiles": [contract],
    }


def manage_apply(state: Path, document: dict[str, Any]) -> None:
    file = state.parent / "meier.json"
    file.write_text(json.dumps(document))
    words = ["-m", "casa_site", "manage", "--state", str(state), "apply", str(file)]
    done = subprocess.run(
        [sys.executable, *words], cwd=PROJECT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@dataclass(frozen=True, slots=True)
class Read:
    """A running gateway that has taken a quarter hour."""

    client: HanClient
    contract: str


@pytest.fixture(scope="module")
def read(
    captures: dict[str, Any], shared: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Read]:
    """The captures played in a loop, byte by byte, over one quarter hour."""
    state = tmp_path_factory.mktemp("real") / "state"
    clock, _boundary = boundary_in(12)
    write_settings(state, clock)
    with ExitStack() as stack:
        ports = {}
        for played in METERS:
            data = (shared / "testdata/sml/captures" / played.file).read_bytes()
            script = capture(data, pause_s=BYTE_S, is_endless=True)
            ports[played.meter] = stack.enter_context(PushThread(script)).port
        manage_apply(state, a_document(captures, ports))
        gateway = stack.enter_context(RunningGateway(state, "--no-demo"))
        gateway.wait_for("CASA ready")
        client = HanClient(gateway.url, USER, PASSWORD)
        paths = [f"/metering/origin/{played.meter}/0" for played in METERS]
        gateway.wait_until(
            lambda: all(client.json(path) for path in paths), "a record of each meter"
        )
        contract = f"/metering/derived/{client.json('/metering/derived')[0]}"
        gateway.wait_until(
            lambda: client.json(f"{contract}/billingperiods/0"), "a row of the contract"
        )
        yield Read(client, contract)


@pytest.mark.parametrize("played", METERS, ids=lambda played: played.meter)
def test_a_played_capture_is_in_the_original_list(
    read: Read, captures: dict[str, Any], played: Played
) -> None:
    """Its counters, exactly; marked as not for billing, for the line is a plain one."""
    (record,) = read.client.json(f"/metering/origin/{played.meter}/0")
    shown = {name: text for name, text in record.items() if len(name) == 12}
    expected = [
        {obis: f"{kwh(register)} kWh" for obis, register in counters(frame).items()}
        for frame in frames_of(captures, played)
    ]
    assert shown in expected
    assert int(record["status"][:8], 16) & REVERSED_NOT_FOR_BILLING


@pytest.mark.parametrize("played", METERS, ids=lambda played: played.meter)
def test_the_latest_telegram_stands_under_extended_to_the_last_digit(
    read: Read, captures: dict[str, Any], played: Played
) -> None:
    document = read.client.json(f"/metering/origin/{played.meter}/extended")
    shown = {
        value["logical_name"].removesuffix(f".{played.meter}.sm"): (
            int(value["value"]),
            value["scaler"],
            value["unit"],
        )
        for value in document["values"]
    }
    assert shown in frames_of(captures, played)
    assert int(document["status"][:8], 16) & REVERSED_NOT_FOR_BILLING


def test_the_start_page_shows_both_meters(read: Read, captures: dict[str, Any]) -> None:
    page = read.client.page("/")
    for played in METERS:
        (first, *_rest) = captures[played.file]["frames"]
        assert first["get_list"][0]["server_id"] in page
        shown = [
            all(f"{german(r)} kWh" in page for r in counters(frame).values())
            for frame in frames_of(captures, played)
        ]
        assert any(shown)


def test_the_contract_lists_the_record_where_the_lab_is_allowed(
    read: Read, captures: dict[str, Any]
) -> None:
    """`allow_unsecured_billing` of the meter (decisions D38); one register only."""
    (row,) = read.client.json(f"{read.contract}/billingperiods/0")
    assert {name for name in row if len(name) == 12} == {"0100010800ff"}
    frames = frames_of(captures, METERS[0])
    amounts = {f"{kwh(frame['0100010800ff'])} kWh" for frame in frames}
    assert row["0100010800ff"] in amounts


def german(register: tuple[int, int, int]) -> str:
    """As pages write it: 23.163,627000."""
    whole, _, decimals = kwh(register).partition(".")
    return f"{int(whole):,}".replace(",", ".") + f",{decimals}"
