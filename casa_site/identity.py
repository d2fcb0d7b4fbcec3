"""What the settings need of the state folder, before Django exists."""

from pathlib import Path

from hardware.device_key import KEY_BYTES, DeviceKey, device_key_file


def existing_device_key(state: Path) -> DeviceKey | None:
    """The device key when set-up has made it; None on a fresh state folder."""
    try:
        secret = device_key_file(state).read_bytes()
    except FileNotFoundError:
        return None
    return DeviceKey(secret) if len(secret) == KEY_BYTES else None
