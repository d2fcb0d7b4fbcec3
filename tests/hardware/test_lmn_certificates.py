"""Certificates of the wired LMN: the profile, the checks, the warnings (R28)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from cryptography.hazmat.primitives.serialization import Encoding, load_der_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from hardware.lmn_certificates import (
    BRAINPOOL_P256,
    BRAINPOOL_P384,
    LMN_CURVES,
    LONGEST_DER,
    P256,
    CertificateUnfit,
    LmnCurve,
    checked_certificate,
    curve_for,
    curve_of,
    expiry_warnings,
    is_renewal_due,
    new_identity,
)

NOW = datetime(2026, 3, 1, 11, 0, 1, 500, tzinfo=UTC)
METER = "1emh0000000001"
GATEWAY = "eemh0009264154"


def curves() -> Any:
    return pytest.mark.parametrize("curve", LMN_CURVES, ids=lambda c: c.name)


@curves()
def test_a_certificate_is_made_as_the_profile_says(curve: LmnCurve) -> None:
    made = new_identity(METER, curve, now=NOW)
    certificate = checked_certificate(made.certificate, METER)
    assert certificate.subject.rfc4514_string() == "CN=1emh0000000001.sm"
    assert certificate.issuer == certificate.subject
    assert certificate.not_valid_before_utc == datetime(
        2026, 3, 1, 11, 0, 1, tzinfo=UTC
    )
    assert certificate.not_valid_after_utc == datetime(2033, 3, 1, 11, 0, 1, tzinfo=UTC)
    assert [found.oid for found in certificate.extensions] == [
        x509.KeyUsage.oid,
        x509.BasicConstraints.oid,
        x509.ExtendedKeyUsage.oid,
    ]
    assert certificate.serial_number.bit_length() == 127
    assert curve_of(made.certificate) == curve


@curves()
def test_certificates_are_short_enough_for_the_line(curve: LmnCurve) -> None:
    made = new_identity(METER, curve, now=NOW)
    assert len(made.certificate) <= LONGEST_DER
    assert len(made.private_key) <= 180


@curves()
def test_the_private_key_is_the_one_of_the_certificate(curve: LmnCurve) -> None:
    made = new_identity(METER, curve, now=NOW)
    key = load_der_private_key(made.private_key, password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    certificate = x509.load_der_x509_certificate(made.certificate)
    assert key.public_key() == certificate.public_key()
    assert "private_key" not in repr(made)


def test_every_certificate_has_another_key_and_number() -> None:
    first, second = (new_identity(METER, P256, now=NOW) for _ in range(2))
    assert first.private_key != second.private_key
    numbers = {
        x509.load_der_x509_certificate(one.certificate).serial_number
        for one in (first, second)
    }
    assert len(numbers) == 2


def test_names_are_compared_without_case() -> None:
    made = new_identity(METER.upper(), P256, now=NOW)
    checked_certificate(made.certificate, METER)


def test_a_certificate_of_a_leap_day_ends_on_the_last_of_february() -> None:
    leap_day = datetime(2028, 2, 29, 12, 0, tzinfo=UTC)
    made = new_identity(METER, P256, now=leap_day)
    certificate = x509.load_der_x509_certificate(made.certificate)
    assert certificate.not_valid_after_utc == datetime(2035, 2, 28, 12, 0, tzinfo=UTC)


SHA_256 = SHA256()
Change = Callable[[x509.CertificateBuilder], x509.CertificateBuilder]


def a_certificate(change: Change, *, hash_: Any = SHA_256, key: Any = None) -> bytes:
    """A fit certificate with one thing changed."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{METER}.sm")])
    builder = (
        x509.CertificateBuilder()
        .serial_number(1 << 100)
        .issuer_name(name)
        .subject_name(name)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=1))
        .public_key(key.public_key())
    )
    return change(builder).sign(key, hash_).public_bytes(Encoding.DER)


def with_extension(value: x509.ExtensionType, critical: bool) -> Change:
    return lambda builder: builder.add_extension(value, critical=critical)


def key_usage(**more: bool) -> x509.KeyUsage:
    names = (
        *("digital_signature", "content_commitment", "key_encipherment"),
        *("data_encipherment", "key_agreement", "key_cert_sign", "crl_sign"),
        *("encipher_only", "decipher_only"),
    )
    return x509.KeyUsage(**{name: more.get(name, False) for name in names})


OTHER_NAME = x509.Name(
    [
        x509.NameAttribute(NameOID.COMMON_NAME, f"{METER}.sm"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "EMH"),
    ]
)
SERVER_AUTH, CLIENT_AUTH = (
    ExtendedKeyUsageOID.SERVER_AUTH,
    ExtendedKeyUsageOID.CLIENT_AUTH,
)
BASIC = x509.BasicConstraints(ca=False, path_length=None)

FIT: dict[str, Change] = {
    "without extensions": lambda builder: builder,
    "key usage": with_extension(key_usage(digital_signature=True), True),
    "no authority": with_extension(BASIC, False),
    "purposes": with_extension(
        x509.ExtendedKeyUsage([CLIENT_AUTH, SERVER_AUTH]), False
    ),
    "key id": with_extension(x509.SubjectKeyIdentifier(b"1"), False),
    "other name": with_extension(
        x509.SubjectAlternativeName([x509.DNSName(f"{METER}.sm")]), True
    ),
}
UNFIT: dict[str, Change] = {
    "an authority": with_extension(
        x509.BasicConstraints(ca=True, path_length=None), False
    ),
    "critical basic constraints": with_extension(BASIC, True),
    "key usage not critical": with_extension(key_usage(digital_signature=True), False),
    "key usage too wide": with_extension(
        key_usage(digital_signature=True, key_cert_sign=True), True
    ),
    "half the purposes": with_extension(x509.ExtendedKeyUsage([SERVER_AUTH]), False),
    "issuer's key id": with_extension(
        x509.AuthorityKeyIdentifier(b"1", None, None), False
    ),
    "a policy": with_extension(x509.PolicyConstraints(None, 0), False),
    "serial number too short": lambda builder: with_serial(builder, 1 << 20),
    "two parts in the name": lambda builder: with_name(builder, OTHER_NAME),
}


def with_serial(builder: x509.CertificateBuilder, number: int) -> Any:
    builder._serial_number = number  # the builder lets it be set once only
    return builder


def with_name(builder: x509.CertificateBuilder, name: x509.Name) -> Any:
    builder._subject_name = builder._issuer_name = name
    return builder


@pytest.mark.parametrize("change", FIT.values(), ids=FIT)
def test_what_the_profile_allows_is_accepted(change: Change) -> None:
    checked_certificate(a_certificate(change), METER)


@pytest.mark.parametrize("change", UNFIT.values(), ids=UNFIT)
def test_what_the_profile_forbids_is_refused(change: Change) -> None:
    with pytest.raises(CertificateUnfit):
        checked_certificate(a_certificate(change), METER)


def test_other_hashes_and_curves_are_refused() -> None:
    with pytest.raises(CertificateUnfit):
        checked_certificate(a_certificate(lambda b: b, hash_=SHA512()), METER)
    key = ec.generate_private_key(ec.SECP256K1())
    with pytest.raises(CertificateUnfit):
        checked_certificate(a_certificate(lambda b: b, key=key), METER)


def test_another_devices_certificate_is_refused() -> None:
    made = new_identity(GATEWAY, BRAINPOOL_P256, now=NOW)
    with pytest.raises(CertificateUnfit):
        checked_certificate(made.certificate, METER)


def test_no_byte_of_a_certificate_can_be_changed() -> None:
    der = new_identity(METER, P256, now=NOW).certificate
    for at in range(len(der)):
        changed = bytearray(der)
        changed[at] ^= 1
        with pytest.raises(CertificateUnfit):
            checked_certificate(bytes(changed), METER)


def test_the_curve_is_the_gateways_first_that_the_meter_has() -> None:
    assert curve_for((23, 27, 26)) is BRAINPOOL_P256
    assert curve_for((27, 23)) is P256
    assert curve_for((27,)) is BRAINPOOL_P384
    assert curve_for((29, 24)) is None


@pytest.mark.req("R28")
def test_the_last_six_months_of_a_certificate_are_warned_of() -> None:
    """R28: 100704 for the gateway's certificate, 100705 for any of a meter's."""
    own = new_identity(GATEWAY, P256, now=NOW, years=7).certificate
    old = new_identity(METER, P256, now=NOW, years=7).certificate
    new = new_identity(METER, P256, now=NOW, years=8).certificate
    early = datetime(2032, 9, 1, 11, 0, 0, tzinfo=UTC)
    late = early + timedelta(seconds=1)
    assert expiry_warnings(gateway=[own], meters=[new, old], now=early) == []
    assert expiry_warnings(gateway=[own], meters=[new], now=late) == [100704]
    assert expiry_warnings(gateway=[], meters=[new, old], now=late) == [100705]
    assert expiry_warnings(gateway=[own], meters=[old], now=late) == [100704, 100705]


def test_a_certificate_is_renewed_nine_months_before_its_end() -> None:
    der = new_identity(METER, P256, now=NOW).certificate
    day = datetime(2032, 6, 1, 11, 0, 1, tzinfo=UTC)
    assert not is_renewal_due(der, day - timedelta(seconds=1))
    assert is_renewal_due(der, day)
