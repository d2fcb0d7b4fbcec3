"""What is found out and noted when the gateway starts, and when it ends in order."""

from pathlib import Path

from casa_site.gateways import open_configured_gateway
from hardware import device_state_file, last_run
from hardware.device_state_file import Mode
from hardware.gateway import Gateway
from logbooks import lockdown
from logbooks.hardware_check import note_hardware
from logbooks.start_and_end import log_end, log_start


def begin_run(gateway: Gateway, *, boot_id: str | None = None) -> None:
    """The state of before, why the last run ended, whether the device is the same.

    `boot_id` names the machine's run where it is not this machine's.
    """
    now = gateway.clock.now()
    lockdown.adopt(gateway, now=now)
    found = lockdown.software_codes(gateway, now=now)
    lockdown.check_at_start(gateway, found, now=now)
    note_hardware(gateway, now=now)
    traces = last_run.find_traces(gateway.state, boot_id=boot_id)
    log_start(gateway, traces, now=now)
    last_run.note_start(gateway.state, boot_id=boot_id)
    last_run.forget_restart_request(gateway.state)


def end_run() -> None:
    """Everything has ended by a stop signal: say so, in the log and for the start."""
    end_of(open_configured_gateway())


def end_of(gateway: Gateway, *, boot_id: str | None = None) -> None:
    """The same for a gateway that is open."""
    log_end(gateway, now=gateway.clock.now())
    last_run.note_end(gateway.state, boot_id=boot_id)


def is_out_of_service(state: Path) -> bool:
    """Whether the device is in hard lock-down, in which nothing listens (R142)."""
    return device_state_file.read(state).mode is Mode.HARD
