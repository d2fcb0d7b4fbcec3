"""Logging in by the TLS client certificate of the connection (R99, R100).

Pages ask for a click, after logging out for a new one; programs of the JSON interface
need nothing but the certificate, as TRuDI with its PKCS#12 file (han-json-api.md 2.1).
"""

import hmac
from collections.abc import Callable
from hashlib import sha256

from django.contrib import auth
from django.http.response import HttpResponseBase

from hardware.certificate_path import CertificateRefused, Refusal
from meters.account_certificates import account_by_certificate
from meters.models import Account
from portal.certificate_log import (
    log_certificate_login,
    log_certificate_use,
    log_refused_login,
    log_refused_use,
)
from portal.lockout import lock_left
from portal.login import ONE_ATTEMPT_AT_A_TIME
from portal.request import PortalRequest, peer_certificate

Handler = Callable[[PortalRequest], HttpResponseBase]

CERTIFICATE_KEY = "certificate"
"""Where the login row keeps the fingerprint of the certificate that logged in."""
BACKEND = "portal.backends.CertificateBackend"

_BROWSER_HEADERS = ("HTTP_SEC_FETCH_MODE", "HTTP_ORIGIN")


class AccessLocked(Exception):
    """Too many failures: certificates are refused too (decisions D27)."""


def log_in_by_certificate(request: PortalRequest) -> None:
    """Begin the login of the certificate's consumer, bound to this certificate.

    Raises CertificateRefused, which is logged, and AccessLocked, which is not.
    """
    der = peer_certificate(request)
    with ONE_ATTEMPT_AT_A_TIME:
        if lock_left() is not None:
            raise AccessLocked
        try:
            account = _account(request, der)
        except CertificateRefused as refused:
            if der:
                log_refused_login(request, der, refused)
            raise
    auth.login(request, account, backend=BACKEND)
    request.session[CERTIFICATE_KEY] = sha256(der).hexdigest()
    log_certificate_login(request, der, account.consumer_id or "")


def account_of_program(request: PortalRequest) -> Account | None:
    """Whose certificate a program shows; None when that logs nobody in.

    Browsers do not count: they would show it after logging out too, and for any
    page that sends them here.
    """
    der = peer_certificate(request)
    if not der or any(name in request.META for name in _BROWSER_HEADERS):
        return None
    if lock_left() is not None:
        return None
    try:
        account = _account(request, der)
    except CertificateRefused as refused:
        log_refused_use(request, der, refused)
        return None
    log_certificate_use(request, der, account.consumer_id or "")
    return account


class CertificateMiddleware:
    """Ends a login by certificate on a connection without this very certificate.

    Also as soon as the certificate is withdrawn, has expired or its consumer may not
    use it any more. Stands behind AuthenticationMiddleware.
    """

    def __init__(self, get_response: Handler) -> None:
        self._get_response = get_response

    def __call__(self, request: PortalRequest) -> HttpResponseBase:
        """Answer one request."""
        bound_to = request.session.get(CERTIFICATE_KEY)
        if bound_to and not _is_still_good(request, bound_to):
            auth.logout(request)
        return self._get_response(request)


def _is_still_good(request: PortalRequest, fingerprint: str) -> bool:
    der = peer_certificate(request)
    if not hmac.compare_digest(sha256(der).hexdigest(), fingerprint):
        return False
    try:
        account = _account(request, der)
    except CertificateRefused:
        return False
    return account == request.user


def _account(request: PortalRequest, der: bytes) -> Account:
    if not der:
        raise CertificateRefused(Refusal.NOT_PINNED, "no certificate was shown")
    return account_by_certificate(
        request.gateway, der, Account.Role.CONSUMER, now=request.received_at
    )
