"""What every path below /smgw/ has in common (TR-03109-1 detail specification ch. 6).

Login by digest with SHA-256 or by client certificate, limits on headers and address,
JSON in every answer, also of errors. The portal's cookie counts not here, and a page of
somebody else can do nothing: a request that a browser made for it carries an Origin.
"""

from typing import Any, ClassVar

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.exceptions import APIException, MethodNotAllowed, NotAuthenticated
from rest_framework.request import Request

from portal.con_query import Query, QueryInvalid, parse_query
from portal.digest_login import (
    CertificateAuthentication,
    LoginRefused,
    Sha256DigestAuthentication,
)
from portal.json_view import JSON, JsonView
from portal.lockout import lock_left, retry_after
from portal.readings import json_text
from portal.request import PortalRequest, portal_request_of

LONGEST_FIELD = 250
LONGEST_HEADER = 8500
LONGEST_TARGET = 2000
LONGEST_BODY = 1024
_CREDENTIALS = frozenset({"HTTP_AUTHORIZATION", "HTTP_COOKIE"})
"""A digest answer by SHA-256 is longer than 250 characters; for these the limit of the
whole header counts alone."""
_ACCEPTED = frozenset({"application/json", "application/*", "*/*", ""})


class Refused(Exception):
    """A request that is not answered: status and a sentence for the programmer."""

    def __init__(self, status: int, detail: str, **headers: str) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = headers


class ConView(JsonView):
    """A resource below /smgw/; subclasses answer in `document`, `self.query` known.

    `queries` are the names of the queries that the resource knows.
    """

    digest = Sha256DigestAuthentication()
    authentication_classes = (Sha256DigestAuthentication, CertificateAuthentication)
    queries: ClassVar[frozenset[str]] = frozenset()
    query = Query()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Limits first, then who asks, then what for."""
        _check_limits(request._request)
        super().initial(request, *args, **kwargs)
        _check_accept(request.META.get("HTTP_ACCEPT", ""))
        given = request._request.GET
        try:
            self.query = parse_query(dict(given.lists()), self.queries)
        except QueryInvalid as invalid:
            raise Refused(400, str(invalid)) from None

    def handle_exception(  # type: ignore[override]
        self, exc: Exception
    ) -> HttpResponseBase:
        """Every error as JSON with its status and a sentence."""
        if isinstance(exc, NotAuthenticated | LoginRefused):
            is_stale = getattr(exc, "is_stale", False)
            request = portal_request_of(self.request)
            return _challenged(self.digest.challenge(request, is_stale=is_stale))
        if isinstance(exc, Refused):
            return problem(exc.status, str(exc), **exc.headers)
        if isinstance(exc, Http404):
            return problem(404, "there is no such resource")
        if isinstance(exc, MethodNotAllowed):
            allowed = ", ".join(name.upper() for name in self.http_method_names)
            return problem(405, "not allowed here", Allow=allowed)
        if isinstance(exc, APIException):
            return problem(exc.status_code, "the request was not understood")
        raise exc


def problem(status: int, detail: str, **headers: str) -> HttpResponse:
    """An error: `{"status", "title", "detail"}`; underscores in names are dashes."""
    response = HttpResponse(status=status, content_type=JSON)
    title = response.reason_phrase
    body = {"status": status, "title": title, "detail": detail}
    response.content = f"{json_text(body)}\n".encode()
    response["Cache-Control"] = "no-store"
    for name, value in headers.items():
        response[name.replace("_", "-")] = value
    # Programs ask once in vain before every request: no warning with their paths.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


def demand_no_body(request: PortalRequest) -> None:
    """Refuse what an action takes no account of, and what a foreign page sent."""
    if "HTTP_ORIGIN" in request.META:
        raise Refused(403, "not for web pages")
    if request.META.get("HTTP_TRANSFER_ENCODING"):
        raise Refused(411, "say the length of the body")
    length = int(request.META.get("CONTENT_LENGTH") or 0)
    if length > LONGEST_BODY:
        raise Refused(413, f"more than {LONGEST_BODY} bytes")
    if length and request.content_type != "application/json":
        raise Refused(415, "the body must be application/json")
    if length and request.body.strip() != b"{}":
        raise Refused(422, "this action has no parameters: send no body, or {}")


def _challenged(challenge: str) -> HttpResponse:
    left = lock_left()
    more = {} if left is None else {"Retry_After": retry_after(left)}
    return problem(
        401,
        "log in by digest or client certificate",
        WWW_Authenticate=challenge,
        **more,
    )


def _check_limits(request: HttpRequest) -> None:
    if len(request.META.get("RAW_URI") or request.get_full_path()) > LONGEST_TARGET:
        raise Refused(414, f"the address has more than {LONGEST_TARGET} characters")
    fields = {n: v for n, v in request.META.items() if n.startswith("HTTP_")}
    sizes = {name: len(str(value)) for name, value in fields.items()}
    long = max((s for n, s in sizes.items() if n not in _CREDENTIALS), default=0)
    whole = sum(len(name) + size for name, size in sizes.items())
    if long > LONGEST_FIELD or whole > LONGEST_HEADER:
        raise Refused(431, f"fields up to {LONGEST_FIELD}, all up to {LONGEST_HEADER}")


def _check_accept(accept: str) -> None:
    """Whoever asks for something else only gets 406; JSON is the default."""
    kinds = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    if not _ACCEPTED.intersection(kinds):
        raise Refused(406, "only application/json")
