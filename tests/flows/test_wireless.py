"""A wireless meter all the way: applied, heard, listed in TAF7, seen by its owner."""

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from gwa_api.apply import apply
from hardware.gateway import Gateway
from hardware.simulator.scenario import Fault, FaultKind, Scenario
from hardware.simulator.wireless_meter import SimulatedWirelessMeter
from logbooks.certificates import ensure_signature_certificate
from meters.integrity import verify_list
from meters.models import OriginalRecord
from tariffs.calendar import Period
from tariffs.selectors import period_rows, profile_of
from tariffs.services import evaluate_due
from tests.meters.builders import NOON
from tests.meters.radio_plant import PORT, RadioPlant, a_sender

pytestmark = pytest.mark.django_db
QUARTER = timedelta(minutes=15)
MINUTE = timedelta(minutes=1)
REGISTER = "7-0:3.0.0*255"


def a_document(sender: SimulatedWirelessMeter) -> dict[str, Any]:
    meter = sender.address.meter_id
    return {
        "consumers": [{"id": "meier"}],
        "meters": [
            {
                "id": meter,
                "consumer": "meier",
                "source": "wmbus",
                "port": PORT,
                "stick": "im871a",
                "master_key": sender.key.hex(),
            }
        ],
        "profiles": [
            {
                "id": "meier-gas",
                "taf": 7,
                "consumer": "meier",
                "inputs": [{"meter": meter, "obis": REGISTER}],
                "valid_from": (NOON - MINUTE).isoformat(),
            }
        ],
    }


@pytest.mark.req("R5", "R9", "R46")
def test_gas_by_radio_is_seen_by_its_owner(gateway: Gateway) -> None:
    """R5, R9, R46: a silence of two boundaries is filled by a profile, in order."""
    sender = a_sender()
    who = sender.address.server_id
    silence = Fault(FaultKind.SILENCE, NOON + 5 * MINUTE, NOON + 35 * MINUTE, who)
    plant = RadioPlant(gateway, [sender], scenario=Scenario([silence]))
    ensure_signature_certificate(plant.gateway, plant.clock.now())
    document = a_document(sender)
    passwords = apply(plant.gateway, document, now=plant.clock.now()).passwords
    assert apply(plant.gateway, document, now=plant.clock.now()).created == {}
    plant.start()
    plant.run(NOON + 50 * MINUTE)
    evaluate_due(plant.gateway, now=plant.clock.now())

    profile = profile_of("meier", "meier-gas")
    assert profile is not None
    rows = list(period_rows(profile, Period(NOON - MINUTE, plant.clock.now())))
    assert [row.target_time for row in rows] == [NOON + n * QUARTER for n in range(4)]
    for row in rows:
        (register,) = sender.registers_at(row.capture_time)
        assert row.registers == f"0700030000ff {register.value} -3 13"
    meter = sender.address.meter_id
    assert verify_list(plant.gateway, OriginalRecord, meter) == []

    client = Client(**{"casa.gateway": plant.gateway})
    login = {"username": "meier", "password": passwords["meier"]}
    assert client.post("/anmelden/", login).status_code == 303
    page = client.get("/").content.decode()
    assert "m³" in page
    answer = json.loads(client.get(f"/json/metering/origin/{meter}/0").getvalue())
    last = sender.registers_at(rows[-1].capture_time)[0]
    assert answer[-1]["0700030000ff"] == f"{Decimal(last.value) / 1000:.6f} m^3"
