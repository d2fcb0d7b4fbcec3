"""What a consumer gets from his metering operator: his secrets, made anew (R108).

A secret is shown when it is made and never again. So handing over means making new
ones; the old password and the old certificate log nobody in any more.
"""

from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from hardware.gateway import Gateway
from meters.account_certificates import IssuedCertificate, issue_consumer_certificate
from meters.accounts import AccountInvalid, new_password, set_consumer_password
from meters.credential_changes import note_new_credentials
from meters.models import Account, Consumer


@dataclass(frozen=True, slots=True)
class Handover:
    """New secrets of a consumer; `password` and `certificate` only where asked for."""

    username: str
    password: str = field(default="", repr=False)
    certificate: IssuedCertificate | None = field(default=None, repr=False)


@transaction.atomic
def hand_over(
    gateway: Gateway,
    username: str,
    *,
    password: bool = False,
    certificate: bool = False,
    now: datetime,
) -> Handover:
    """Make new secrets for a consumer, and log that they were (20033).

    `password` opens his access for passwords and `certificate` for certificates;
    without both he gets what his access is open for. Raises AccountInvalid.
    """
    account, consumer = _consumer_of(username)
    if not password and not certificate:
        password, certificate = consumer.password_login, consumer.certificate_login
    if not password and not certificate:
        raise AccountInvalid("user", "his access is open for neither way to log in")
    made = Handover(
        username,
        _new_password(gateway, account, consumer) if password else "",
        issue_consumer_certificate(gateway, account, now=now) if certificate else None,
    )
    note_new_credentials(gateway, consumer.pk, now=now)
    return made


def _consumer_of(username: str) -> tuple[Account, Consumer]:
    account = (
        Account.objects.select_related("consumer")
        .filter(username=username, role=Account.Role.CONSUMER, is_active=True)
        .first()
    )
    if account is None or account.consumer is None:
        raise AccountInvalid("user", f"there is no consumer's user {username}")
    return account, account.consumer


def _new_password(gateway: Gateway, account: Account, consumer: Consumer) -> str:
    password = new_password(gateway)
    set_consumer_password(gateway, account, password)
    if not consumer.password_login:
        consumer.password_login = True
        consumer.save(update_fields=["password_login"])
    return password
