"""The technician's pages for what went wrong, in his own frame."""

import logging
import secrets
import sys

from django.db import Error
from django.http import HttpResponse
from django.utils.translation import gettext as _

from portal.error_pages import RETRY_AFTER_S, Message
from portal.service_frame import show_message
from portal.service_request import ServiceRequest

logger = logging.getLogger(__name__)


def bad_request(
    request: ServiceRequest, exception: Exception | None = None
) -> HttpResponse:
    """400."""
    text = _("Die Anfrage war nicht verständlich. Bitte versuchen Sie es noch einmal.")
    return show_message(request, 400, Message("warn", _("Ungültige Anfrage"), text))


def forbidden(request: ServiceRequest, exception: Exception) -> HttpResponse:
    """403."""
    text = _("Diese Seite dürfen Sie nicht sehen.")
    return show_message(request, 403, Message("lock", _("Kein Zugriff"), text))


def not_found(request: ServiceRequest, exception: Exception) -> HttpResponse:
    """404."""
    text = _("Am Servicezugang gibt es keine Seite mit dieser Adresse.")
    title = _("Diese Seite gibt es nicht.")
    return show_message(request, 404, Message("search", title, text))


def server_error(request: ServiceRequest) -> HttpResponse:
    """500 with a reference that stands in the technical log too; 503 without the
    database."""
    is_database = isinstance(sys.exception(), Error)
    reference = secrets.token_hex(4)
    logger.error("the service page for error %s was shown", reference)
    text = _("Bitte versuchen Sie es noch einmal (Kennung %(reference)s).")
    message = Message(
        "warn", _("Das hat nicht geklappt."), text % {"reference": reference}
    )
    response = show_message(request, 503 if is_database else 500, message)
    if is_database:
        response["Retry-After"] = str(RETRY_AFTER_S)
    return response
