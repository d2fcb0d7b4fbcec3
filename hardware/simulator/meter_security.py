"""What a simulated meter keeps of its security, over power cuts too."""

import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_private_key

from hardware.lmn_certificates import LmnIdentity

_NEVER = -1


def _keep_nothing() -> None:
    """The meter of a test needs no memory behind it."""


@dataclass(slots=True)
class MeterSecurity:
    """Keys, counter and certificates of one meter.

    `first_key` is what it was made with (MK0), `changed_key` what took its place;
    `last_counter` is the highest that it accepted. `keep` is called after each change.
    """

    first_key: bytes = field(repr=False)
    changed_key: bytes | None = field(default=None, repr=False)
    last_counter: int = _NEVER
    own: LmnIdentity | None = None
    gateway_certificate: bytes | None = None
    keep: Callable[[], None] = _keep_nothing

    @property
    def master_key(self) -> bytes:
        """The key that messages go under now."""
        return self.changed_key or self.first_key

    @property
    def is_paired(self) -> bool:
        """Whether it has all that TLS needs."""
        return self.own is not None and self.gateway_certificate is not None

    def accept_counter(self, counter: int) -> bool:
        """Whether a counter is higher than all before; if so it is used up."""
        if counter <= self.last_counter:
            return False
        self.last_counter = counter
        self.keep()
        return True

    def take(self, own: LmnIdentity, gateway_certificate: bytes) -> None:
        """Believe in these certificates from the next handshake on."""
        self.own, self.gateway_certificate = own, gateway_certificate
        self.keep()

    def take_key(self, key: bytes) -> None:
        """A new key in the place of the first one."""
        self.changed_key = key
        self.keep()

    def lose_certificates(self) -> None:
        """As if the memory of the meter had been damaged: it is not paired any more."""
        self.own = self.gateway_certificate = None
        self.keep()

    def reset(self) -> None:
        """As it left the factory, but for the counter: old messages must not work."""
        self.changed_key = None
        self.lose_certificates()


def fitting_identity(certificate: bytes, private_key: bytes) -> LmnIdentity | None:
    """Certificate and key when they belong together, None when they do not."""
    try:
        key = load_der_private_key(private_key, password=None)
        public = x509.load_der_x509_certificate(certificate).public_key()
    except ValueError:
        return None
    is_pair = isinstance(key, ec.EllipticCurvePrivateKey) and key.public_key() == public
    return LmnIdentity(certificate, private_key) if is_pair else None


def kept_in(path: Path, first_key: bytes) -> MeterSecurity:
    """Security that a file remembers; a new or unreadable file is a new meter."""
    security = MeterSecurity(first_key)
    with suppress(FileNotFoundError, ValueError, KeyError, TypeError):
        _restore(security, json.loads(path.read_text()))
    security.keep = lambda: _write(path, security)
    return security


def _restore(security: MeterSecurity, kept: dict[str, object]) -> None:
    def octets(name: str) -> bytes | None:
        text = kept[name]
        return bytes.fromhex(text) if isinstance(text, str) else None

    changed_key, gateway = octets("changed_key"), octets("gateway_certificate")
    certificate, private_key = octets("certificate"), octets("private_key")
    security.last_counter = int(str(kept["last_counter"]))
    security.changed_key, security.gateway_certificate = changed_key, gateway
    if certificate and private_key:
        security.own = LmnIdentity(certificate, private_key)


def _write(path: Path, security: MeterSecurity) -> None:
    own = asdict(security.own) if security.own else {}
    octets = {
        "changed_key": security.changed_key,
        "gateway_certificate": security.gateway_certificate,
        "certificate": own.get("certificate"),
        "private_key": own.get("private_key"),
    }
    kept = {name: value.hex() if value else None for name, value in octets.items()}
    text = json.dumps({**kept, "last_counter": security.last_counter})
    draft = path.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    draft.replace(path)
