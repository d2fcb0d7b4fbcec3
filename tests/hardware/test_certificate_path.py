"""Strict path validation: every refusal by a certificate that deserves it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware import pki
from hardware.certificate_path import (
    CertificateRefused,
    Purpose,
    Refusal,
    Revoked,
    check_path,
    check_pinned_certificate,
    check_root,
    read_certificate,
    revoked_entry,
)
from hardware.revocation_list import check_revocation_list

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = ec.generate_private_key(ec.BrainpoolP256R1())
PKI = pki.make_pki(NOW)
OTHER = pki.make_pki(NOW)
LATER = NOW + timedelta(days=100)
AUTHORITY = x509.BasicConstraints(ca=True, path_length=0)
END = x509.BasicConstraints(ca=False, path_length=None)


def a_certificate(
    purpose: Purpose = Purpose.TLS, **changes: object
) -> x509.Certificate:
    options: dict[str, object] = {"common_name": "emt-1.emt", "now": NOW, **changes}
    authority = options.pop("authority", PKI.sub)
    key = options.pop("key", KEY.public_key())
    return pki.issue(authority, key, purpose=purpose, **options)  # type: ignore


@pytest.mark.req("R69")
@pytest.mark.parametrize("purpose", Purpose)
def test_a_triple_of_the_pki_has_a_path_to_the_root(purpose: Purpose) -> None:
    """R69: what the PKI issued for a purpose is accepted for it, to the last moment."""
    made = a_certificate(purpose)
    for now in (NOW, LATER, made.not_valid_after_utc, None):
        path = check_path(
            made,
            PKI.chain,
            [PKI.root.certificate],
            purpose=purpose,
            now=now,
            common_name="EMT-1.emt",
        )
        assert path == [made, PKI.sub.certificate, PKI.root.certificate]


def written(
    authority: pki.Authority = PKI.sub,
    *,
    without: type[x509.ExtensionType] | None = None,
    instead: x509.ExtensionType | None = None,
    critical: bool = False,
    subject: x509.Name | None = None,
    key: object = None,
) -> x509.Certificate:
    """A TLS certificate of the PKI with one thing written otherwise."""
    model = a_certificate()
    builder = (
        x509.CertificateBuilder()
        .subject_name(model.subject if subject is None else subject)
        .issuer_name(authority.certificate.subject)
        .public_key(key or KEY.public_key())  # type: ignore[arg-type]
        .serial_number(7)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=700))
    )
    for each in model.extensions:
        if not isinstance(each.value, without or type(instead)):
            builder = builder.add_extension(each.value, each.critical)
    if instead is not None:
        builder = builder.add_extension(instead, critical)
    return builder.sign(authority.key, SHA256())


def spoilt(certificate: x509.Certificate) -> x509.Certificate:
    """The same with the last byte of its signature changed."""
    der = bytearray(certificate.public_bytes(Encoding.DER))
    der[-1] ^= 1
    return x509.load_der_x509_certificate(bytes(der))


def a_sub(**changes: object) -> pki.Authority:
    """A sub-CA of the root with other constraints or usage."""
    key = ec.generate_private_key(ec.BrainpoolP256R1())
    constraints = changes.get("constraints", AUTHORITY)
    usage = changes.get("usage", pki.key_usage(None))
    name = pki.distinguished_name(pki.SUB_NAME, 9)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(PKI.root.certificate.subject)
        .public_key(key.public_key())
        .serial_number(9)
        .not_valid_before(NOW)
        .not_valid_after(changes.get("end", NOW + pki.SUB_LIFETIME))  # type: ignore
    )
    ski = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = builder.add_extension(ski, critical=False)
    for extension in (constraints, usage):
        if extension is not None:
            builder = builder.add_extension(extension, critical=True)  # type: ignore
    return pki.Authority(builder.sign(PKI.root.key, SHA256()), key)


def below(sub: pki.Authority, *more: pki.Authority) -> "Case":
    """A good end certificate below a bad authority."""
    chain = [sub.certificate, *(each.certificate for each in more)]
    return Case(a_certificate(authority=sub), Refusal.ISSUER_INVALID, chain=chain)


def test_a_pinned_certificate_with_purposes_of_something_else_is_refused() -> None:
    """In the HAN they may be missing; what is named must be TLS."""
    check_pinned_certificate(written(without=x509.ExtendedKeyUsage), now=NOW)
    with pytest.raises(CertificateRefused) as refused:
        check_pinned_certificate(written(instead=SIGNS_CODE), now=NOW)
    assert refused.value.refusal is Refusal.KEY_USAGE


def two_subs() -> "Case":
    """A sub-CA below one that may have none below."""
    first = pki.make_sub_authority(PKI.root, NOW)
    second = pki.make_sub_authority(replace(first), NOW, number=2)
    return below(second, first)


@dataclass
class Case:
    """A certificate and why it has to be refused."""

    certificate: x509.Certificate
    refusal: Refusal
    purpose: Purpose = Purpose.TLS
    chain: list[x509.Certificate] | None = None
    now: datetime = LATER
    revoked: tuple[Revoked, ...] = ()
    name: str | None = None


def usage(**changes: bool) -> x509.KeyUsage:
    found = pki.key_usage(Purpose.TLS)
    names = [
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
    ]
    values = {name: getattr(found, name) for name in names}
    return x509.KeyUsage(
        **{**values, **changes}, encipher_only=False, decipher_only=False
    )


UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
NO_NAME = x509.Name([x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "DE")])
TWO_NAMES = x509.Name(
    [x509.NameAttribute(x509.NameOID.COMMON_NAME, each) for each in ("a.emt", "b.emt")]
)
RSA = rsa.generate_private_key(65537, 2048).public_key()
OLD_CURVE = ec.generate_private_key(ec.SECP224R1()).public_key()
AS_AUTHORITY = usage(key_cert_sign=True)
MIXED = usage(key_agreement=True)
SIGNS_CODE = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING])

CASES: dict[str, Callable[[], Case]] = {
    "expired": lambda: Case(
        a_certificate(), Refusal.EXPIRED, now=NOW + pki.END_LIFETIME + timedelta(0, 1)
    ),
    "not yet valid": lambda: Case(
        a_certificate(now=LATER), Refusal.NOT_YET_VALID, now=LATER - timedelta(0, 1)
    ),
    "issuer expired": lambda: Case(
        a_certificate(authority=(sub := a_sub(end=NOW + timedelta(days=9)))),
        Refusal.EXPIRED,
        chain=[sub.certificate],
    ),
    "for encryption, used for TLS": lambda: Case(
        a_certificate(Purpose.ENC), Refusal.KEY_USAGE
    ),
    "for TLS, used for encryption": lambda: Case(
        a_certificate(), Refusal.KEY_USAGE, Purpose.ENC
    ),
    "for TLS, with purposes of something else": lambda: Case(
        written(instead=SIGNS_CODE), Refusal.KEY_USAGE
    ),
    "for two purposes": lambda: Case(written(instead=MIXED), Refusal.KEY_USAGE),
    "signs certificates": lambda: Case(
        written(instead=AS_AUTHORITY), Refusal.KEY_USAGE
    ),
    "without key usage": lambda: Case(
        written(without=x509.KeyUsage), Refusal.KEY_USAGE
    ),
    "an authority": lambda: Case(written(instead=AUTHORITY), Refusal.EXTENSION),
    "without key identifier": lambda: Case(
        written(without=x509.SubjectKeyIdentifier), Refusal.EXTENSION
    ),
    "unknown critical extension": lambda: Case(
        written(instead=UNKNOWN, critical=True), Refusal.EXTENSION
    ),
    "no common name": lambda: Case(written(subject=NO_NAME), Refusal.NAME),
    "two common names": lambda: Case(written(subject=TWO_NAMES), Refusal.NAME),
    "another's name": lambda: Case(a_certificate(), Refusal.NAME, name="emt-2.emt"),
    "RSA": lambda: Case(written(key=RSA), Refusal.ALGORITHM),
    "curve too short": lambda: Case(written(key=OLD_CURVE), Refusal.ALGORITHM),
    "foreign PKI of the same names": lambda: Case(
        a_certificate(authority=OTHER.sub),
        Refusal.ISSUER_UNTRUSTED,
        chain=[OTHER.sub.certificate, OTHER.root.certificate],
    ),
    "signed by a foreign key": lambda: Case(
        written(pki.Authority(PKI.sub.certificate, OTHER.sub.key)), Refusal.SIGNATURE
    ),
    "signature changed": lambda: Case(spoilt(a_certificate()), Refusal.SIGNATURE),
    "without the sub-CA": lambda: Case(
        a_certificate(), Refusal.ISSUER_UNTRUSTED, chain=[]
    ),
    "self-signed": lambda: Case(
        written(pki.Authority(written(), KEY)), Refusal.ISSUER_UNTRUSTED
    ),
    "issuer is an end certificate": lambda: below(a_sub(constraints=END)),
    "issuer without constraints": lambda: below(a_sub(constraints=None)),
    "issuer without usage": lambda: below(a_sub(usage=None)),
    "issuer may not sign": lambda: below(a_sub(usage=usage())),
    "a sub-CA too many": two_subs,
    "revoked": lambda: Case(
        (made := a_certificate()), Refusal.REVOKED, revoked=(revoked_entry(made),)
    ),
    "issuer revoked": lambda: Case(
        a_certificate(),
        Refusal.REVOKED,
        revoked=(revoked_entry(PKI.sub.certificate),),
    ),
}


@pytest.mark.req("R69")
@pytest.mark.parametrize("name", CASES)
def test_a_path_with_one_fault_is_refused(name: str) -> None:
    """R69: a foreign, expired, misused or changed chain is refused, with its code."""
    case = CASES[name]()
    with pytest.raises(CertificateRefused) as refused:
        check_path(
            case.certificate,
            PKI.chain if case.chain is None else case.chain,
            [PKI.root.certificate],
            purpose=case.purpose,
            now=case.now,
            revoked=case.revoked,
            common_name=case.name,
        )
    assert refused.value.refusal is case.refusal, str(refused.value)
    assert refused.value.code == case.refusal.code


def test_the_table_provokes_every_refusal_of_a_path() -> None:
    elsewhere = {Refusal.UNREADABLE, Refusal.ROOT_CURVE, Refusal.NOT_PINNED}
    provoked = {make().refusal for make in CASES.values()}
    assert provoked | elsewhere == set(Refusal)


def test_a_root_is_no_end_certificate() -> None:
    root = PKI.root.certificate
    with pytest.raises(CertificateRefused):
        check_path(root, [], [root], purpose=Purpose.SIG, now=LATER)


@pytest.mark.parametrize(
    ("root", "refusal"),
    [
        (pki.make_root(NOW, curve=ec.SECP256R1()).certificate, Refusal.ROOT_CURVE),
        (PKI.sub.certificate, Refusal.ISSUER_INVALID),
        (spoilt(PKI.root.certificate), Refusal.SIGNATURE),
        (a_certificate(), Refusal.ISSUER_INVALID),
    ],
)
def test_only_a_root_of_the_sm_pki_is_a_root(
    root: x509.Certificate, refusal: Refusal
) -> None:
    with pytest.raises(CertificateRefused) as refused:
        check_root(root)
    assert refused.value.refusal is refusal


DER = a_certificate().public_bytes(Encoding.DER)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(DER) - 1), st.integers(1, 255))
def test_no_changed_byte_of_a_certificate_is_accepted(at: int, change: int) -> None:
    changed = bytearray(DER)
    changed[at] ^= change
    with pytest.raises(CertificateRefused):
        check_path(
            read_certificate(bytes(changed)),
            PKI.chain,
            [PKI.root.certificate],
            purpose=Purpose.TLS,
            now=LATER,
        )


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_bytes_that_are_no_certificate_are_refused(data: bytes) -> None:
    for each in (data, DER[: len(data)], b"-----BEGIN CERTIFICATE-----\n" + data):
        with pytest.raises(CertificateRefused) as refused:
            read_certificate(each)
        assert refused.value.refusal is Refusal.UNREADABLE


def test_a_certificate_is_read_from_pem_too_and_not_without_limit() -> None:
    made = a_certificate()
    assert read_certificate(made.public_bytes(Encoding.PEM)) == made
    with pytest.raises(CertificateRefused):
        read_certificate(DER + bytes(10_000))


def test_a_revocation_list_of_a_trusted_issuer_is_taken() -> None:
    made = a_certificate()
    crl = pki.revocation_list(PKI.sub, [made], now=NOW).public_bytes(Encoding.DER)
    issuers = [PKI.root.certificate, PKI.sub.certificate]
    issuer, found = check_revocation_list(crl, issuers, now=NOW + timedelta(days=1))
    assert issuer == PKI.sub.certificate
    assert [entry.serial_number for entry in found] == [made.serial_number]


@pytest.mark.parametrize(
    ("authority", "now", "refusal"),
    [
        (OTHER.sub, NOW, Refusal.ISSUER_UNTRUSTED),
        (PKI.sub, NOW - timedelta(days=1), Refusal.NOT_YET_VALID),
        (PKI.sub, NOW + pki.LIST_LIFETIME, Refusal.EXPIRED),
    ],
)
def test_a_foreign_early_or_outdated_revocation_list_is_refused(
    authority: pki.Authority, now: datetime, refusal: Refusal
) -> None:
    crl = pki.revocation_list(authority, [], now=NOW).public_bytes(Encoding.PEM)
    with pytest.raises(CertificateRefused) as refused:
        check_revocation_list(crl, PKI.chain, now=now)
    assert refused.value.refusal is refusal
