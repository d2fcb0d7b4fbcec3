"""Login on the JSON interface: digest, cookie of the portal, or client certificate."""

from django.conf import settings
from django.contrib.auth import authenticate
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from meters.models import Account
from portal import digest
from portal.certificate_login import account_of_program
from portal.lockout import clear_failures
from portal.login import ONE_ATTEMPT_AT_A_TIME
from portal.login_log import log_digest_success
from portal.request import PortalRequest, account_of, portal_request_of


class LoginRefused(AuthenticationFailed):
    """Wrong or unusable credentials; `is_stale` asks the client to answer again."""

    def __init__(self, *, is_stale: bool = False) -> None:
        super().__init__()
        self.is_stale = is_stale


class DigestAuthentication(BaseAuthentication):
    """HTTP digest after han-json-api.md 2.3; without a header it leaves the field.

    While the access is locked axes lets no answer be checked. An unknown or old
    nonce gets a fresh challenge, its hash is never looked at, and it is not counted
    (D55).
    """

    def authenticate(self, request: Request) -> tuple[Account, None] | None:
        """The account and None; raises LoginRefused."""
        header = request.META.get("HTTP_AUTHORIZATION")
        if header is None:
            return None
        portal_request = portal_request_of(request)
        with ONE_ATTEMPT_AT_A_TIME:
            account = _checked(portal_request, header, self.algorithm())
        log_digest_success(portal_request, account)
        return account, None

    def authenticate_header(self, request: Request) -> str:
        """A challenge for a request without credentials."""
        return self.challenge(portal_request_of(request))

    def challenge(self, request: PortalRequest, *, is_stale: bool = False) -> str:
        """A fresh challenge; `is_stale` says that only the nonce was too old."""
        return digest.challenge(
            request.gateway,
            algorithm=self.algorithm(),
            stale=is_stale,
            now=request.received_at,
        )

    def algorithm(self) -> str:
        """The one hash that is offered and accepted."""
        return str(settings.DIGEST_ALGORITHM)


class Sha256DigestAuthentication(DigestAuthentication):
    """The same by SHA-256 alone (RFC 7616; decisions D26)."""

    def algorithm(self) -> str:
        """SHA-256, whatever the setting for /json/ says."""
        return "SHA-256"


class CookieAuthentication(BaseAuthentication):
    """The portal's login cookie, so that its JSON links open in the browser."""

    def authenticate(self, request: Request) -> tuple[Account, None] | None:
        """The account of the cookie, or None."""
        account = account_of(request._request)
        return None if account is None else (account, None)


class CertificateAuthentication(BaseAuthentication):
    """The client certificate of the connection, for programs (not for browsers)."""

    def authenticate(self, request: Request) -> tuple[Account, None] | None:
        """The account of the certificate, or None."""
        account = account_of_program(portal_request_of(request))
        return None if account is None else (account, None)


def _checked(request: PortalRequest, header: str, algorithm: str) -> Account:
    answer = digest.parse(header)
    if answer is None or not _fits(request, answer, algorithm):
        raise LoginRefused
    if not digest.is_current(request.gateway, answer.nonce, now=request.received_at):
        raise LoginRefused(is_stale=True)
    account = authenticate(request, username=answer.username, digest=answer)
    if not isinstance(account, Account):
        raise LoginRefused
    clear_failures(account.username)
    return account


def _fits(request: PortalRequest, answer: digest.DigestAnswer, algorithm: str) -> bool:
    """Whether the answer belongs to this gateway, this path and our challenge."""
    return (
        answer.realm == request.gateway.huid
        and answer.qop == "auth"
        and answer.uri == _request_target(request)
        and digest.same_algorithm(answer.algorithm, algorithm)
    )


def _request_target(request: PortalRequest) -> str:
    """Path and query as they stand on the request line.

    gunicorn keeps them; other servers only the decoded path, which is enough for
    paths without escapes.
    """
    raw: str = request.META.get("RAW_URI") or request.get_full_path()
    return raw
