"""The lock-down in the processes: tasks, threads, commands."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from casa_site import led_role, timekeeping
from casa_site.celery import RHYTHM
from casa_site.service import Role
from casa_site.start_and_end import begin_run
from casa_site.supervisor import Supervisor
from gwa_api.tasks import send_due
from hardware import device_state_file, last_run
from hardware.device_state_file import DeviceSetting, Mode
from hardware.gateway import Gateway
from hardware.led_devices import LedDevices
from hardware.leds import Channel
from logbooks import checks, device_state, selectors, time_service
from logbooks.checks import Fault, register_check
from logbooks.services import log_fault
from logbooks.tasks import keep_device_state, watch_storage
from meters.collector import Collector
from meters.models import RadioPort
from tariffs.tasks import evaluate_due
from tests.meters.builders import NOON, a_meter

Commits = Callable[..., AbstractContextManager[Any]]


@pytest.fixture
def soft(gateway: Gateway) -> Iterator[Gateway]:
    """A gateway whose processes see a soft lock-down."""
    device_state_file.write(gateway.state, DeviceSetting(Mode.SOFT, 1900082))
    yield gateway


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which services the tasks called."""
    seen: list[str] = []
    for name in (
        "tariffs.tasks.services.evaluate_due",
        "gwa_api.tasks.sender.recipients",
    ):

        def called(*_: object, name: str = name, **__: object) -> list[str]:
            seen.append(name)
            return []

        monkeypatch.setattr(name, called)
    return seen


@pytest.mark.req("R138")
def test_nothing_is_tariffed_or_sent(gateway: Gateway, calls: list[str]) -> None:
    """R138: the tasks rest in the lock-down and work again after it."""
    for mode, expected in ((Mode.SOFT, 0), (Mode.HARD, 0), (Mode.NORMAL, 2)):
        device_state_file.write(gateway.state, DeviceSetting(mode))
        for task in (evaluate_due, send_due):
            task.app.gateways = {gateway.huid: gateway}
            task.run(gateway.huid)
        assert len(calls) == expected


@pytest.mark.req("R138", "R141")
@pytest.mark.django_db
def test_nothing_is_collected(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R138: the threads end; R141: 19005/1 with it, 19006/0 after the release."""
    a_meter(gateway)
    collector = Collector(gateway, send_hint=lambda: None, announce=lambda: None)
    monkeypatch.setattr(collector, "_begin", lambda spec: None)

    def metering() -> list[int]:
        ids = [line.event_id for line in selectors.system_log()]
        return [id_ for id_ in reversed(ids) if id_ in (19005, 19006)]

    collector.look()
    assert metering() == [19006]
    device_state_file.write(gateway.state, DeviceSetting(Mode.SOFT))
    collector.look()
    collector.look()
    assert metering() == [19006, 19005]
    assert not collector.threads
    device_state_file.write(gateway.state, DeviceSetting())
    collector.look()
    assert metering() == [19006, 19005, 19006]


@pytest.mark.django_db
def test_the_tasks_of_the_device_run_in_the_rhythm(gateway: Gateway) -> None:
    for task in (keep_device_state, watch_storage):
        assert task.name in RHYTHM
        task.app.gateways = {gateway.huid: gateway}
        task.run(gateway.huid)
    assert not device_state.is_locked(gateway)


@pytest.fixture
def command(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, only_our_checks: None
) -> Callable[..., str]:
    """Runs `./casa manage lockdown` on the gateway; what it prints."""
    name = "casa_site.management.commands.lockdown.open_configured_gateway"
    monkeypatch.setattr(name, lambda: gateway)

    def run(*words: str) -> str:
        output = StringIO()
        call_command("lockdown", *words, stdout=output)
        return output.getvalue()

    return run


@pytest.fixture
def only_our_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The self-test looks at nothing else."""
    monkeypatch.setattr(checks, "_CHECKS", {})


@pytest.mark.req("R140")
@pytest.mark.django_db
def test_the_command_shows_and_releases(
    gateway: Gateway,
    command: Callable[..., str],
    django_capture_on_commit_callbacks: Commits,
) -> None:
    """R140: refused with its reason while the cause stands."""
    assert command() == "normal\n"
    with django_capture_on_commit_callbacks(execute=True):
        log_fault(gateway, 1900082, now=NOON)
    assert "Nur noch wenig Speicherplatz" in command("status")
    register_check("storage", lambda _gateway, _now: [Fault(1900082)])
    with pytest.raises(CommandError, match="1900082"):
        command("release")
    register_check("storage", lambda _gateway, _now: [])
    with django_capture_on_commit_callbacks(execute=True):
        assert command("release") == "normal\n"
    assert not device_state.is_locked(gateway)


@pytest.mark.req("R142", "R169")
@pytest.mark.django_db
def test_the_command_puts_out_of_service(
    gateway: Gateway,
    command: Callable[..., str],
    django_capture_on_commit_callbacks: Commits,
) -> None:
    """R142: only with a second word, and then for ever; R169: the seal."""
    with django_capture_on_commit_callbacks(execute=True):
        assert "not for billing" in command("seal-damaged")
    assert device_state.setting_of(gateway).marks_values
    with pytest.raises(CommandError, match="for-ever"):
        command("hard")
    with django_capture_on_commit_callbacks(execute=True):
        assert command("hard", "--for-ever").startswith("hard")
    assert last_run.restart_is_requested(gateway.state)
    for words in ("release", "seal-whole"):
        with pytest.raises(CommandError, match="exchanged"):
            command(words)


@pytest.mark.req("R142", "R152")
@pytest.mark.django_db
def test_a_start_judges_logs_and_notes(
    gateway: Gateway,
    only_our_checks: None,
    django_capture_on_commit_callbacks: Commits,
) -> None:
    """R142: found in operation and again at the start; R152: what it logs."""

    def start() -> Mode:
        with django_capture_on_commit_callbacks(execute=True):
            begin_run(gateway)
        return device_state.setting_of(gateway).mode

    assert start() is Mode.NORMAL
    assert not last_run.find_traces(gateway.state).is_first
    with django_capture_on_commit_callbacks(execute=True):
        log_fault(gateway, 1900109, now=NOON)
    assert last_run.restart_is_requested(gateway.state)
    register_check("software", lambda _gateway, _now: [Fault(1900109)])
    assert start() is Mode.HARD
    assert not last_run.restart_is_requested(gateway.state)
    register_check("software", lambda _gateway, _now: [])
    assert start() is Mode.HARD


def test_the_supervisor_ends_when_a_new_start_is_asked_for(tmp_path: Path) -> None:
    last_run.request_restart(tmp_path)
    supervisor = Supervisor(tmp_path, [Role("none", lambda: None)], lambda: None)
    supervisor._look_for_restart()
    assert supervisor.restarts
    assert supervisor._is_over()


@pytest.mark.req("R16", "R15", "R14")
@pytest.mark.django_db
def test_the_lights_follow_what_the_processes_leave(
    gateway: Gateway, tmp_path: Path
) -> None:
    """R14 to R16: channel, addresses, telegrams; on a device of the kernel."""
    lights = {name: tmp_path / name for name in ("pwr", "tls", "lmc", "wmt")}
    for folder in lights.values():
        folder.mkdir()
        (folder / "value").write_text("")
    loop = led_role.LedLoop(gateway, LedDevices(lights))

    def shown() -> str:
        loop.step(0)
        return "".join((lights[name] / "value").read_text() for name in lights)

    assert shown() == "0000"
    led_role.show_channel(gateway.state, Channel.OPERATIONAL)
    (gateway.state / "run" / "addresses-a").write_text("2")
    assert shown() == "0110"
    flashes = []
    for received in (1, 1, 2, 2, 3, 3):
        RadioPort.objects.update_or_create(
            port="radio", defaults={"received": received, "received_at": NOON}
        )
        flashes.append(shown()[3])
    assert flashes == ["1", "0", "1", "0", "1", "0"]
    ending = threading.Event()
    ending.set()
    loop.run(ending)


@pytest.mark.req("R157")
@pytest.mark.django_db
def test_a_gateway_killed_right_after_its_start_keeps_its_time(
    gateway: Gateway,
) -> None:
    """R157: the sign of life stands from the start on; the next one does not lock."""
    assert timekeeping.begin_time(gateway)
    now = gateway.clock.now()
    time_service.configure_time_service(
        gateway, host="127.0.0.1", port=4460, certificate=b"", now=now
    )
    assert timekeeping.begin_time(gateway)
    assert device_state.current().mode == Mode.NORMAL
