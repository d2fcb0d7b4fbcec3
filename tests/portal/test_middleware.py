"""What every request of the HAN passes."""

from django.http import HttpResponse
from django.test import RequestFactory

from hardware.gateway import Gateway
from portal.middleware import GatewayMiddleware
from portal.request import PortalRequest


def test_cookies_that_no_database_takes_are_dropped(
    rf: RequestFactory, gateway: Gateway
) -> None:
    seen: dict[str, str] = {}

    def keep(request: PortalRequest) -> HttpResponse:
        seen.update(request.COOKIES)
        return HttpResponse()

    cookies = r'__Host-casa="abcdefgh\000x"; __Host-language=de'
    request = rf.get("/", HTTP_COOKIE=cookies)
    request.META["casa.gateway"] = gateway
    GatewayMiddleware(keep)(request)  # type: ignore[arg-type]
    assert seen == {"__Host-language": "de"}
