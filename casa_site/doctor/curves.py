"""Whether TLS really speaks the curves of the SM-PKI: a handshake in memory."""

import datetime
import os
import ssl

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from casa_site.doctor.finding import Finding, ok, wrong

_ROUNDS = 6


def brainpool() -> Finding:
    """A handshake of TLS 1.2 with a certificate on brainpoolP256r1 comes about."""
    try:
        _handshake()
    except (ssl.SSLError, ValueError) as error:
        reason = getattr(error, "reason", None) or str(error)
        remedy = "OPENSSL_CONF does not reach the TLS library: use the system's OpenSSL"
        return wrong("curves", f"no TLS with brainpoolP256r1 ({reason})", remedy)
    return ok("curves", f"brainpoolP256r1 in {ssl.OPENSSL_VERSION}")


def _handshake() -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with os.fdopen(os.memfd_create("casa-doctor"), "wb") as file:
        file.write(_key_and_certificate())
        file.flush()
        server.load_cert_chain(f"/proc/self/fd/{file.fileno()}")
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [client.wrap_bio(down, up), server.wrap_bio(up, down, server_side=True)]
    for _ in range(_ROUNDS):
        ends = [end for end in ends if not _is_done(end)]
    if ends:
        raise ValueError("the handshake does not end")


def _is_done(end: ssl.SSLObject) -> bool:
    try:
        end.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True


def _key_and_certificate() -> bytes:
    key = ec.generate_private_key(ec.BrainpoolP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "doctor")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .public_key(key.public_key())
        .sign(key, SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem + certificate.public_bytes(Encoding.PEM)
