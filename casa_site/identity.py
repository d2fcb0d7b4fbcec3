"""Names of what lies in the state folder, and the keys that settings need of it."""

from pathlib import Path

from hardware.device_key import KEY_BYTES, DeviceKey

DEVICE_KEY = "device.key"


def existing_device_key(state: Path) -> DeviceKey | None:
    """The device key when set-up has made it; None on a fresh state folder."""
    try:
        secret = (state / DEVICE_KEY).read_bytes()
    except FileNotFoundError:
        return None
    return DeviceKey(secret) if len(secret) == KEY_BYTES else None
