"""What the settings need of the state folder, before Django exists."""

from pathlib import Path

from hardware.device_key import KEY_BYTES, DeviceKey, load_or_make
from hardware.gateway import DEVICE_KEY_FILE


def make_device_key(state: Path) -> bool:
    """Make the state folder and the device key; True when they were not there.

    The settings derive the keys of cookies and of the database file from it, so it
    has to be there before they are read.
    """
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = state / DEVICE_KEY_FILE
    is_first_start = not path.exists()
    load_or_make(path)
    return is_first_start


def existing_device_key(state: Path) -> DeviceKey | None:
    """The device key when set-up has made it; None on a fresh state folder."""
    try:
        secret = (state / DEVICE_KEY_FILE).read_bytes()
    except FileNotFoundError:
        return None
    return DeviceKey(secret) if len(secret) == KEY_BYTES else None
