"""The one object that says who this gateway is (decisions D4).

Identity, keys, clock and state folder hang on it and are handed down; no module
keeps one of them, so that a process can carry many virtual gateways.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from hardware.clock import GatewayClock
from hardware.device_key import DeviceKey
from hardware.security_module import SecurityModule

FIRMWARE_VERSION = "0100000000X001a"
"""Shown on the start page and in every export (R4)."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway: its id, its state folder, its keys, its clock.

    `huid` is lower case, 14 characters. `live_period` is the time between two
    live readings of a wired meter (D21).
    """

    huid: str
    state: Path
    clock: GatewayClock
    device_key: DeviceKey
    security_module: SecurityModule
    live_period: timedelta = timedelta(seconds=10)
    firmware_version: str = field(default=FIRMWARE_VERSION)
