"""What the security module remembers beside its keys: one sealed file.

Life cycle, the bank in force, the root certificates, and how it recognises the PIN.
"""

import contextlib
import fcntl
import hashlib
import hmac
import json
import os
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag

from hardware.device_key import DeviceKey
from hardware.key_slots import BANKS
from hardware.private_files import replace
from hardware.security_faults import ChannelRefused, ModuleFailed, ModuleUnreachable

STATE_FILE = "module.state"
_LABEL = "module"


class LifeCycle(StrEnum):
    """The stages of a security module's life, in order (TR-03109-2, simplified)."""

    INITIAL = "initial"
    """Made; neither root nor certificates of the SM-PKI."""
    PRE_PERSONALISED = "pre-personalised"
    """Holds the initial root and Gütesiegel certificates: ready for a first contact."""
    OPERATIONAL = "operational"
    """Holds Wirk certificates of the responsible administrator."""
    TERMINATED = "terminated"
    """Taken out of service: no private key is used any more."""

    @property
    def rank(self) -> int:
        """Its place in the order."""
        return list(LifeCycle).index(self)


@dataclass(frozen=True, slots=True)
class ModuleState:
    """Life cycle, active bank (1 or 2), and root certificates (DER) by slot."""

    life_cycle: LifeCycle = LifeCycle.INITIAL
    active_bank: int = BANKS[0]
    roots: tuple[tuple[int, bytes], ...] = ()

    def as_json(self) -> bytes:
        """The form that is stored."""
        roots = [[slot, b64encode(der).decode()] for slot, der in self.roots]
        words = {
            "life_cycle": self.life_cycle,
            "active_bank": self.active_bank,
            "roots": roots,
        }
        return json.dumps(words).encode()


def module_pin(device_key: DeviceKey) -> bytes:
    """The PIN of the channel to the module: it hangs on the device key alone."""
    return device_key.sub_key("module-pin")


@dataclass(slots=True)
class ModuleStateFile:
    """The file with the state; sealed with the device key and the PIN together."""

    folder: Path
    device_key: DeviceKey
    _path: str = field(init=False, repr=False)
    _stamp: tuple[int, int] | None = field(init=False, default=None)
    _kept: ModuleState = field(init=False, default_factory=ModuleState)

    def __post_init__(self) -> None:
        self._path = str(self.folder / STATE_FILE)

    def read(self, pin: bytes) -> ModuleState:
        """The state; that of a new module where there is no file yet.

        Raises ChannelRefused when the PIN, or the device key, is another one.
        """
        try:
            found = os.stat(self._path)  # noqa: PTH116 (each signature)
        except FileNotFoundError:
            return self._without_file(pin)
        except OSError as error:
            raise ModuleUnreachable(f"security module: {error.strerror}") from None
        stamp = (found.st_mtime_ns, found.st_ino)
        if stamp != self._stamp:
            self._kept, self._stamp = self._opened(pin), stamp
        return self._kept

    def write(self, pin: bytes, state: ModuleState) -> None:
        """Replace the state, whole or not at all."""
        sealed = self.device_key.encrypt(
            state.as_json(), label=_LABEL, bound_to=_bound_to(pin)
        )
        try:
            replace(self.folder / STATE_FILE, sealed)
        except OSError as error:
            raise ModuleFailed(f"security module: {error.strerror}") from None

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """One process at a time changes the module."""
        try:
            folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise ModuleUnreachable(f"security module: {error.strerror}") from None
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    def _without_file(self, pin: bytes) -> ModuleState:
        """A module that nothing was done with knows only the PIN it was made with."""
        if not os.path.isdir(self.folder):  # noqa: PTH112 (with each signature)
            raise ModuleUnreachable("security module: its folder is gone")
        if not hmac.compare_digest(pin, module_pin(self.device_key)):
            raise ChannelRefused("the PIN does not open the security module")
        return ModuleState()

    def _opened(self, pin: bytes) -> ModuleState:
        try:
            sealed = (self.folder / STATE_FILE).read_bytes()
        except OSError as error:
            raise ModuleUnreachable(f"security module: {error.strerror}") from None
        try:
            plain = self.device_key.decrypt(
                sealed, label=_LABEL, bound_to=_bound_to(pin)
            )
        except (InvalidTag, ValueError):
            raise ChannelRefused("the PIN does not open the security module") from None
        return _parsed(json.loads(plain))


def _bound_to(pin: bytes) -> str:
    return hashlib.sha256(b"casa-module-pin" + pin).hexdigest()


def _parsed(words: dict[str, Any]) -> ModuleState:
    return ModuleState(
        LifeCycle(words["life_cycle"]),
        int(words["active_bank"]),
        tuple((int(slot), b64decode(der)) for slot, der in words["roots"]),
    )
