"""The certificate of the HAN web server."""

import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from hardware.gateway import Gateway
from hardware.han_certificate import (
    RENEWED_BEFORE_END,
    VALIDITY,
    ensure_han_files,
    han_files,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def certificate(gateway: Gateway) -> x509.Certificate:
    return x509.load_pem_x509_certificate(han_files(gateway).certificate.read_bytes())


def names(gateway: Gateway) -> set[str]:
    found = certificate(gateway).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    return {str(name.value) for name in found.value}


def test_the_files_are_what_a_web_server_takes(gateway: Gateway) -> None:
    files = ensure_han_files(gateway, now=NOW)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    for path in (files.certificate, files.key):
        assert path.stat().st_mode & 0o777 == 0o600
    assert files == han_files(gateway)


def test_the_certificate_is_one_that_browsers_take(gateway: Gateway) -> None:
    ensure_han_files(gateway, now=NOW)
    made = certificate(gateway)
    key = made.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.curve.name == "secp256r1"
    assert made.not_valid_after_utc - made.not_valid_before_utc <= timedelta(days=825)
    assert made.not_valid_before_utc < NOW
    extensions = made.extensions
    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    usage = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert ExtendedKeyUsageOID.SERVER_AUTH in list(usage)


def test_it_names_every_way_to_the_gateway(gateway: Gateway) -> None:
    addresses = ["192.168.1.9", "fe80::1%eth0", "Gateway.example", "0.0.0.0", "::"]
    ensure_han_files(gateway, addresses=addresses, now=NOW)
    assert names(gateway) == {
        *("smgw.local", "eemh0009264154.local", "localhost", "gateway.example"),
        *("127.0.0.1", "::1", "192.168.1.9", "fe80::1"),
    }


def test_it_is_kept_while_it_is_good(gateway: Gateway) -> None:
    ensure_han_files(gateway, addresses=["192.168.1.9"], now=NOW)
    made = certificate(gateway)
    ensure_han_files(gateway, now=NOW + timedelta(days=300))
    assert certificate(gateway) == made


@pytest.mark.parametrize(
    ("addresses", "later"),
    [
        (["192.168.1.9"], timedelta()),
        ([], VALIDITY - RENEWED_BEFORE_END),
        ([], -timedelta(days=10)),
    ],
    ids=["new address", "near its end", "clock set back"],
)
def test_it_is_renewed_for_the_same_key(
    gateway: Gateway, addresses: list[str], later: timedelta
) -> None:
    ensure_han_files(gateway, now=NOW)
    made = certificate(gateway)
    ensure_han_files(gateway, addresses=addresses, now=NOW + later)
    assert certificate(gateway) != made
    assert certificate(gateway).public_key() == made.public_key()


def test_a_damaged_certificate_is_made_anew(gateway: Gateway) -> None:
    files = ensure_han_files(gateway, now=NOW)
    files.certificate.write_bytes(b"-----BEGIN")
    ensure_han_files(gateway, now=NOW)
    assert certificate(gateway).not_valid_before_utc < NOW
