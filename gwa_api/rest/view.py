"""The one view behind all routes: identity, limits, parsing, conditions, answers."""

import json
import logging
import time
import uuid
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any, ClassVar

from django.db import Error, IntegrityError, transaction
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from gwa_api.json_object import (
    DocumentInvalid,
    document_of,
    document_text,
    texts_of,
)
from gwa_api.rest import idempotency
from gwa_api.rest.conditions import unless_known
from gwa_api.rest.declaration import PREFIX, Call, Reply, Route
from gwa_api.rest.identity import GwaCertificate, connection_of
from gwa_api.rest.problem import MEDIA_TYPE, ApiProblem, invalid
from gwa_api.rest.query import query_of
from gwa_api.rest.refusals import problem_of
from gwa_api.rest.validation import may_be_left_out, problems_of
from hardware.gateway import Gateway
from logbooks import device_state
from logbooks.services import log_fault, log_gwa_access

LOCKDOWN_RETRY_S = 60
_OURS = {
    exceptions.NotAuthenticated: "not-authenticated",
    exceptions.PermissionDenied: "not-authenticated",
    exceptions.MethodNotAllowed: "method-not-allowed",
    exceptions.NotAcceptable: "not-acceptable",
}
_KEPT_HEADERS = ("ETag", "Location")

_log = logging.getLogger(__name__)


class ResourceView(APIView):
    """Answers the routes of one path; `routes` maps methods to them."""

    authentication_classes = (GwaCertificate,)
    renderer_classes = (JSONRenderer,)
    routes: ClassVar[Mapping[str, Route]] = {}
    template: ClassVar[str] = ""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Identity first, then the limit of requests."""
        self.now = self.gateway.clock.now()
        super().initial(request, *args, **kwargs)
        wait_s = request._request.META["casa.rate"].wait_s(time.monotonic())
        if wait_s:
            raise ApiProblem("rate-limited", retry_after_s=wait_s)

    @property
    def gateway(self) -> Gateway:
        """The gateway that is asked."""
        found: Gateway = self.request._request.META["casa.gateway"]
        return found

    def get(self, request: Request, **ids: str) -> HttpResponse:
        """Answer by the route of the method, as the other verbs do."""
        return self._answer(request, ids)

    def put(self, request: Request, **ids: str) -> HttpResponse:
        """See `get`."""
        return self._answer(request, ids)

    def patch(self, request: Request, **ids: str) -> HttpResponse:
        """See `get`."""
        return self._answer(request, ids)

    def post(self, request: Request, **ids: str) -> HttpResponse:
        """See `get`."""
        return self._answer(request, ids)

    def delete(self, request: Request, **ids: str) -> HttpResponse:
        """See `get`."""
        return self._answer(request, ids)

    def handle_exception(self, exc: Exception) -> HttpResponse:  # type: ignore[override]
        """Every refusal as a problem document; what is none of them as 500."""
        problem = problem_of(exc) or _of_framework(exc)
        if problem is None:
            _log.exception("the request could not be answered")
            problem = ApiProblem("internal")
        if problem.fault_code is not None and not problem.is_logged:
            log_fault(self.gateway, problem.fault_code, now=self.now)
        return self._refusal(problem)

    def finalize_response(  # type: ignore[override]
        self, request: Request, response: HttpResponse, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        """The correlation id, and the entry in the system log."""
        response["X-Correlation-Id"] = self._correlation()
        response["Cache-Control"] = "no-store"
        # Said in the system log; no line for each refusal.
        response._has_been_logged = True  # type: ignore[attr-defined]
        for name, value in self.headers.items():
            response.setdefault(name, value)
        self._log_access(request.method or "", response.status_code)
        return response

    def _log_access(self, method: str, status: int) -> None:
        """A log that cannot be written must not hide the answer."""
        try:
            log_gwa_access(
                self.gateway,
                method,
                self.template,
                status=status,
                correlation=self._correlation(),
                now=self.gateway.clock.now(),
            )
        except Error:
            _log.exception("the request could not be noted in the system log")

    def _answer(self, request: Request, ids: Mapping[str, str]) -> HttpResponse:
        route = self.routes[request.method or ""]
        if not route.in_lockdown:
            self._refuse_unready()
        content = _content(request, route)
        if not route.takes_key:
            return self._carried_out(request, route, ids, content)
        return self._once(request, route, ids, content)

    def _refuse_unready(self) -> None:
        """Raise for what needs a device at work; an invalid time locks it as well."""
        if not self.gateway.clock.is_valid:
            raise ApiProblem("clock-invalid", retry_after_s=LOCKDOWN_RETRY_S)
        if device_state.is_locked(self.gateway):
            raise ApiProblem("lockdown", retry_after_s=LOCKDOWN_RETRY_S)

    def _once(
        self, request: Request, route: Route, ids: Mapping[str, str], content: bytes
    ) -> HttpResponse:
        administrator: Any = request.user
        key = idempotency.key_of(_headers(request), administrator.access.identity)
        hashed = idempotency.request_hash("POST", request.path, content)
        kept = idempotency.begin(key, hashed, now=self.now)
        if kept is not None:
            return _replayed(kept.status or 0, kept.headers, kept.body)
        try:
            return self._carried_out(request, route, ids, content, key)
        except Exception as error:
            return self._noted_refusal(key, error)

    def _noted_refusal(self, key: str, error: Exception) -> HttpResponse:
        response = self.handle_exception(error)
        if response.status_code >= 500:
            idempotency.forget(key)
        else:
            _keep(key, response)
        return response

    def _carried_out(
        self,
        request: Request,
        route: Route,
        ids: Mapping[str, str],
        content: bytes,
        key: str = "",
    ) -> HttpResponse:
        call = Call(
            gateway=self.gateway,
            now=self.now,
            path=request.path.removeprefix(PREFIX),
            ids=ids,
            query=query_of(route.query, request.query_params),
            body=_body(route, content),
            content=content,
            headers=_headers(request),
            certificate=str(request.auth),
            connection=connection_of(request._request.META),
            facts=request._request.META.get("casa.facts", {}),
        )
        try:
            return _done(route, call, key)
        except IntegrityError:
            if not route.writes:
                raise
            # Somebody made the same at the same moment: now it is there to be seen.
            return _done(route, call, key)

    def _refusal(self, problem: ApiProblem) -> HttpResponse:
        text = document_text(problem.document(self._correlation()))
        response = HttpResponse(text, content_type=MEDIA_TYPE, status=problem.status)
        if problem.retry_after_s is not None:
            response["Retry-After"] = str(problem.retry_after_s)
        return response

    def _correlation(self) -> str:
        """What the client calls this exchange, else a new name; the same each time."""
        known = getattr(self, "_known_correlation", "")
        if not known:
            given = self.request._request.headers.get("X-Correlation-Id", "")
            known = self._known_correlation = _uuid(given) or str(uuid.uuid4())
        return known


class NothingHere(ResourceView):
    """Every other path: 404, and for others than the administrator 403."""

    template = "-"
    http_method_names = ("get", "put", "patch", "post", "delete")

    def _answer(self, request: Request, ids: Mapping[str, str]) -> HttpResponse:
        raise ApiProblem("not-found")


def _uuid(text: str) -> str:
    try:
        return str(uuid.UUID(text)) if len(text) == 36 else ""
    except ValueError:
        return ""


def _headers(request: Request) -> Mapping[str, str]:
    return {name.lower(): value for name, value in request._request.headers.items()}


def _content(request: Request, route: Route) -> bytes:
    """The raw body; only where the route takes one."""
    size = request._request.META.get("CONTENT_LENGTH") or "0"
    if not size.isdecimal() or int(size) > route.largest:
        raise ApiProblem("too-large", f"at most {route.largest} bytes")
    content = request._request.read(route.largest + 1)
    if len(content) > route.largest:
        raise ApiProblem("too-large", f"at most {route.largest} bytes")
    if not route.body:
        if content.strip():
            raise ApiProblem("malformed", _("Hier wird kein Inhalt erwartet."))
        return b""
    if not content and may_be_left_out(route.body):
        return b"{}"
    kind = (request.content_type or "").partition(";")[0].strip().lower()
    if kind != route.media:
        raise ApiProblem("media-type", f"Content-Type: {route.media}")
    return content


def _body(route: Route, content: bytes) -> dict[str, Any]:
    if not route.body or not route.media.endswith("json"):
        return {}
    try:
        document = document_of(content.decode("utf-8"))
    except UnicodeDecodeError:
        raise ApiProblem("malformed", "not UTF-8") from None
    except DocumentInvalid as error:
        raise ApiProblem("malformed", str(error).removeprefix(": ")) from None
    if any("\0" in text for text in texts_of(document)):  # PostgreSQL has none
        raise ApiProblem("malformed", "no text holds the character NUL")
    if problems := problems_of(route.body, document):
        raise invalid(problems)
    return document


def _done(route: Route, call: Call, key: str) -> HttpResponse:
    """The answer; what is kept of it under the key holds if and only if the rest does,
    where the route writes."""
    with transaction.atomic() if route.writes else nullcontext():
        reply = route.answer(call)
        response = _response(
            unless_known(call, reply) if route.is_conditional else reply
        )
        if key:
            _keep(key, response)
    return response


def _response(reply: Reply) -> HttpResponse:
    text = "" if reply.body is None else json.dumps(reply.body, ensure_ascii=False)
    response = HttpResponse(text, status=reply.status)
    response["Content-Type"] = "application/json; charset=utf-8"
    if reply.body is None:
        del response["Content-Type"]
    if reply.etag:
        response["ETag"] = f'"{reply.etag}"'
    if reply.location:
        response["Location"] = f"{PREFIX}{reply.location}"
    for name, value in reply.headers.items():
        response[name] = value
    return response


def _keep(key: str, response: HttpResponse) -> None:
    names = (*_KEPT_HEADERS, "Content-Type")
    headers = {name: response[name] for name in names if name in response}
    body = response.content.decode()
    idempotency.keep(key, status=response.status_code, headers=headers, body=body)


def _replayed(status: int, headers: Mapping[str, str], body: str) -> HttpResponse:
    response = HttpResponse(body, status=status)
    for name, value in headers.items():
        response[name] = value
    response["Idempotency-Replayed"] = "true"
    return response


def _of_framework(error: Exception) -> ApiProblem | None:
    for kind, slug in _OURS.items():
        if isinstance(error, kind):
            return ApiProblem(slug)
    return None
