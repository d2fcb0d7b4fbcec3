"""Setting up consumers and meters: what is taken, what is refused."""

from typing import Any

import pytest

from hardware.gateway import Gateway
from logbooks.models import ConsumerLog, ConsumerLogEntry
from meters.models import Meter
from meters.services import ConsumerInvalid, MeterInvalid, create_consumer
from tests.meters.builders import METER, NOON, a_meter

pytestmark = pytest.mark.django_db
HEX = "0a01454d480000a1bd34"


def test_a_consumer_gets_a_log_of_his_own(gateway: Gateway) -> None:
    consumer = create_consumer(gateway, "meier", name="Meier", auth=["certificate"])
    assert (consumer.password_login, consumer.certificate_login) == (False, True)
    assert ConsumerLog.objects.filter(pk="meier").exists()


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"consumer_id": "Herr Meier"}, "id"),
        ({"consumer_id": ""}, "id"),
        ({"consumer_id": "a" * 33}, "id"),
        ({"consumer_id": "taken"}, "id"),
        ({"consumer_id": "neu", "auth": []}, "auth"),
        ({"consumer_id": "neu", "auth": ["pin"]}, "auth"),
        ({"consumer_id": "neu", "name": "x" * 65}, "name"),
    ],
)
def test_a_consumer_that_cannot_be_is_refused(
    gateway: Gateway, given: dict[str, Any], field: str
) -> None:
    create_consumer(gateway, "taken")
    with pytest.raises(ConsumerInvalid) as refused:
        create_consumer(gateway, given.pop("consumer_id"), **given)
    assert refused.value.field == field


@pytest.mark.req("R20")
@pytest.mark.parametrize("form", [METER, METER.upper(), HEX, HEX.upper(), f" {HEX} "])
def test_a_meter_id_is_taken_in_every_form_and_kept_in_one(
    gateway: Gateway, form: str
) -> None:
    """Addressed by the device id; its hex form is the same meter."""
    meter = a_meter(gateway, form)
    assert (meter.id, meter.server_id, meter.medium) == (METER, HEX, 1)
    assert meter.baudrate == 921_600


@pytest.mark.req("R20")
@pytest.mark.parametrize("again", [METER, METER.upper(), HEX])
def test_two_meters_with_one_id_are_refused(gateway: Gateway, again: str) -> None:
    """Whatever form the second one is given in."""
    a_meter(gateway)
    with pytest.raises(MeterInvalid) as refused:
        a_meter(gateway, again, port="/dev/ttyS1")
    assert refused.value.field == "id"
    assert Meter.objects.count() == 1


@pytest.mark.req("R20")
def test_two_meters_with_one_server_id_are_refused(gateway: Gateway) -> None:
    """They could not be told apart on the wire."""
    a_meter(gateway)
    with pytest.raises(MeterInvalid) as refused:
        a_meter(gateway, "1emh0000000001", server_id=HEX)
    assert refused.value.field == "server_id"


def test_a_server_id_that_does_not_convert_is_stated_beside_the_id(
    gateway: Gateway,
) -> None:
    meter = a_meter(
        gateway, "1itr0000000001", server_id="064954520102", security="plain"
    )
    assert (meter.id, meter.server_id) == ("1itr0000000001", "064954520102")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"meter_id": "zaehler 1"}, "id"),
        ({"meter_id": "0a1b2c3d4e5f6071"}, "server_id"),
        ({"server_id": "xyz"}, "server_id"),
        ({"server_id": "00" * 21}, "server_id"),
        ({"medium": 2}, "medium"),
        ({"source": "telepathy"}, "source"),
        ({"port": ""}, "port"),
        ({"port": "COM1"}, "port"),
        ({"port": "http://meter"}, "port"),
        ({"port": "/dev/" + "x" * 200}, "port"),
        ({"baudrate": 9601}, "baudrate"),
        ({"baudrate": 0}, "baudrate"),
        ({"name": "x" * 65}, "name"),
        ({"registers": ["1.8.0", "voltage"]}, "registers"),
        ({"registers": ["300.8.0"]}, "registers"),
        ({"max_register_value": 0}, "max_register_value"),
        ({"max_register_value": 10**15 + 1}, "max_register_value"),
    ],
)
def test_a_meter_that_cannot_be_is_refused(
    gateway: Gateway, given: dict[str, Any], field: str
) -> None:
    with pytest.raises(MeterInvalid) as refused:
        a_meter(gateway, given.pop("meter_id", METER), **given)
    assert refused.value.field == field
    assert Meter.objects.count() == 0


def test_a_meter_needs_a_consumer_that_exists(gateway: Gateway) -> None:
    from meters.services import create_meter

    with pytest.raises(MeterInvalid) as refused:
        create_meter(
            gateway, METER, consumer="niemand", source="hdlc", port="/dev/x", now=NOON
        )
    assert refused.value.field == "consumer"


@pytest.mark.parametrize("port", ["/dev/ttyUSB0", "/tmp/x/bus", "socket://10.0.0.2:7"])
def test_devices_and_sockets_are_ports(gateway: Gateway, port: str) -> None:
    assert a_meter(gateway, port=port).port == port


def test_wired_meters_share_a_bus_of_one_speed(gateway: Gateway) -> None:
    a_meter(gateway)
    a_meter(gateway, "1emh0000000001")
    with pytest.raises(MeterInvalid) as refused:
        a_meter(gateway, "1emh0000000002", baudrate=9600)
    assert refused.value.field == "baudrate"


@pytest.mark.parametrize(("first", "second"), [("hdlc", "sml_push"), ("sml_push",) * 2])
def test_a_pushing_meter_shares_its_port_with_none(
    gateway: Gateway, first: str, second: str
) -> None:
    a_meter(gateway, source=first)
    with pytest.raises(MeterInvalid) as refused:
        a_meter(gateway, "1emh0000000001", source=second)
    assert refused.value.field == "port"


def test_a_plain_source_is_told_to_its_owner(gateway: Gateway) -> None:
    meter = a_meter(gateway, source="sml_push")
    assert (meter.baudrate, meter.is_plain_source) == (9600, True)
    (entry,) = ConsumerLogEntry.objects.filter(consumer_id="meier")
    assert (entry.event_id, entry.event_sub_id) == (19006, 1)


def test_the_first_digit_of_the_id_gives_the_medium(gateway: Gateway) -> None:
    assert a_meter(gateway, "7emh0000000001").medium == 7
    assert a_meter(gateway, "1emh0000000002", medium=8).medium == 8


@pytest.mark.req("R22")
def test_a_wired_meter_is_plain_only_when_that_is_said(gateway: Gateway) -> None:
    """R22: what is read in plain on the bus is not billing-relevant by itself (D38)."""
    secured = a_meter(gateway)
    assert (secured.security, secured.is_plain_source) == ("tls", False)
    with pytest.raises(MeterInvalid) as refused:
        a_meter(gateway, "1emh0000000009", master_key="")
    assert refused.value.field == "master_key"
    assert not ConsumerLogEntry.objects.filter(event_id=19006).exists()
    plain = a_meter(gateway, "1emh0000000009", security="plain")
    assert (plain.security, plain.is_plain_source) == ("plain", True)
    assert ConsumerLogEntry.objects.filter(event_id=19006).exists()
