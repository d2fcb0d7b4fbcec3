"""Meters that nobody has configured are listed, within limits."""

from datetime import timedelta

import pytest

from hardware.gateway import Gateway
from hardware.wmbus_address import MeterAddress
from meters.models import UnknownMeter
from meters.neighbours import Neighbours
from meters.unknown_meters import KEPT, note_unknown, unknown_meters
from tests.meters.builders import NOON, a_meter

pytestmark = pytest.mark.django_db
PORT = "/dev/bus"


@pytest.mark.req("R28")
def test_the_list_of_a_port_does_not_grow_without_end() -> None:
    """R28: unknown meters are listed; one that lies about its id cannot fill it."""
    for hour in range(5):
        heard = [bytes([hour, n]) for n in range(100)]
        note_unknown(PORT, heard, now=NOON + timedelta(hours=hour))
    note_unknown("/dev/other", [b"another"], now=NOON)
    assert UnknownMeter.objects.filter(port=PORT).count() == KEPT
    assert UnknownMeter.objects.filter(port="/dev/other").exists()
    oldest = UnknownMeter.objects.filter(port=PORT).order_by("seen_at")[0]
    assert oldest.seen_at == NOON + timedelta(hours=2)


def test_one_that_was_configured_meanwhile_is_not_unknown(gateway: Gateway) -> None:
    meter = a_meter(gateway, "1emh0000000001")
    note_unknown(PORT, [bytes.fromhex(meter.server_id), b"stranger"], now=NOON)
    assert [one.server_id for one in unknown_meters()] == [b"stranger".hex()]


def test_a_neighbour_is_listed_with_the_strength_of_its_signal() -> None:
    neighbours = Neighbours(PORT)
    address = MeterAddress.of("ELS", "12345678", 0x33, 0x03)
    neighbours.note(address, -71, NOON)
    neighbours.write(NOON)
    (listed,) = UnknownMeter.objects.all()
    assert (listed.server_id, listed.rssi_dbm) == (address.server_id.hex(), -71)
