"""How Django recognises a consumer: by password, digest answer, or certificate.

`axes.backends.AxesStandaloneBackend` stands before both and refuses while the
access is locked. `ModelBackend` cannot be used: it sets a password on a blank
account to hide unknown names, which our account refuses.
"""

import hmac
import re
import secrets
from dataclasses import dataclass
from functools import cached_property

from cryptography.exceptions import InvalidTag
from django.contrib.auth.hashers import make_password
from django.db.models import QuerySet

from meters.accounts import Algorithm, ha1
from meters.models import Account
from portal.digest import DigestAnswer, expected_response, same_algorithm
from portal.request import PortalRequest

NOT_CONFIGURED = "Die Anmeldung mit Passwort ist nicht freigegeben."
UNREADABLE = "Die hinterlegten Zugangsdaten sind nicht lesbar."
"""Arguments of event 5001/2; log texts are German."""

_USERNAME = re.compile(r"[!-~]{1,32}")


class ConsumerBackend:
    """Finds the account behind a login; the technician has no way in here."""

    def get_user(self, user_id: int) -> Account | None:
        """The active account of a login cookie."""
        return _consumers().filter(pk=user_id).first()


@dataclass(frozen=True)
class PasswordCheck:
    """User name and password of the login form; the slow hash is computed once."""

    username: str
    password: str

    @cached_property
    def account(self) -> Account | None:
        """The account when both are right; an unknown name takes as long."""
        account = _account(self.username)
        if account is None:
            make_password(self.password)
            return None
        return account if account.check_password(self.password) else None


class PasswordBackend(ConsumerBackend):
    """User name and password of the login form."""

    def authenticate(
        self,
        request: PortalRequest,
        username: str | None = None,
        check: PasswordCheck | None = None,
    ) -> Account | None:
        """The account, or None."""
        account = None if check is None else check.account
        if account is None or not _may_use_password(request, account):
            return None
        return account


class DigestBackend(ConsumerBackend):
    """A digest answer whose nonce, realm and uri were found good before."""

    def authenticate(
        self,
        request: PortalRequest,
        username: str | None = None,
        digest: DigestAnswer | None = None,
    ) -> Account | None:
        """The account, or None; compares in constant time."""
        if username is None or digest is None:
            return None
        account = _account(username)
        secret = _secret(request, account, digest)
        expected = expected_response(secret, digest, request.method or "")
        sent = digest.response.encode("latin-1")
        if not hmac.compare_digest(expected.encode(), sent) or account is None:
            return None
        return account if _may_use_password(request, account) else None


class CertificateBackend(ConsumerBackend):
    """Logins that `certificate_login` begins; it finds their account by the cookie."""

    def authenticate(self, request: PortalRequest) -> None:
        """Nobody: there are no credentials to check but those of the connection."""


def _consumers() -> QuerySet[Account]:
    return Account.objects.select_related("consumer").filter(
        role=Account.Role.CONSUMER, is_active=True
    )


def _account(username: str) -> Account | None:
    """The account of a name; no database is asked for what cannot be one."""
    if not _USERNAME.fullmatch(username):
        return None
    return _consumers().filter(username=username).first()


def _secret(
    request: PortalRequest, account: Account | None, digest: DigestAnswer
) -> str:
    """HA1 of the account; a random one for an unknown name or without a password."""
    stored = ""
    if account is not None:
        try:
            stored = ha1(request.gateway, account, _algorithm(digest))
        except InvalidTag:
            request.login_error = UNREADABLE
    return stored or secrets.token_hex(16)


def _algorithm(digest: DigestAnswer) -> Algorithm:
    return "SHA-256" if same_algorithm(digest.algorithm, "SHA-256") else "MD5"


def _may_use_password(request: PortalRequest, account: Account) -> bool:
    """Whether the consumer's access is configured for passwords (R100)."""
    if account.consumer is not None and account.consumer.password_login:
        return True
    request.login_error = NOT_CONFIGURED
    return False
