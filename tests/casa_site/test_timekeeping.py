"""The gateway follows a real time server over TLS, through the task's own path."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from casa_site import timekeeping
from casa_site.demo import time_server
from casa_site.demo.parties import lab_folder
from hardware import rtc
from hardware.clock import GatewayClock
from hardware.gateway import Gateway
from hardware.simulator.time_server import Mischief, TimeServerState, running
from logbooks.models import CalibrationLogEntry, SystemLogEntry, TimeState
from logbooks.time_rules import Action

pytestmark = pytest.mark.django_db(transaction=True)


def s(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


@pytest.fixture
def files(gateway: Gateway) -> tuple[Path, Path]:
    """Keys and certificate of the demo's time server; the gateway knows the latter."""
    time_server.install(gateway, now=datetime.now(UTC))
    folder = gateway.state / "demo" / "time"
    return folder / "server.pem", folder / "server.key"


@pytest.mark.req("R69", "R155")
def test_the_demos_time_server_has_its_certificate_by_the_demos_pki(
    gateway: Gateway, files: tuple[Path, Path]
) -> None:
    """R69: like every other partner on the WAN; once made it stays."""
    lab = lab_folder(gateway.state)
    shown = x509.load_pem_x509_certificate(files[0].read_bytes())
    shown.verify_directly_issued_by(lab.authority().certificate)
    constraints = shown.extensions.get_extension_for_class(x509.BasicConstraints)
    assert not constraints.value.ca
    time_server.install(gateway, now=datetime.now(UTC))
    assert bytes(TimeState.objects.get().certificate) == shown.public_bytes(
        Encoding.DER
    )


def point_at(address: tuple[str, int]) -> None:
    TimeState.objects.update(
        host=address[0], port=address[1], next_poll_at=datetime.now(UTC)
    )


@pytest.mark.req("R155", "R156")
def test_the_gateway_follows_its_time_server(
    gateway: Gateway, files: tuple[Path, Path]
) -> None:
    """From a connection over TLS to a clock that is right; each jump is logged."""
    state = TimeServerState(GatewayClock().now, error=s(20))
    with running(state, files) as address:
        point_at(address)
        assert timekeeping.keep_time(gateway) is Action.STEP
        assert abs(gateway.clock.offset - s(20)) < s(0.5)
        assert timekeeping.keep_time(gateway) is None  # not due
        state.error = s(-60)
        point_at(address)
        assert timekeeping.keep_time(gateway) is Action.SET
    assert abs(gateway.clock.offset - s(-60)) < s(0.5)
    events = CalibrationLogEntry.objects.order_by("number").values_list("event_id")
    assert [event for (event,) in events] == [13003, 13005, 13002]
    assert state.asked == 2


@pytest.mark.req("R155")
def test_what_a_faulty_server_says_changes_nothing_but_the_log(
    gateway: Gateway, files: tuple[Path, Path]
) -> None:
    """1500042 in the system log; asked again after a minute."""
    state = TimeServerState(GatewayClock().now, s(500), Mischief.WRONG_COOKIE)
    with running(state, files) as address:
        point_at(address)
        assert timekeeping.keep_time(gateway) is None
    assert gateway.clock.offset == s(0)
    assert SystemLogEntry.objects.get().event_id == 1500042
    assert TimeState.objects.get().failures == 1


def test_the_look_at_the_time_is_a_sign_of_life(gateway: Gateway) -> None:
    """Without a time service too; it costs one change of a file's date."""
    timekeeping.keep_time(gateway)
    seen = rtc.last_beat(gateway.state)
    assert seen is not None
    assert abs(seen - datetime.now(UTC)) < s(1)


@pytest.mark.req("R157")
def test_a_start_takes_the_time_from_the_clock_that_ran_on(
    gateway: Gateway, files: tuple[Path, Path]
) -> None:
    """With a fresh sign of life it is good; without one the time is invalid."""
    assert not timekeeping.begin_time(gateway)
    assert not gateway.clock.is_valid
    with running(TimeServerState(GatewayClock().now), files) as address:
        point_at(address)
        assert timekeeping.keep_time(gateway) is Action.SET_FIRST
    assert timekeeping.begin_time(gateway)
    assert gateway.clock.source == "rtc"
