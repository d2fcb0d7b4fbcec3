"""Setting up wireless meters: address, key, security, stick, rows of the table."""

import pytest

from hardware.gateway import Gateway
from hardware.obis import Obis
from meters.configuration_errors import MeterInvalid
from meters.credential_store import master_keys
from meters.interface import interface_specs
from meters.models import Meter
from tests.meters.builders import a_meter

pytestmark = pytest.mark.django_db
GAS = "9315785634123303"
KEY = "000102030405060708090a0b0c0d0e0f"
RULE = {"dib": "0C", "vib": "14", "obis": "7-0:3.1.0*255"}


def a_wireless_meter(gateway: Gateway, meter_id: str = GAS, **changes: object) -> Meter:
    given = {"stick": "im871a", "master_key": KEY, "port": "/dev/radio", **changes}
    given = {name: value for name, value in given.items() if value is not None}
    return a_meter(gateway, meter_id, source="wmbus", **given)


@pytest.mark.req("R20", "R21")
def test_everything_follows_from_address_and_key(gateway: Gateway) -> None:
    """R20, R21: medium, server id, speed of the stick; mode 7 is demanded."""
    meter = a_wireless_meter(gateway)
    assert (meter.server_id, meter.medium) == ("01" + GAS, 7)
    assert (meter.baudrate, meter.security) == (57_600, "mode7")
    assert not meter.is_plain_source
    keys = master_keys(gateway, [bytes.fromhex(meter.server_id)])
    assert keys == {bytes.fromhex("01" + GAS): bytes.fromhex(KEY)}
    (spec,) = interface_specs([meter])
    assert (spec.meters[0].stick, spec.meters[0].security) == ("im871a", "mode7")


def test_an_address_that_is_unique_in_range_only_is_the_same_meter(
    gateway: Gateway,
) -> None:
    meter = a_wireless_meter(gateway, "9395785634123303")  # bit 15 of the maker is set
    assert meter.id == GAS


@pytest.mark.parametrize("stated", [GAS, "01" + GAS, GAS.upper()])
def test_an_id_of_14_characters_states_its_address(
    gateway: Gateway, stated: str
) -> None:
    meter = a_wireless_meter(gateway, "7els5112345678", server_id=stated)
    assert (meter.id, meter.server_id) == ("7els5112345678", "01" + GAS)
    assert meter.medium == 7


@pytest.mark.parametrize("security", ["mode5", "ctr"])
def test_less_than_mode_7_is_not_for_billing(gateway: Gateway, security: str) -> None:
    assert a_wireless_meter(gateway, security=security).is_plain_source


def test_plain_needs_no_key_and_has_none(gateway: Gateway) -> None:
    assert a_wireless_meter(gateway, security="plain", master_key=None).is_plain_source
    with pytest.raises(MeterInvalid, match="master_key"):
        a_wireless_meter(gateway, "2d4d040000000103", security="plain")


def test_rows_of_the_table_are_taken_over(gateway: Gateway) -> None:
    (spec,) = interface_specs([a_wireless_meter(gateway, obis_rules=[RULE])])
    (rule,) = spec.meters[0].obis_rules
    assert (rule.head, Obis.parse(rule.obis).logical_name) == (
        b"\x0c\x14",
        "0700030100ff",
    )


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("stick", {"stick": None}),
        ("stick", {"stick": "rfm69"}),
        ("security", {"security": "tls"}),
        ("security", {"security": "mode13"}),
        ("master_key", {"master_key": None}),
        ("master_key", {"master_key": "00"}),
        ("server_id", {"server_id": "0a01454d480000a1bd34"}),
        ("server_id", {"server_id": "2d4d040000000103"}),
        ("server_id", {"meter_id": "7els5112345678"}),
        ("server_id", {"meter_id": "7els5112345678", "server_id": "zz"}),
        ("medium", {"medium": 2}),
        ("medium", {"meter_id": "9315785634123308"}),
        ("obis_rules", {"obis_rules": [{"dib": "0C", "vib": "14"}]}),
        ("obis_rules", {"obis_rules": [{**RULE, "dib": "x"}]}),
        ("obis_rules", {"obis_rules": [RULE] * 65}),
        ("baudrate", {"baudrate": 12_345}),
    ],
)
def test_what_cannot_be_is_refused(
    gateway: Gateway, field: str, changes: dict[str, object]
) -> None:
    with pytest.raises(MeterInvalid) as refused:
        a_wireless_meter(gateway, **changes)
    assert refused.value.field == field
    assert not Meter.objects.exists()


def test_two_kinds_of_sticks_do_not_fit_one_port(gateway: Gateway) -> None:
    a_wireless_meter(gateway)
    with pytest.raises(MeterInvalid, match="stick"):
        a_wireless_meter(gateway, "2d4d040000000103", stick="cul", baudrate=57_600)
    assert a_wireless_meter(gateway, "2d4d040000000103").port == "/dev/radio"


def test_a_wired_meter_has_no_stick(gateway: Gateway) -> None:
    for field, value in (("stick", "cul"), ("obis_rules", [RULE])):
        with pytest.raises(MeterInvalid) as refused:
            a_meter(gateway, source="sml_push", **{field: value})
        assert refused.value.field == field
