"""The certificates of the gateway's own listeners: pairs of files for gunicorn.

Self-signed on P-256, because browsers refuse brainpool (decisions D30).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from hardware.gateway import Gateway
from hardware.private_files import make_once, replace

VALIDITY = timedelta(days=800)
"""Clients refuse server certificates that live longer than 825 days."""
VALID_BEFORE = timedelta(days=1)
"""Dated back, because the clock of a consumer's computer may be behind ours."""
RENEWED_BEFORE_END = timedelta(days=30)

HAN_LISTENER, GWA_LISTENER, SERVICE_LISTENER = "han", "gwa", "service"

_FIXED_NAMES = ("smgw.local", "localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files of a TLS server, both readable by the owner only."""

    certificate: Path
    key: Path


def server_files(gateway: Gateway, listener: str) -> TlsFiles:
    """A listener's files: `tls/<listener>.pem` and `.key` in the state folder.

    `listener` is "han", `GWA_LISTENER` or `SERVICE_LISTENER`.
    """
    folder = gateway.state / "tls"
    return TlsFiles(folder / f"{listener}.pem", folder / f"{listener}.key")


def han_files(gateway: Gateway) -> TlsFiles:
    """Where the files of the HAN web server are."""
    return server_files(gateway, HAN_LISTENER)


def ensure_han_files(
    gateway: Gateway, *, addresses: Iterable[str] = (), now: datetime
) -> TlsFiles:
    """The files of the HAN web server, made when missing: see `ensure_server_files`."""
    return ensure_server_files(gateway, HAN_LISTENER, addresses=addresses, now=now)


def ensure_server_files(
    gateway: Gateway, listener: str, *, addresses: Iterable[str] = (), now: datetime
) -> TlsFiles:
    """The files of `server_files`, made when missing.

    The certificate is renewed, for the same key, within 30 days of its end or when it
    lacks one of `addresses` (IP addresses or host names; "any address" such as
    0.0.0.0 is left out). `now` is the time that clients go by.
    """
    files = server_files(gateway, listener)
    files.key.parent.mkdir(mode=0o700, exist_ok=True)
    names = _names(gateway, addresses)
    key = _key(files.key)
    if not _is_good(files.certificate, key, names, now):
        made = _self_signed(key, f"{gateway.huid}.smgw", names, now)
        replace(files.certificate, made.public_bytes(Encoding.PEM))
    return files


def _names(gateway: Gateway, addresses: Iterable[str]) -> list[x509.GeneralName]:
    """The subject's alternative names, each once, in a fixed order."""
    wanted = [f"{gateway.huid}.local", *_FIXED_NAMES, *addresses]
    names = (_general_name(name) for name in wanted)
    return list(dict.fromkeys(name for name in names if name is not None))


def _general_name(name: str) -> x509.GeneralName | None:
    try:
        address = ip_address(name.partition("%")[0])  # without the IPv6 zone
    except ValueError:
        return x509.DNSName(name.lower())
    return None if address.is_unspecified else x509.IPAddress(address)


def _key(path: Path) -> ec.EllipticCurvePrivateKey:
    """The key in the file; made there when there is none. ValueError if not EC."""
    if path.exists():
        pem = path.read_bytes()
    else:
        made = ec.generate_private_key(ec.SECP256R1())
        pem = make_once(
            path,
            made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        )
    key = load_pem_private_key(pem, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{path} does not hold an elliptic curve key")
    return key


def _is_good(
    path: Path,
    key: ec.EllipticCurvePrivateKey,
    names: list[x509.GeneralName],
    now: datetime,
) -> bool:
    try:
        found = x509.load_pem_x509_certificate(path.read_bytes())
        extension = found.extensions.get_extension_for_class(
            x509.SubjectAlternativeName
        )
    except (FileNotFoundError, ValueError, x509.ExtensionNotFound):
        return False
    valid = (
        found.not_valid_before_utc
        <= now
        < found.not_valid_after_utc - RENEWED_BEFORE_END
    )
    names_missing = set(names) - set(extension.value)
    return valid and not names_missing and found.public_key() == key.public_key()


def _self_signed(
    key: ec.EllipticCurvePrivateKey,
    common_name: str,
    names: list[x509.GeneralName],
    now: datetime,
) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    begin = now.replace(microsecond=0) - VALID_BEFORE
    # Towards a CLS the gateway may be the one that calls.
    both = x509.ExtendedKeyUsage(
        [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    )
    ski = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + VALIDITY)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(both, critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(ski, critical=False)
        .sign(key, SHA256())
    )
