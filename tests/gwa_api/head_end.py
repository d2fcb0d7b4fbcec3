"""The head-end of a GWA in tests: its certificate, and HTTP to the WSGI application."""

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from gwa_api.rest.declaration import PREFIX, Route
from gwa_api.rest.identity import PEER
from gwa_api.rest.path_ids import expression_of
from gwa_api.rest.routes import ALL
from gwa_api.rest.validation import problems_of
from gwa_api.wsgi import GwaApplication
from hardware.gateway import Gateway
from hardware.leds import LedFacts, leds
from logbooks.certificate_store import Holder, Kind, import_partner_certificate
from logbooks.certificates import ensure_signature_certificate
from tests.logbooks.pki_gateway import Lab, trusting

GWA = "gwa-0001"
FACTS: dict[str, Callable[[], Any]] = {
    "uptime_s": lambda: 60,
    "leds": lambda: leds(LedFacts()),
}
MERGE = "application/merge-patch+json"


@dataclass
class HeadEnd:
    """Sends requests as the GWA; every answer is checked against the document."""

    gateway: Gateway
    certificate: bytes
    lab: Lab
    per_minute: int = 0
    port: int = 50_000
    numbers: Any = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.application = GwaApplication(
            self.gateway, per_minute=self.per_minute, facts=FACTS
        )

    def wsgi(self, environ: dict[str, Any], start_response: Any) -> Any:
        """The application behind a connection with this certificate."""
        environ[PEER] = self.certificate
        environ["REMOTE_PORT"] = str(self.port)
        # As Django's own client does: the test's transaction needs its connection.
        for signal in (request_started, request_finished):
            signal.disconnect(close_old_connections)
        try:
            answer = self.application(environ, start_response)
            answer.close()
            return [answer.content]
        finally:
            for signal in (request_started, request_finished):
                signal.connect(close_old_connections)

    def __call__(self, method: str, path: str, **more: Any) -> httpx.Response:
        """One request below the prefix; POST with a new key unless one is given."""
        headers = {"X-Forwarded-For": "", **more.pop("headers", {})}
        if method == "POST" and "Idempotency-Key" not in headers:
            headers["Idempotency-Key"] = f"key-{next(self.numbers):08d}"
        transport = httpx.WSGITransport(app=self.wsgi)
        with httpx.Client(transport=transport, base_url="https://gwa") as client:
            answer = client.request(method, PREFIX + path, headers=headers, **more)
        check_answer(method, path, answer)
        return answer

    def get(self, path: str, **more: Any) -> Any:
        """The JSON of a GET that goes well."""
        answer = self("GET", path, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def create(self, path: str, body: dict[str, Any]) -> httpx.Response:
        """PUT what is new."""
        return self("PUT", path, json=body, headers={"If-None-Match": "*"})

    def patch(self, path: str, body: dict[str, Any], etag: str) -> httpx.Response:
        """A merge patch of the state `etag`."""
        headers = {"If-Match": etag, "Content-Type": MERGE}
        return self("PATCH", path, json=body, headers=headers)


def route_of(method: str, path: str) -> Route | None:
    """The declared route of a request."""
    bare = path.partition("?")[0]
    for route in ALL:
        if route.method == method and re.fullmatch(expression_of(route.path), bare):
            return route
    return None


def check_answer(method: str, path: str, answer: httpx.Response) -> None:
    """Every status is declared, every body valid by its schema (rest-gwa.md 3)."""
    assert answer.headers["X-Correlation-Id"]
    if answer.status_code >= 400:
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert not problems_of("Problem", answer.json()), answer.text
        return
    route = route_of(method, path)
    assert route is not None, f"{method} {path} is not declared"
    if answer.status_code == 304:
        assert not answer.content
        return
    schema = route.replies[answer.status_code]
    if schema is None:
        assert not answer.content
    elif schema != "Document":
        assert not problems_of(schema, answer.json()), (
            problems_of(schema, answer.json()),
            answer.text,
        )


def head_end(gateway: Gateway, **more: Any) -> HeadEnd:
    """A gateway that trusts a new PKI, and the GWA of that PKI."""
    lab = Lab(gateway.clock.now())
    trusting(gateway, lab)
    ensure_signature_certificate(gateway, lab.now)
    der, _key = lab.partner(GWA)
    import_partner_certificate(
        gateway,
        der,
        kind=Kind.TLS,
        holder=Holder.GWA,
        holder_id=GWA,
        now=lab.now,
    )
    return HeadEnd(gateway, der, lab, **more)
