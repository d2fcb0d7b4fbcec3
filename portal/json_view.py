"""What every path of the HAN JSON interface has in common.

Login by digest, cookie or client certificate, GET and HEAD only, bodies of errors that
are no JSON (one client would take a JSON object for its list of meters), and the same
404 for what does not exist and for what belongs to somebody else.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException, MethodNotAllowed, NotAuthenticated
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from portal.digest_login import (
    CertificateAuthentication,
    CookieAuthentication,
    DigestAuthentication,
    LoginRefused,
)
from portal.lockout import lock_left, retry_after
from portal.readings import json_text
from portal.request import PortalRequest, account_of, portal_request_of

JSON = "application/json; charset=utf-8"
_TEXT = "text/plain; charset=utf-8"


class AnyAccept(BaseContentNegotiation):
    """Answers with JSON whatever the client's Accept header says."""

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        """The first renderer; our views write their own bodies anyway."""
        renderer = next(iter(renderers))
        return renderer, JSON


class JsonView(APIView):
    """A path below /json/; subclasses answer in `document`.

    `document` returns a JSON text, pieces of one, or what `json.dumps` takes, and
    raises Http404.
    """

    digest = DigestAuthentication()
    authentication_classes: Sequence[type[BaseAuthentication]] = (
        DigestAuthentication,
        CookieAuthentication,
        CertificateAuthentication,
    )
    permission_classes = (IsAuthenticated,)
    content_negotiation_class = AnyAccept
    http_method_names: tuple[str, ...] = ("get", "head")

    def document(self, request: PortalRequest, **ids: str) -> Any:
        """What the path returns."""
        raise NotImplementedError

    def get(self, request: Request, **ids: str) -> HttpResponseBase:
        """Answer with the document."""
        portal_request = portal_request_of(request)
        account = account_of(portal_request)
        if account is None or account.consumer_id is None:
            raise NotAuthenticated
        portal_request.consumer = account.consumer_id
        return json_response(self.document(portal_request, **ids))

    def handle_exception(  # type: ignore[override]
        self, exc: Exception
    ) -> HttpResponseBase:
        """401 with exactly one challenge, 404, 405; no JSON in the body."""
        request = portal_request_of(self.request)
        if isinstance(exc, NotAuthenticated | LoginRefused):
            is_stale = getattr(exc, "is_stale", False)
            return refused(self.digest.challenge(request, is_stale=is_stale))
        if isinstance(exc, Http404):
            return not_found()
        if isinstance(exc, MethodNotAllowed):
            response = _text(405)
            response["Allow"] = "GET, HEAD"
            return response
        if isinstance(exc, APIException):
            return _text(exc.status_code)
        raise exc


def json_response(document: Any) -> HttpResponseBase:
    """A document as the answer; pieces of text are sent as they come."""
    if isinstance(document, HttpResponse):
        return document
    response: HttpResponseBase
    if isinstance(document, str):
        response = HttpResponse(document, content_type=JSON)
    elif isinstance(document, dict | list):
        response = HttpResponse(json_text(document), content_type=JSON)
    else:
        response = StreamingHttpResponse(document, content_type=JSON)
    response["Cache-Control"] = "no-store"
    return response


def not_found() -> HttpResponse:
    """The one 404: nothing tells a foreign thing from one that does not exist."""
    return _text(404)


def refused(challenge: str) -> HttpResponse:
    """401 with a challenge, and how long the access is locked if it is."""
    response = _text(401)
    response["WWW-Authenticate"] = challenge
    # Clients ask once in vain before every request: no warning with their paths.
    response._has_been_logged = True  # type: ignore[attr-defined]
    left = lock_left()
    if left is not None:
        response["Retry-After"] = retry_after(left)
    return response


def _text(status: int) -> HttpResponse:
    response = HttpResponse(status=status, content_type=_TEXT)
    response.content = f"{status} {response.reason_phrase}\n".encode()
    response["Cache-Control"] = "no-store"
    return response
