"""Id and keys of the gateway: there, and opened by this device key."""

from collections.abc import Iterator
from pathlib import Path

from casa_site.doctor.finding import Finding, ok, warning, wrong
from hardware.device_id import is_huid
from hardware.device_key import KEY_BYTES, DeviceKey, device_key_file
from hardware.gateway import HUID_FILE, KEYS_FOLDER
from hardware.key_slots import file_of
from hardware.security_module import SecurityModuleFault, SoftSecurityModule

_RESTORE = "restore the backup: ./casa manage restore (docs/backup.md)"
_CREDENTIAL = (
    "as a credential of systemd only the service has it: docs/backup.md says how to "
    "run a command beside it; else restore the backup"
)


def findings(state: Path) -> Iterator[Finding]:
    """The device key, the id, then each key of the security module."""
    has_id = (state / HUID_FILE).exists()
    path = device_key_file(state)
    try:
        secret = path.read_bytes()
    except FileNotFoundError:
        if has_id:
            yield wrong("device key", f"{path} is missing", _CREDENTIAL)
        else:
            yield warning("device key", "none yet", "./casa up makes it")
        return
    except OSError as error:
        yield wrong("device key", f"{path}: {error.strerror}", "correct its rights")
        return
    if len(secret) != KEY_BYTES:
        text = f"{path} holds {len(secret)} bytes instead of {KEY_BYTES}"
        yield wrong("device key", text, _RESTORE)
        return
    yield ok("device key", str(path))
    yield _id(state / HUID_FILE)
    yield from _module(state / KEYS_FOLDER, DeviceKey(secret))


def _id(path: Path) -> Finding:
    try:
        huid = path.read_text().strip()
    except FileNotFoundError:
        return warning("id", "none yet", "./casa up makes it")
    except (OSError, UnicodeDecodeError) as error:
        return wrong("id", str(error), _RESTORE)
    if not is_huid(huid):
        return wrong("id", f"{path} does not hold a HUID", _RESTORE)
    return ok("id", huid)


def _module(folder: Path, device_key: DeviceKey) -> Iterator[Finding]:
    if not folder.is_dir():
        yield warning("keys", "none yet", "./casa up makes them")
        return
    module = SoftSecurityModule(folder, device_key)
    slots = sorted(path.name for path in folder.iterdir() if _is_slot(path.name))
    opened = 0
    try:
        module.state()
    except (SecurityModuleFault, ValueError) as error:
        yield wrong("keys", str(error), _RESTORE)
    for slot in slots:
        try:
            module.public_key(f"{slot}-1" if slot in ("tls", "enc", "sig") else slot)
            opened += 1
        except (SecurityModuleFault, ValueError) as error:
            yield wrong("keys", str(error), _RESTORE)
    if opened == len(slots):
        yield ok("keys", f"{opened} open with the device key")


def _is_slot(name: str) -> bool:
    try:
        return file_of(name) == name
    except ValueError:
        return False
