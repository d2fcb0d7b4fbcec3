"""The pages for what went wrong: heading, one sentence, a way back.

They hold no form and no path, so that the page for somebody else's thing and for a
thing that does not exist are the same, byte for byte.
"""

import logging
import secrets
import sys
from dataclasses import dataclass

from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from portal.frame import Frame, show_in
from portal.request import account_of

logger = logging.getLogger(__name__)

RETRY_AFTER_S = 10
"""When clients may ask again while the database is away."""


@dataclass(frozen=True, slots=True)
class Message:
    """What a page that holds nothing else says."""

    icon: str
    title: str
    text: str


def bad_request(
    request: HttpRequest, exception: Exception | None = None
) -> HttpResponse:
    """400."""
    text = _("Die Anfrage war nicht verständlich. Bitte versuchen Sie es noch einmal.")
    return _page(request, 400, Message("warn", _("Ungültige Anfrage"), text))


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403."""
    text = _("Diese Seite dürfen Sie nicht sehen.")
    return _page(request, 403, Message("lock", _("Kein Zugriff"), text))


def form_outdated(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 of the check against forged forms."""
    text = _("Das Formular ist nicht mehr gültig. Bitte laden Sie die Seite neu.")
    return _page(request, 403, Message("lock", _("Kein Zugriff"), text))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404."""
    text = _("Die Adresse ist falsch, oder die Seite ist nicht für Sie bestimmt.")
    return _page(request, 404, Message("search", _("Diese Seite gibt es nicht."), text))


def server_error(request: HttpRequest) -> HttpResponse:
    """500, with a reference that stands in the technical log too.

    While the database cannot be used 503, so that clients come again. Below /json/ a
    text as for all errors there.
    """
    error = sys.exception()
    if not isinstance(error, Error):
        return _failure(request, 500)
    logger.error("no answer without the database: %s", error)
    response = _failure(request, 503)
    response["Retry-After"] = str(RETRY_AFTER_S)
    # The line above says it all: no traceback for each request of an outage.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


def _failure(request: HttpRequest, status: int) -> HttpResponse:
    """What does not tell what went wrong."""
    if request.path.startswith("/json/"):
        response = HttpResponse(status=status, content_type="text/plain; charset=utf-8")
        response.content = f"{status} {response.reason_phrase}\n".encode()
        response["Cache-Control"] = "no-store"
        return response
    reference = secrets.token_hex(4)
    logger.error("the page for error %s was shown", reference)
    text = _("Bitte versuchen Sie es noch einmal (Kennung %(reference)s).")
    message = Message(
        "warn", _("Das hat nicht geklappt."), text % {"reference": reference}
    )
    return _page(request, status, message)


def _page(request: HttpRequest, status: int, message: Message) -> HttpResponse:
    """The page in its frame; a request that failed early has no user yet, and when
    the fault may lie in the database (500, 503) nobody is asked for."""
    is_known = status < 500 and hasattr(request, "user")
    account = account_of(request) if is_known else None
    frame = Frame(consumer=(account.consumer_id or "") if account else "")
    return show_in(frame, request, "message", status=status, message=message)
