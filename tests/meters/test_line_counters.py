"""What passes at each port is counted and left for the technician."""

from datetime import timedelta
from typing import Any

import pytest

from hardware.errors import PortNotOpen
from hardware.gateway import Gateway
from hardware.link import supply_is_overloaded
from meters.line_counters import LineCounters, read_counters
from tests.meters.builders import NOON, SetClock, with_clock


class OneLink:
    """A link that gives one answer."""

    def __init__(self) -> None:
        self.is_closed = False
        self.answers = [b"abc", b""]

    def write(self, data: bytes) -> None:
        pass

    def read(self, timeout_s: float) -> bytes:
        return self.answers.pop(0)

    def set_baudrate(self, baudrate: int) -> bool:
        return baudrate == 300

    def close(self) -> None:
        self.is_closed = True


class Ports:
    """One port that is there, and none else."""

    def __init__(self) -> None:
        self.link = OneLink()

    def open(self, port: str, _baudrate: int) -> Any:
        if port != "/dev/there":
            raise PortNotOpen("not there")
        return self.link


@pytest.mark.req("R5")
def test_state_and_counters_of_each_port_are_written_down(gateway: Gateway) -> None:
    """R5: interfaces can be listed with their state and counters."""
    gateway = with_clock(gateway)
    assert isinstance(gateway.clock, SetClock)
    ports = Ports()
    lines = LineCounters(gateway, ports.open)
    assert read_counters(gateway.state) == {}
    link = lines.open("/dev/there", 9600)
    for _ in range(2):
        with pytest.raises(PortNotOpen):
            lines.open("/dev/gone", 9600)
    link.write(b"12345")
    assert [link.read(1), link.read(1)] == [b"abc", b""]
    lines.write(NOON)
    assert read_counters(gateway.state) == {
        "/dev/there": {
            "is_open": True,
            "opened": 1,
            "failed": 0,
            "sent_bytes": 5,
            "received_bytes": 3,
            "received_at": "2026-03-03T12:00:00Z",
        },
        "/dev/gone": {
            "is_open": False,
            "opened": 0,
            "failed": 2,
            "sent_bytes": 0,
            "received_bytes": 0,
            "received_at": None,
        },
    }


def test_bytes_are_told_now_and_then_and_a_lost_port_at_once(gateway: Gateway) -> None:
    gateway = with_clock(gateway)
    lines = LineCounters(gateway, Ports().open)
    link = lines.open("/dev/there", 9600)
    lines.write(NOON)
    link.write(b"12345")
    lines.write(NOON + timedelta(seconds=29))
    assert read_counters(gateway.state)["/dev/there"]["sent_bytes"] == 0
    lines.write(NOON + timedelta(seconds=30))
    assert read_counters(gateway.state)["/dev/there"]["sent_bytes"] == 5
    link.close()
    lines.write(NOON + timedelta(seconds=31))
    assert not read_counters(gateway.state)["/dev/there"]["is_open"]


def test_a_counted_link_can_do_what_its_link_can(gateway: Gateway) -> None:
    ports = Ports()
    link: Any = LineCounters(with_clock(gateway), ports.open).open("/dev/there", 300)
    assert link.set_baudrate(300)
    assert not supply_is_overloaded(link)
    ports.link.supply_is_overloaded = lambda: True  # type: ignore[attr-defined]
    assert supply_is_overloaded(link)
    link.close()
    assert ports.link.is_closed
