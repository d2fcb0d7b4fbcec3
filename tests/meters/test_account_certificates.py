"""Client certificates of consumers and technicians: issued, pinned, withdrawn."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    load_pem_private_key,
    pkcs12,
)

from hardware.certificate_path import CertificateRefused, Purpose
from hardware.gateway import Gateway
from meters.account_certificates import (
    IssuedCertificate,
    account_by_certificate,
    issue_consumer_certificate,
    issue_technician_certificate,
    set_account_certificate,
    withdraw_account_certificate,
)
from meters.accounts import AccountInvalid, create_account
from meters.models import Account, Consumer
from tests.logbooks.pki_gateway import Lab

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CONSUMER, TECHNICIAN = Account.Role.CONSUMER, Account.Role.TECHNICIAN

pytestmark = pytest.mark.django_db


@pytest.fixture
def consumer(gateway: Gateway) -> Account:
    someone = Consumer.objects.create(id="hks2")
    return create_account(gateway, username="hks2", role=CONSUMER, consumer=someone)


@pytest.fixture
def technician(gateway: Gateway) -> Account:
    return create_account(gateway, username="technik", role=TECHNICIAN)


def der(issued: IssuedCertificate) -> bytes:
    parsed = x509.load_pem_x509_certificate(issued.certificate)
    return parsed.public_bytes(Encoding.DER)


@pytest.mark.req("R98")
def test_a_consumer_is_known_by_the_certificate_that_was_issued_to_him(
    gateway: Gateway, consumer: Account
) -> None:
    """R98: the exact certificate says who it is; the access is opened for it."""
    issued = issue_consumer_certificate(gateway, consumer, now=NOW)
    found = account_by_certificate(gateway, der(issued), CONSUMER, now=NOW)
    assert found == consumer and found.consumer is not None
    assert found.consumer.certificate_login
    subject = x509.load_pem_x509_certificate(issued.certificate).subject
    assert "CN=hks2.con" in subject.rfc4514_string()


def test_the_p12_opens_with_its_pin_and_holds_the_same_key(
    gateway: Gateway, consumer: Account
) -> None:
    issued = issue_consumer_certificate(gateway, consumer, now=NOW, pin="1234")
    key, certificate, chain = pkcs12.load_key_and_certificates(issued.p12, b"1234")
    assert key is not None and certificate is not None
    assert certificate.public_key() == key.public_key()
    again = load_pem_private_key(issued.key, None)
    assert again.public_key() == key.public_key()
    certificate.verify_directly_issued_by(chain[0])
    assert len(issue_consumer_certificate(gateway, consumer, now=NOW).pin) == 16
    with pytest.raises(ValueError):
        pkcs12.load_key_and_certificates(issued.p12, b"4321")


def test_a_new_certificate_ends_the_one_before(
    gateway: Gateway, technician: Account
) -> None:
    first = issue_technician_certificate(gateway, technician, now=NOW)
    second = issue_technician_certificate(gateway, technician, now=NOW)
    found = account_by_certificate(gateway, der(second), TECHNICIAN, now=NOW)
    assert found == technician
    with pytest.raises(CertificateRefused) as refused:
        account_by_certificate(gateway, der(first), TECHNICIAN, now=NOW)
    assert refused.value.code == 2200044


@pytest.mark.parametrize(
    ("days", "code"), [(-2, 2200042), (0, None), (729, None), (731, 2200041)]
)
def test_validity_goes_by_gateway_time(
    gateway: Gateway, technician: Account, days: int, code: int | None
) -> None:
    issued = issue_technician_certificate(gateway, technician, now=NOW)
    now = NOW + timedelta(days=days)
    try:
        account_by_certificate(gateway, der(issued), TECHNICIAN, now=now)
        refused = None
    except CertificateRefused as error:
        refused = error.code
    assert refused == code


@pytest.mark.req("R98")
def test_a_certificate_never_serves_another_role_or_a_closed_access(
    gateway: Gateway, consumer: Account, technician: Account
) -> None:
    """R98: a technician's certificate is none for consumers, and the reverse."""
    theirs = der(issue_technician_certificate(gateway, technician, now=NOW))
    his = der(issue_consumer_certificate(gateway, consumer, now=NOW))
    for shown, role in ((theirs, CONSUMER), (his, TECHNICIAN)):
        with pytest.raises(CertificateRefused):
            account_by_certificate(gateway, shown, role, now=NOW)
    Consumer.objects.update(certificate_login=False)
    with pytest.raises(CertificateRefused):
        account_by_certificate(gateway, his, CONSUMER, now=NOW)
    Account.objects.filter(pk=technician.pk).update(is_active=False)
    with pytest.raises(CertificateRefused):
        account_by_certificate(gateway, theirs, TECHNICIAN, now=NOW)


def test_a_withdrawn_certificate_logs_nobody_in(
    gateway: Gateway, technician: Account
) -> None:
    issued = issue_technician_certificate(gateway, technician, now=NOW)
    assert withdraw_account_certificate(technician, now=NOW)
    assert not withdraw_account_certificate(technician, now=NOW)
    with pytest.raises(CertificateRefused):
        account_by_certificate(gateway, der(issued), TECHNICIAN, now=NOW)


def test_a_certificate_from_elsewhere_can_be_pinned_for_one_account_only(
    gateway: Gateway, consumer: Account, technician: Account
) -> None:
    data, _key = Lab(NOW).partner("meier")
    set_account_certificate(gateway, technician, data, now=NOW)
    found = account_by_certificate(gateway, data, TECHNICIAN, now=NOW)
    assert found == technician
    with pytest.raises(CertificateRefused):
        set_account_certificate(gateway, consumer, data, now=NOW)
    sealing, _key = Lab(NOW).partner("meier", Purpose.ENC)
    with pytest.raises(CertificateRefused):
        set_account_certificate(gateway, technician, sealing, now=NOW)


def test_the_kind_of_account_must_fit(
    gateway: Gateway, consumer: Account, technician: Account
) -> None:
    with pytest.raises(AccountInvalid):
        issue_consumer_certificate(gateway, technician, now=NOW)
    with pytest.raises(AccountInvalid):
        issue_technician_certificate(gateway, consumer, now=NOW)
