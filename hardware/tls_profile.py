"""The TLS profile of all links: versions, suites, curves, and whose peers (wan.md 2).

For each kind of link one function that makes a context, so that nothing that the
profile forbids can be set anywhere else:

- HAN web server: `server_context` with `Clients.OPTIONAL`, or `ANONYMOUS`;
- listeners for GWA and technician, entries for CLS: `server_context` with
  `Clients.REQUIRED`;
- channels that the gateway opens (GWA, EMT, time service, CLS): `client_context`.

The handshake lets only pinned certificates pass, and leaves their validity out,
because it would go by the host's clock. So the caller asks
`logbooks.certificate_store.check_peer(gateway, peer_certificate(connection), ...)`,
which looks at path, revocation and validity by gateway time, and closes when it raises.

Brainpool needs the groups of `deploy/openssl.cnf` (OPENSSL_CONF, decisions D47), which
`./casa` sets for every process; without it a context has one group alone. OpenSSL has
no brainpool in TLS 1.3: a context with a brainpool certificate is capped at 1.2.
"""

import os
import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import Encoding

from hardware.certificate_path import CertificateRefused, Refusal
from hardware.security_protocol import SecurityModule

SUITES = (
    "ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES128-SHA256"
)
"""The suites of TLS 1.2: C0,2C, C0,2B and C0,23 (required until 2029)."""

CLOSE_LIMIT_S = 20
"""The transport is closed so long after close_notify at the latest (DS 13.3.2)."""
LONGEST_CONNECTION_S = 48 * 3600
"""No TLS connection or session lives longer."""

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}

INTERNAL_FAULT = 2300098
OUT_OF_MEMORY = 2300097

_NO_CHECK_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME of OpenSSL; Python has no name for it."""
_VERIFY_FAULTS = {
    7: Refusal.SIGNATURE,
    9: Refusal.NOT_YET_VALID,
    10: Refusal.EXPIRED,
    24: Refusal.ISSUER_INVALID,
    26: Refusal.KEY_USAGE,
}
"""What OpenSSL's verify codes mean; all others: the certificate is not pinned."""


class Clients(Enum):
    """What a server asks of its clients."""

    ANONYMOUS = ssl.CERT_NONE
    OPTIONAL = ssl.CERT_OPTIONAL
    REQUIRED = ssl.CERT_REQUIRED


@dataclass(frozen=True, slots=True)
class FileIdentity:
    """Certificate and key of a listener as PEM files (`hardware.han_certificate`)."""

    certificate: Path
    key: Path

    def use_in(self, context: ssl.SSLContext) -> x509.Certificate:
        """Load them; the certificate that will be shown. Raises OSError."""
        context.load_cert_chain(self.certificate, self.key)
        return x509.load_pem_x509_certificate(self.certificate.read_bytes())


@dataclass(frozen=True, slots=True)
class ModuleIdentity:
    """A key in the security module, and its certificate with those above it.

    `slot` is "tls" for the key in force, `module.next_slot("tls")` to try a new one.
    `chain` comes from `logbooks.key_renewal.own_chain`.
    """

    module: SecurityModule
    chain: Sequence[x509.Certificate]
    slot: str = "tls"

    def use_in(self, context: ssl.SSLContext) -> x509.Certificate:
        """Load them; the certificate that will be shown. Raises SecurityModuleFault."""
        self.module.use_for_tls(self.slot, context, self.chain)
        return self.chain[0]


Identity = FileIdentity | ModuleIdentity


def server_context(
    identity: Identity,
    *,
    clients: Clients,
    pins: Iterable[x509.Certificate] = (),
    tls_max: str = "1.3",
) -> ssl.SSLContext:
    """The context of a listener; only clients with one of the `pins` come in.

    Build a new one when the pins change: it takes effect with the next connection,
    and no session of the old one can be resumed.
    """
    context = _context(ssl.PROTOCOL_TLS_SERVER, tls_max)
    shown = identity.use_in(context)
    context.verify_mode = ssl.VerifyMode(clients.value)
    _accept_only(context, [shown], list(pins))
    context.options |= ssl.OP_NO_TICKET | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.num_tickets = 0
    return context


def client_context(
    identity: Identity | None,
    *,
    pins: Iterable[x509.Certificate],
    tls_max: str = "1.2",
) -> ssl.SSLContext:
    """The context of a channel that the gateway opens to a server with one of `pins`.

    Names are not compared: the exact certificate says more. Give `server_hostname`
    to `wrap_socket` where the profile has a `tlsSni`.
    """
    context = _context(ssl.PROTOCOL_TLS_CLIENT, tls_max)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    own = [] if identity is None else [identity.use_in(context)]
    _accept_only(context, own, list(pins))
    return context


def peer_certificate(connection: ssl.SSLSocket | ssl.SSLObject) -> bytes:
    """The certificate (DER) of the peer after the handshake.

    Raises CertificateRefused(NOT_PINNED) when it showed none.
    """
    der = connection.getpeercert(binary_form=True)
    if not der:
        raise CertificateRefused(Refusal.NOT_PINNED, "the peer showed no certificate")
    return der


def tls_fault(error: BaseException) -> int:
    """The fault code of ch. 9.4 for what went wrong while a connection was made.

    2200041 expired, 2200042 not yet valid, 2200044 not a known certificate, 1600069
    its signature is wrong, 2300305 its issuer is none, 2300097 out of memory; for all
    else 2300098.
    """
    if isinstance(error, CertificateRefused):
        return error.code
    if isinstance(error, ssl.SSLCertVerificationError):
        return _VERIFY_FAULTS.get(error.verify_code, Refusal.NOT_PINNED).code
    if getattr(error, "reason", None) in _WITHOUT_CERTIFICATE:
        return Refusal.NOT_PINNED.code
    return OUT_OF_MEMORY if isinstance(error, MemoryError) else INTERNAL_FAULT


_WITHOUT_CERTIFICATE = frozenset(
    {"PEER_DID_NOT_RETURN_A_CERTIFICATE", "TLSV1_ALERT_UNKNOWN_CA"}
)


def _context(protocol: int, tls_max: str) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = VERSIONS[tls_max]
    context.set_ciphers(SUITES)
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    return context


def _accept_only(
    context: ssl.SSLContext,
    own: Sequence[x509.Certificate],
    pins: Sequence[x509.Certificate],
) -> None:
    """Trust the pins themselves, no authority; and speak their curves."""
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags |= ssl.VerifyFlags(_NO_CHECK_TIME)
    if pins:
        anchors = b"".join(pin.public_bytes(Encoding.DER) for pin in pins)
        context.load_verify_locations(cadata=anchors)
    curves = {_curve(each) for each in (*own, *pins)}
    brainpool = sorted(name for name in curves if name.startswith("brainpool"))
    if brainpool:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    if len(curves) == len(brainpool) == 1 and "OPENSSL_CONF" not in os.environ:
        context.set_ecdh_curve(brainpool[0])


def _curve(certificate: x509.Certificate) -> str:
    key = certificate.public_key()
    return key.curve.name if isinstance(key, EllipticCurvePublicKey) else ""
