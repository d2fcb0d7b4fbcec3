"""What every request of the administrator's listener passes."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import translation

URLS = "gwa_api.urls"


class ListenerMiddleware:
    """The paths of this listener, and the language that the client wants."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer one request."""
        request.urlconf = URLS
        known = {code for code, _name in settings.LANGUAGES}
        accepted = request.headers.get("Accept-Language", "")
        language = accepted[:2].lower()
        with translation.override(language if language in known else "de"):
            return self._get_response(request)
