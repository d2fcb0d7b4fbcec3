"""The one object that says who this gateway is (decisions D4).

Identity, keys, clock and state folder hang on it and are handed down; no module
keeps one of them, so that a process can carry many virtual gateways.
"""

import os
import secrets
import stat
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from hardware.clock import GatewayClock, KeptClock
from hardware.device_id import is_huid
from hardware.device_key import (
    DeviceKey,
    device_key_file,
    load_or_make,
)
from hardware.hardware_version import HardwareVersion
from hardware.private_files import make_once
from hardware.release import release_of
from hardware.security_module import (
    CURVES,
    SIGNATURE_SLOT,
    KeySlotTaken,
    SecurityModule,
    SecurityModuleFault,
    SoftSecurityModule,
)
from hardware.time_file import TIME_FILE, TimeFile

FIRMWARE_VERSION = release_of().version
"""Shown on the start page and in every export (R4)."""

DEFAULT_HARDWARE = HardwareVersion("11302", "01A")
DEFAULT_STORAGE_QUOTA = 4 * 1024**3

HUID_FILE = "huid"
KEYS_FOLDER = "keys"


class GatewayNotOpened(Exception):
    """The state folder cannot be used as asked; the text says why."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway: its id, its state folder, its keys, its clock.

    `huid` is lower case, 14 characters. `live_period` is the time between two
    live readings of a wired meter (D21). `supply_input` is the file that shows an
    overload of the supply of the wired bus (R6), None where there is none. `rtc` is
    the device of a clock that runs on without supply; with `sets_host_clock` a
    synchronisation sets the clock of the host too (D5). `hardware` is what stands on
    the nameplate (D7), `storage_quota` how many bytes the state folder may take (D6).
    """

    huid: str
    state: Path
    clock: GatewayClock
    device_key: DeviceKey
    security_module: SecurityModule
    live_period: timedelta = timedelta(seconds=10)
    firmware_version: str = field(default=FIRMWARE_VERSION)
    supply_input: Path | None = None
    rtc: Path | None = None
    sets_host_clock: bool = False
    hardware: HardwareVersion = DEFAULT_HARDWARE
    storage_quota: int = DEFAULT_STORAGE_QUOTA


def open_gateway(
    state: Path,
    *,
    huid: str | None = None,
    clock_offset: timedelta = timedelta(),
    live_period: timedelta = timedelta(seconds=10),
    signature_curve: str = "brainpoolP256r1",
    supply_input: Path | None = None,
    rtc: Path | None = None,
    sets_host_clock: bool = False,
    hardware: HardwareVersion = DEFAULT_HARDWARE,
    storage_quota: int = DEFAULT_STORAGE_QUOTA,
) -> Gateway:
    """Open the gateway whose state is in the folder `state`; make what is missing.

    Made once and then kept: the folder (0700), the device key, the HUID (decisions
    D51), the signature key (`signature_curve` is for a new key only). Raises
    GatewayNotOpened with a sentence for the operator.
    """
    _prepare_folder(state)
    device_key = _device_key(state)
    return Gateway(
        huid=_huid(state / HUID_FILE, huid),
        state=state,
        clock=KeptClock(TimeFile(state / TIME_FILE), clock_offset),
        device_key=device_key,
        security_module=_security_module(state, device_key, signature_curve),
        live_period=live_period,
        supply_input=supply_input,
        rtc=rtc,
        sets_host_clock=sets_host_clock,
        hardware=hardware,
        storage_quota=storage_quota,
    )


def _prepare_folder(state: Path) -> None:
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = state.stat()
    if found.st_uid != os.geteuid() or found.st_mode & stat.S_ISVTX:
        raise GatewayNotOpened(f"{state} is shared with others; give it a folder")
    state.chmod(0o700)


def _device_key(state: Path) -> DeviceKey:
    path = device_key_file(state)
    # The device key is made before the HUID: a HUID alone means it was lost.
    if not path.exists() and (state / HUID_FILE).exists():
        raise GatewayNotOpened(
            f"{path} is missing: without it nothing in {state} can be decrypted"
        )
    try:
        return load_or_make(path)
    except ValueError as error:
        raise GatewayNotOpened(str(error)) from None


def _huid(path: Path, wanted: str | None) -> str:
    if wanted is not None and not is_huid(wanted):
        raise GatewayNotOpened(
            f"{wanted!r} is not a HUID: e, three letters, two hex digits, eight digits"
        )
    if path.exists():
        kept = path.read_bytes()
    else:
        made = wanted or f"ecas00{secrets.randbelow(10**8):08d}"
        kept = make_once(path, made.lower().encode())
    huid = kept.decode().strip()
    if not is_huid(huid):
        raise GatewayNotOpened(f"{path} does not hold a HUID")
    if wanted is not None and wanted.lower() != huid:
        raise GatewayNotOpened(
            f"this gateway is {huid}, not {wanted.lower()}: "
            "passwords and signatures depend on the HUID"
        )
    return huid


def _security_module(
    state: Path, device_key: DeviceKey, curve: str
) -> SoftSecurityModule:
    if curve not in CURVES:
        raise GatewayNotOpened(
            f"unknown curve {curve!r}, possible are {', '.join(CURVES)}"
        )
    folder = state / KEYS_FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    module = SoftSecurityModule(folder, device_key)
    try:
        module.ensure_state()
        if not module.has_key(SIGNATURE_SLOT):
            _make_signature_key(module, curve)
        module.public_key(SIGNATURE_SLOT)
    except SecurityModuleFault as error:
        raise GatewayNotOpened(str(error)) from None
    return module


def _make_signature_key(module: SoftSecurityModule, curve: str) -> None:
    try:
        module.generate(SIGNATURE_SLOT, curve)
    except KeySlotTaken:
        return  # another process was faster; its key is ours too
