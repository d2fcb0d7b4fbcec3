"""The master keys of the demo's meters, and what the meters themselves remember.

As from the factory: each meter has a key of its own, which is also told to the
gateway when the meter is set up. Both stand in the demo's folder.
"""

import secrets
from pathlib import Path

from casa_site.demo.plan import DEMO_FOLDER
from hardware.private_files import make_once
from hardware.simulator.meter_security import MeterSecurity, kept_in
from hardware.sym_pairing import KEY_BYTES

_FOLDER = "meters"


def master_key(state: Path, meter_id: str) -> bytes:
    """The meter's key, made at random when it is first asked for."""
    path = _folder(state) / f"{meter_id}.key"
    return make_once(path, secrets.token_bytes(KEY_BYTES))


def security_of(state: Path, meter_id: str) -> MeterSecurity:
    """What the simulated meter keeps of its security, over restarts of its process."""
    path = _folder(state) / f"{meter_id}.json"
    return kept_in(path, master_key(state, meter_id))


def _folder(state: Path) -> Path:
    folder = state / DEMO_FOLDER / _FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
