"""The login page and its states: asked for, refused, locked, logged out."""

from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from django.http import HttpResponse
from django.utils.http import url_has_allowed_host_and_scheme

from hardware.certificate_path import CertificateRefused, Refusal
from hardware.gateway import Gateway
from hardware.han_certificate import han_files
from meters import selectors as meter_selectors
from portal import formats
from portal.certificate_log import written
from portal.frame import show
from portal.request import PortalRequest, peer_certificate
from portal.start_page import device


@dataclass(frozen=True, slots=True)
class Lock:
    """How long the access stays locked, in words."""

    until: str
    minutes: int
    seconds: int


def own_path(text: str, *, default: str = "/") -> str:
    """A path of this portal to go to next; `default` for anything else."""
    is_own = url_has_allowed_host_and_scheme(text, allowed_hosts=None)
    return text if is_own and text.startswith("/") else default


def login_page(
    request: PortalRequest, *, status: int = 200, **state: Any
) -> HttpResponse:
    """The page with the ways to log in.

    `state` may be wrong, certificate_problem, expired, logged_out, lock.
    """
    return show(
        request,
        "login",
        status=status,
        device=device(request.gateway, request.received_at),
        fingerprint=han_fingerprint(request.gateway),
        methods=methods_of(request),
        next=own_path(request.POST.get("next") or request.GET.get("next", "")),
        username=request.POST.get("username", ""),
        **state,
    )


@dataclass(frozen=True, slots=True)
class Methods:
    """The ways to log in that somebody may use; `shown` is the certificate's subject.

    A way that no consumer is set up for is not offered; while there is no consumer
    yet, the password is.
    """

    password: bool
    certificate: bool
    shown: str = ""


def methods_of(request: PortalRequest) -> Methods:
    """What the page offers, and which certificate the browser has shown already."""
    password, certificate = meter_selectors.login_methods()
    der = peer_certificate(request)
    shown = written(x509.load_der_x509_certificate(der).subject) if der else ""
    return Methods(password or not certificate, certificate, shown)


def certificate_problem(refused: CertificateRefused) -> str:
    """What the page says of a certificate that was refused."""
    return _PROBLEMS.get(refused.refusal, "unknown")


_PROBLEMS = {Refusal.EXPIRED: "expired", Refusal.NOT_YET_VALID: "early"}


def han_fingerprint(gateway: Gateway) -> str:
    """SHA-256 of the HAN certificate in groups of four digits; '' without one."""
    try:
        pem = han_files(gateway).certificate.read_bytes()
    except FileNotFoundError:
        return ""
    certificate = x509.load_pem_x509_certificate(pem)
    digits = certificate.fingerprint(SHA256()).hex().upper()
    return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))


def locked_page(request: PortalRequest, left: timedelta) -> HttpResponse:
    """The page while the access is locked for `left` (429); the form is disabled."""
    seconds = ceil(left.total_seconds())
    until = formats.clock_time(request.received_at + left)
    lock = Lock(until, *divmod(seconds, 60))
    response = login_page(request, status=429, lock=lock)
    response["Retry-After"] = str(seconds)
    return response
