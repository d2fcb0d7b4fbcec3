"""A partner's own keys, and whom it trusts: files in its state folder.

`own/tls.pem, tls.key, enc.pem, enc.key, sig.pem, sig.key` (what a partner has of them),
`clients/*.pem` the TLS certificates of those who may call, `signers/*.pem` the SIG
certificates of the gateways. Files that are added count from the next connection on.
"""

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hmac import compare_digest
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

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

Stamp = tuple[int, int]

_OWN, _CLIENTS, _SIGNERS = "own", "clients", "signers"
_OF_GATEWAY = ".smgw"


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
        certificate = self._signers().get(ski)
        return None if certificate is None else _key_of(certificate)

    def signer_of_gateway(
        self, ski: str, huid: str
    ) -> ec.EllipticCurvePublicKey | None:
        """The key of a trusted signer, but only when it is this gateway's own."""
        return self.signer(ski) if huid and self.gateway_of(ski) == huid else None

    def gateway_of(self, ski: str) -> str:
        """The id of the gateway that has this trusted key; "" for somebody else's.

        The common name of its certificate says it: `<huid>.smgw`.
        """
        certificate = self._signers().get(ski)
        if certificate is None:
            return ""
        names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        name = str(names[0].value).lower() if names else ""
        return name.removesuffix(_OF_GATEWAY) if name.endswith(_OF_GATEWAY) else ""

    def _signers(self) -> Mapping[str, x509.Certificate]:
        folder = self.state / _SIGNERS
        return _by_key(folder, _stamp(folder))

    def server_context(self) -> ssl.SSLContext:
        """TLS for the partner's listener: only known clients come in."""
        own, clients = self.state / _OWN, self.state / _CLIENTS
        self.tls_identity()
        return _server_context(self, _stamp(own), _stamp(clients))

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
        check_among(der, self.trusted_clients(), now=now)

    def _trust(self, kind: str, name: str, certificate: x509.Certificate) -> None:
        path = self._folder(kind) / f"{name}.pem"
        replace(path, certificate.public_bytes(Encoding.PEM))

    def trusted_clients(self) -> Sequence[x509.Certificate]:
        """The TLS certificates of those who may call."""
        return _certificates(self.state / _CLIENTS, _stamp(self.state / _CLIENTS))

    def _own(self, name: str) -> Path:
        return self.state / _OWN / name

    def _folder(self, kind: str) -> Path:
        folder = self.state / kind
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder


# A partner of many gateways reads their files once, not at each connection.


@lru_cache(maxsize=32)
def _certificates(folder: Path, _stamp: Stamp) -> tuple[x509.Certificate, ...]:
    return tuple(certificate_in(path) for path in sorted(folder.glob("*.pem")))


@lru_cache(maxsize=32)
def _by_key(folder: Path, stamp: Stamp) -> dict[str, x509.Certificate]:
    """Certificates by the identifier of their key, where that is an EC key."""
    keys = ((_key_of(one), one) for one in _certificates(folder, stamp))
    return {key_identifier(key): one for key, one in keys if key is not None}


@lru_cache(maxsize=32)
def _server_context(keys: PeerKeys, _own: Stamp, _clients: Stamp) -> ssl.SSLContext:
    return server_context(
        keys.tls_identity(), clients=Clients.REQUIRED, pins=list(keys.trusted_clients())
    )


def _key_of(certificate: x509.Certificate) -> ec.EllipticCurvePublicKey | None:
    key = certificate.public_key()
    return key if isinstance(key, ec.EllipticCurvePublicKey) else None


def _stamp(folder: Path) -> Stamp:
    """What differs after a file was added or replaced (by renaming)."""
    try:
        return folder.stat().st_mtime_ns, sum(1 for _ in folder.iterdir())
    except FileNotFoundError:
        return 0, 0


def check_among(der: bytes, pins: Sequence[x509.Certificate], *, now: datetime) -> None:
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
