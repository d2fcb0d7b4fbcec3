"""The signature certificate: made, kept, renewed, found by its key."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from hardware.gateway import Gateway, open_gateway
from logbooks.certificates import (
    RENEWED_BEFORE_END,
    VALIDITY,
    certificate_by_ski,
    certificate_pem,
    ensure_signature_certificate,
    public_key,
    signature_certificate,
)
from logbooks.models import Certificate

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.mark.req("R65")
@pytest.mark.parametrize("curve", ["brainpoolP256r1", "secp256r1"])
def test_the_certificate_certifies_the_signature_key(
    tmp_path: Path, curve: str
) -> None:
    """R65: there is a certificate of the signature key from the first start on."""
    gateway = open_gateway(tmp_path, signature_curve=curve)
    made = ensure_signature_certificate(gateway, NOW)
    parsed = x509.load_der_x509_certificate(made.der)
    assert public_key(made) == gateway.security_module.public_key("sig")
    assert made.subject_cn == made.issuer_cn == f"{gateway.huid}.smgw"
    assert made.ski == gateway.security_module.key_identifier("sig")
    assert made.curve == curve
    assert (made.not_before, made.not_after) == (NOW, NOW + VALIDITY)
    assert made.fingerprint and made.serial == f"{parsed.serial_number:x}"
    constraints = parsed.extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical and not constraints.value.ca
    usage = parsed.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature and not usage.key_cert_sign


@pytest.mark.req("R64", "R65")
def test_stock_openssl_verifies_a_signature_with_the_certificate(
    gateway: Gateway, tmp_path: Path
) -> None:
    """R64, R65: with the downloaded certificate anybody can check a value."""
    ensure_signature_certificate(gateway, NOW)
    pem, text, mark = (tmp_path / name for name in ("c.pem", "t.txt", "t.sig"))
    pem.write_text(certificate_pem(signature_certificate()))
    text.write_bytes(b"casa-record-v1")
    mark.write_bytes(gateway.security_module.sign("sig", b"casa-record-v1"))
    key = tmp_path / "key.pem"
    key.write_bytes(openssl("x509", "-pubkey", "-noout", "-in", pem))
    good = openssl("dgst", "-sha256", "-verify", key, "-signature", mark, text)
    assert good == b"Verified OK\n"


def openssl(*arguments: str | Path) -> bytes:
    return subprocess.run(
        ["openssl", *map(str, arguments)], check=True, capture_output=True
    ).stdout


def test_the_certificate_is_kept_over_restarts(gateway: Gateway) -> None:
    made = ensure_signature_certificate(gateway, NOW)
    later = NOW + VALIDITY - RENEWED_BEFORE_END - timedelta(days=1)
    assert ensure_signature_certificate(gateway, later) == made
    assert signature_certificate() == made


def test_it_is_renewed_for_the_same_key_near_its_end(gateway: Gateway) -> None:
    first = ensure_signature_certificate(gateway, NOW)
    second = ensure_signature_certificate(gateway, NOW + VALIDITY - RENEWED_BEFORE_END)
    assert second != first
    assert second.ski == first.ski
    assert signature_certificate() == second
    assert certificate_by_ski(first.ski) == second
    parsed = x509.load_der_x509_certificate(second.der)
    counts = parsed.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)
    assert [attribute.value for attribute in counts] == ["2"]
    first.refresh_from_db()
    assert first.state == Certificate.State.EXPIRED


def test_a_certificate_from_the_future_is_not_used(gateway: Gateway) -> None:
    ensure_signature_certificate(gateway, NOW + timedelta(days=10))
    made = ensure_signature_certificate(gateway, NOW)
    assert made.not_before == NOW
    assert signature_certificate() == made


def test_without_a_certificate_there_is_none() -> None:
    with pytest.raises(Certificate.DoesNotExist):
        signature_certificate()
    with pytest.raises(Certificate.DoesNotExist):
        certificate_by_ski("00" * 20)
