"""What each fault code does to the device: its state, its lights, its explanation."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from casa_site import fault_table, led_role, readiness, state_lock
from casa_site.supervisor import SERVICES_FILE
from hardware import device_state_file
from hardware.device_state_file import Mode
from hardware.gateway import Gateway
from hardware.leds import Leds, Light, leds
from logbooks import device_state, lockdown
from logbooks.alarms import AlarmKind, open_alarms
from logbooks.catalogue import Event, fault, fault_codes
from logbooks.device_state import SOFTWARE_CODES
from logbooks.explanations import explanation
from logbooks.lockdown import BootFinding
from logbooks.models import Alarm, ConsumerLogEntry, DeviceState, SystemLogEntry
from logbooks.services import log_fault, open_consumer_log
from tests.portal.conftest import NOW

RAISED = sorted(set(fault_codes()) - set(fault_table.reasons()))
CALM = Leds(pwr=Light.ON, tls=Light.OFF, lmc=Light.OFF, wmt=Light.OFF)
SOFT = Leds(pwr=Light.HEARTBEAT, tls=Light.OFF, lmc=Light.OFF, wmt=Light.OFF)
HARD = Leds(pwr=Light.BLINK, tls=Light.BLINK, lmc=Light.BLINK, wmt=Light.BLINK)

pytestmark = pytest.mark.django_db
OnCommit = Callable[..., Any]


@pytest.fixture
def running(gateway: Gateway) -> Iterator[Gateway]:
    """A gateway whose services are all ready, as the lights see it."""
    descriptor = state_lock.hold(gateway.state)
    (readiness.run_folder(gateway.state) / SERVICES_FILE).write_text("[]")
    readiness.announce(gateway.state, "casa")
    open_consumer_log("meier")
    yield gateway
    os.close(descriptor)


def shown(gateway: Gateway) -> Leds:
    """The lights, from the files that the processes leave."""
    facts = led_role.facts_of(gateway.state, time_is_valid=True, supply_input=None)
    return leds(facts)


def as_new(gateway: Gateway) -> None:
    DeviceState.objects.all().delete()
    Alarm.objects.all().delete()
    device_state.publish(gateway)
    assert shown(gateway) == CALM


@pytest.mark.req("R10", "R137", "R143")
def test_each_raised_code_has_its_lock_state_its_lights_and_its_explanation(
    running: Gateway, django_capture_on_commit_callbacks: OnCommit
) -> None:
    """R137: those with mark x lock and no other; R10: PWR shows it by its heartbeat;
    R143: the explanation says in both languages whether the device is locked."""
    locking = 0
    for code in RAISED:
        as_new(running)
        with django_capture_on_commit_callbacks(execute=True):
            log_fault(running, code, now=NOW)
        locks = fault(code).soft_lockdown
        locking += locks
        assert device_state_file.read(running.state).is_locked is locks, code
        assert device_state.current().codes == ([code] if locks else []), code
        assert shown(running) == (SOFT if locks else CALM), code
        told = open_alarms().filter(kind=AlarmKind.LOCKDOWN)
        assert list(told.values_list("code", flat=True)) == ([code] if locks else [])
        assert ("gesperrt" in explanation(code).effect) is locks, code
        assert ("locked" in explanation(code, "en").effect) is locks, code
    entries = SystemLogEntry.objects.filter(event_sub_id=1, event_id__in=RAISED)
    assert entries.count() == len(RAISED)
    fatal = ConsumerLogEntry.objects.filter(event_id=Event.FATAL_FAULT.value[0])
    assert fatal.count() == locking > 0


@pytest.mark.req("R10", "R142")
@pytest.mark.parametrize("code", sorted(SOFTWARE_CODES.intersection(RAISED)))
def test_the_codes_of_the_software_end_in_the_hard_lock_down_and_all_lights_blink(
    running: Gateway, django_capture_on_commit_callbacks: OnCommit, code: int
) -> None:
    """R142: found in operation and again at the start; R10: soft before."""
    as_new(running)
    with django_capture_on_commit_callbacks(execute=True):
        log_fault(running, code, now=NOW)
    assert shown(running) == SOFT
    with django_capture_on_commit_callbacks(execute=True):
        found = lockdown.check_at_start(running, {code}, now=NOW)
    assert found is BootFinding.AGAIN
    assert device_state_file.read(running.state).mode is Mode.HARD
    assert shown(running) == HARD
