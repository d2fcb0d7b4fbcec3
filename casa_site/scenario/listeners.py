"""Requests to the gateway's listeners, in this process, and their answers."""

import hashlib
import itertools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.test import Client, RequestFactory

from casa_site.service_facts import service_facts
from gwa_api.rest.declaration import PREFIX
from gwa_api.rest.identity import PEER
from gwa_api.wsgi import GwaApplication
from hardware.gateway import Gateway
from meters.account_certificates import issue_technician_certificate
from meters.accounts import create_account
from meters.models import Account
from portal.service_wsgi import ServiceApplication

_MERGE = "application/merge-patch+json"
_QUOTED = re.compile(r'(\w+)="([^"]*)"')
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `headers` in lower case."""

    status: int
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def document(self) -> Any:
        """The body as JSON; raises ValueError when it is none."""
        return json.loads(self.text)


def answer_of(response: HttpResponseBase) -> Answer:
    """Read a response of Django to its end."""
    body = response.getvalue() if hasattr(response, "getvalue") else b""
    headers = {name.lower(): value for name, value in response.items()}
    return Answer(response.status_code, body.decode("utf-8", "replace"), headers)


def log_in(browser: Client, user: str, password: str) -> Answer:
    """By the form of the login page."""
    form = {"username": user, "password": password}
    return answer_of(browser.post("/anmelden/", form))


def digest(browser: Client, path: str, user: str, password: str) -> Answer:
    """GET with a digest login (RFC 7616), as clients of the HAN do it."""
    refused = browser.get(path)
    challenge = dict(_QUOTED.findall(refused.headers.get("WWW-Authenticate", "")))
    if refused.status_code != 401 or "nonce" not in challenge:
        return answer_of(refused)
    header = _digest_header(challenge, user, password, path)
    return answer_of(browser.get(path, headers={"authorization": header}, RAW_URI=path))


def _digest_header(
    challenge: Mapping[str, str], user: str, password: str, path: str
) -> str:
    algorithm = challenge.get("algorithm", "MD5")
    function = hashlib.sha256 if algorithm.startswith("SHA-256") else hashlib.md5
    nonce, count, own = challenge["nonce"], "00000001", "0a4f113b"

    def hashed(*parts: str) -> str:
        return function(":".join(parts).encode()).hexdigest()

    secret = hashed(user, challenge["realm"], password)
    response = hashed(secret, nonce, count, own, "auth", hashed("GET", path))
    return (
        f'Digest username="{user}", realm="{challenge["realm"]}", nonce="{nonce}", '
        f'uri="{path}", response="{response}", algorithm="{algorithm}", '
        f'cnonce="{own}", qop="auth", nc={count}, opaque="{challenge["opaque"]}"'
    )


class Administrator:
    """The GWA at his REST interface: the WSGI application behind his certificate.

    Keeps the ETags that it saw, so that a change names the state that it goes by.
    """

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self._facts = facts
        self._etags: dict[str, str] = {}

    def request(
        self, gateway: Gateway, certificate: bytes, method: str, path: str, body: Any
    ) -> Answer:
        """One request below the prefix."""
        kind = _MERGE if method == "PATCH" else "application/json"
        content = b"" if body is None else json.dumps(body).encode()
        request = RequestFactory().generic(
            method,
            PREFIX + path,
            content,
            kind if content else "",
            secure=True,
            headers=self._headers(method, path),
        )
        environ = request.environ
        environ[PEER] = certificate
        application = GwaApplication(gateway, per_minute=0, facts=self._facts)
        response = application(environ, _start)
        assert isinstance(response, HttpResponse)
        answer = answer_of(response)
        response.close()
        if "etag" in answer.headers:
            self._etags[path.partition("?")[0]] = answer.headers["etag"]
        return answer

    def _headers(self, method: str, path: str) -> dict[str, str]:
        """What a change has to say of the state that it goes by (rest-gwa.md 3)."""
        known = self._etags.get(path.removesuffix("/end"))
        if method == "POST":
            key = {"Idempotency-Key": f"scenario-{next(_numbers):08d}"}
            return key | (
                {"If-Match": known} if known and path.endswith("/end") else {}
            )
        if method == "PUT" and known is None:
            return {"If-None-Match": "*"}
        return {"If-Match": known or "*"} if method != "GET" else {}


class Technician:
    """A technician at the service access, with a certificate of this gateway."""

    def __init__(self) -> None:
        self._certificate = b""

    def get(self, gateway: Gateway, path: str) -> Answer:
        """A page; his account is made when he comes for the first time."""
        environ = RequestFactory().get(path, secure=True).environ
        environ[PEER] = self._certificate = self._certificate or _issued(gateway)
        application = ServiceApplication(gateway, service_facts(gateway, {}))
        response = application(environ, _start)
        assert isinstance(response, HttpResponse)
        answer = answer_of(response)
        response.close()
        return answer


def _issued(gateway: Gateway) -> bytes:
    account = create_account(
        gateway, username="techniker", role=Account.Role.TECHNICIAN
    )
    now = gateway.clock.now()
    issued = issue_technician_certificate(gateway, account, now=now)
    certificate = x509.load_pem_x509_certificate(issued.certificate)
    return certificate.public_bytes(Encoding.DER)


def _start(_status: str, _headers: Any, _exc_info: Any = None) -> Any:
    """The answer is taken from the response itself."""
