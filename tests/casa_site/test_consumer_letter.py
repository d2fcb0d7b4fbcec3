"""The letter of the metering operator."""

import stat
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12
from django.core.management import call_command
from django.core.management.base import CommandError

from casa_site.management.commands import consumer_letter
from hardware.gateway import Gateway
from hardware.han_certificate import ensure_han_files
from logbooks import selectors
from meters.account_certificates import account_by_certificate
from meters.accounts import create_account
from meters.configuration import create_consumer
from meters.models import Account, Consumer

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> Account:
    monkeypatch.setattr(consumer_letter, "open_configured_gateway", lambda: gateway)
    return create_account(
        gateway,
        username="meier",
        role=Account.Role.CONSUMER,
        consumer=create_consumer(gateway, "meier"),
        password="from the delivery",
    )


def letter(*arguments: str) -> str:
    out = StringIO()
    call_command("consumer_letter", *arguments, stdout=out)
    return out.getvalue()


def after(word: str, text: str) -> str:
    return next(
        line.partition(":")[2].strip()
        for line in text.split("\n")
        if line.startswith(word)
    )


@pytest.mark.req("R108")
def test_the_letter_holds_everything_and_its_password_logs_in(
    gateway: Gateway, account: Account
) -> None:
    """R108: address, user, new password, fingerprint; the old password is void."""
    files = ensure_han_files(gateway, addresses=["192.168.7.2"], now=datetime.now(UTC))
    text = letter("meier")
    account.refresh_from_db()
    assert after("Benutzername", text) == "meier"
    assert account.check_password(after("Passwort", text))
    assert not account.check_password("from the delivery")
    for address in ("smgw.local", f"{gateway.huid}.local", "192.168.7.2"):
        assert f"  https://{address}\n" in text
    assert "127.0.0.1" not in text and "localhost" not in text
    served = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    digits = served.fingerprint(SHA256()).hex().upper()
    assert digits in "".join(text.split())


@pytest.mark.req("R108")
def test_each_letter_has_secrets_of_its_own_and_is_logged(
    gateway: Gateway, account: Account
) -> None:
    """R108: what was printed cannot be printed again; 20033 for consumer and GWA."""
    first, second = (after("Passwort", letter("meier")) for _ in range(2))
    account.refresh_from_db()
    assert first != second
    assert not account.check_password(first)
    log = selectors.consumer_log("meier")
    assert [line.event_id for line in log].count(20033) == 2
    assert "meier" in log[0].text
    assert "meier" not in selectors.system_log()[0].text


@pytest.mark.req("R108")
def test_the_letter_of_a_certificate_names_its_file_and_pin(
    gateway: Gateway, account: Account, tmp_path: Path
) -> None:
    """R108: the .p12 file opens with the PIN, and logs in."""
    Consumer.objects.update(password_login=False, certificate_login=True)
    text = letter("meier")
    assert "Passwort:" not in text
    file, pin = Path(after("Zertifikat", text)), after("PIN", text)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    found = pkcs12.load_pkcs12(file.read_bytes(), pin.encode())
    assert found.cert is not None
    der = found.cert.certificate.public_bytes(Encoding.DER)
    role, now = Account.Role.CONSUMER, gateway.clock.now()
    assert account_by_certificate(gateway, der, role, now=now) == account
    chosen = tmp_path / "meier.p12"
    assert f"{chosen}" in letter("meier", "--certificate", "--p12", str(chosen))
    assert chosen.exists()


def test_both_secrets_can_be_asked_for_and_another_port(account: Account) -> None:
    text = letter("meier", "--password", "--certificate", "--port", "8443")
    assert after("PIN", text) and after("Passwort", text)
    assert "https://smgw.local:8443\n" in text
    consumer = Consumer.objects.get()
    assert consumer.password_login and consumer.certificate_login


def test_there_is_no_letter_for_nobody_and_for_no_way_in(account: Account) -> None:
    with pytest.raises(CommandError, match="no consumer's user nobody"):
        letter("nobody")
    Consumer.objects.update(password_login=False, certificate_login=False)
    with pytest.raises(CommandError, match="neither way"):
        letter("meier")


def test_a_letter_whose_file_cannot_be_written_leaves_the_old_secrets(
    account: Account, tmp_path: Path
) -> None:
    """Else a consumer would be locked out by a full disk."""
    target = tmp_path / "folder"
    target.mkdir()
    with pytest.raises(CommandError, match=r"\.p12 file was not written"):
        letter("meier", "--password", "--certificate", "--p12", str(target))
    account.refresh_from_db()
    assert account.check_password("from the delivery")
