"""While the device is locked down no consumer comes in (manual ch. 7.6, 8; R138, R139).

Every address of the HAN answers with one page that holds the notice and nothing else;
below /json/ and /smgw/ it is text, as programs expect (han-json-api 3).
In the hard lock-down nothing listens any more; a request that was under way gets an
answer without content.
"""

from collections.abc import Callable

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from logbooks import device_state
from logbooks.device_state import Mode
from portal.request import INTERFACES, PortalRequest

Handler = Callable[[PortalRequest], HttpResponseBase]


class LockdownMiddleware:
    """Answers instead of the views; stands behind LocaleMiddleware.

    Looks at a small file for each request and at no table, so that it costs
    microseconds and works without the database.
    """

    def __init__(self, get_response: Handler) -> None:
        self._get_response = get_response

    def __call__(self, request: PortalRequest) -> HttpResponseBase:
        """Answer one request."""
        mode = device_state.setting_of(request.gateway).mode
        if mode is Mode.NORMAL:
            return self._get_response(request)
        response = HttpResponse(status=503) if mode is Mode.HARD else _notice(request)
        response["Cache-Control"] = "no-store"
        # Said once in the logbooks; no line for each request.
        response._has_been_logged = True  # type: ignore[attr-defined]
        return response


def _notice(request: PortalRequest) -> HttpResponse:
    text = _(
        "Zurzeit leider kein Zugriff möglich. "
        "Der Gateway-Administrator wurde bereits informiert."
    )
    if request.path_info.startswith(INTERFACES):
        kind = "text/plain; charset=utf-8"
        return HttpResponse(f"{text}\n", content_type=kind, status=503)
    page = render_to_string("portal/lockdown.html", {"text": text})
    return HttpResponse(page, status=503)
