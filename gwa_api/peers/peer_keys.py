"""A partner's own keys, and whom it trusts: files in its state folder.

`own/tls.pem, tls.key, enc.pem, enc.key, sig.pem, sig.key` (what a partner has of them),
`clients/*.pem` the TLS certificates of those who may call, `signers/*.pem` the SIG
certificates of the gateways. Files that are added count from the next connection on.
"""

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hmac import compare_digest
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    load_pem_private_key,
)

from hardware.certificate_path import (
    CertificateRefused,
    Refusal,
    check_pinned_certificate,
)
from hardware.private_files import replace
from hardware.security_module import key_identifier
from hardware.tls_profile import (
    Clients,
    FileIdentity,
    client_context,
    server_context,
)

_OWN, _CLIENTS, _SIGNERS = "own", "clients", "signers"


class KeysMissing(Exception):
    """A file of the partner's keys is missing or no EC key; the text says which."""


@dataclass(frozen=True, slots=True)
class PeerKeys:
    """The keys and the trust in a partner's state folder."""

    state: Path

    def take_keys(self, folder: Path) -> None:
        """Copy the keys of a folder as `make_pki` writes one; those here stay.

        Raises KeysMissing.
        """
        self._folder(_OWN)
        for kind in ("tls", "enc", "sig"):
            for suffix in ("pem", "key"):
                source, own = folder / f"{kind}.{suffix}", self._own(f"{kind}.{suffix}")
                if not own.exists():
                    replace(own, _content(source))

    def trust_client(self, name: str, certificate: x509.Certificate) -> None:
        """Let whoever shows this TLS certificate call."""
        self._trust(_CLIENTS, name, certificate)

    def trust_signer(self, name: str, certificate: x509.Certificate) -> None:
        """Take what is signed by this certificate's key."""
        self._trust(_SIGNERS, name, certificate)

    def key(self, kind: str) -> ec.EllipticCurvePrivateKey:
        """The private key `tls`, `enc` or `sig`; raises KeysMissing."""
        path = self._own(f"{kind}.key")
        try:
            key = load_pem_private_key(_content(path), None)
        except ValueError:
            raise KeysMissing(f"{path} is no key") from None
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise KeysMissing(f"{path} is no EC key")
        return key

    def signer(self, ski: str) -> ec.EllipticCurvePublicKey | None:
        """The key of a trusted signer by its identifier in hex; None for others."""
        for certificate in self._trusted(_SIGNERS):
            key = certificate.public_key()
            if isinstance(key, ec.EllipticCurvePublicKey) and compare_digest(
                key_identifier(key), ski
            ):
                return key
        return None

    def server_context(self) -> ssl.SSLContext:
        """TLS for the partner's listener: only known clients come in."""
        return server_context(
            self.tls_identity(),
            clients=Clients.REQUIRED,
            pins=list(self._trusted(_CLIENTS)),
        )

    def client_context(self, pins: list[x509.Certificate]) -> ssl.SSLContext:
        """TLS for calling somebody who has one of the `pins`."""
        return client_context(self.tls_identity(), pins=pins)

    def tls_identity(self) -> FileIdentity:
        """The partner's own TLS key and certificate; raises KeysMissing."""
        certificate, key = self._own("tls.pem"), self._own("tls.key")
        for path in (certificate, key):
            _content(path)
        return FileIdentity(certificate, key)

    def check_client(self, der: bytes, *, now: datetime) -> None:
        """Raises CertificateRefused unless it is a trusted client's, and valid."""
        check_among(der, list(self._trusted(_CLIENTS)), now=now)

    def _trust(self, kind: str, name: str, certificate: x509.Certificate) -> None:
        path = self._folder(kind) / f"{name}.pem"
        replace(path, certificate.public_bytes(Encoding.PEM))

    def _trusted(self, kind: str) -> Iterator[x509.Certificate]:
        for path in sorted((self.state / kind).glob("*.pem")):
            yield certificate_in(path)

    def _own(self, name: str) -> Path:
        return self.state / _OWN / name

    def _folder(self, kind: str) -> Path:
        folder = self.state / kind
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder


def check_among(der: bytes, pins: list[x509.Certificate], *, now: datetime) -> None:
    """Raises CertificateRefused unless `der` is one of the pins and valid now."""
    for pin in pins:
        if compare_digest(pin.public_bytes(Encoding.DER), der):
            check_pinned_certificate(pin, now=now)
            return
    raise CertificateRefused(Refusal.NOT_PINNED, "this certificate is not known")


def certificate_in(path: Path) -> x509.Certificate:
    """The certificate of a file, PEM or DER; raises KeysMissing."""
    content = _content(path)
    try:
        if content.startswith(b"-----"):
            return x509.load_pem_x509_certificate(content)
        return x509.load_der_x509_certificate(content)
    except ValueError:
        raise KeysMissing(f"{path} is no certificate") from None


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise KeysMissing(f"{path}: {error.strerror}") from None
