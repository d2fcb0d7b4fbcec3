"""What every receiver of deliveries checks of a POST (rest-gwa.md 5)."""

import base64
import binascii
import re
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest
from uuid import UUID

from gwa_api.peers.https_server import Answer, Request, problem

FORWARDED = "application/cms; encapsulatingContent=authEnvelopedData"
ALARM = "application/cms+json;encapsulatingContent=signedData"
_SIGNED = re.compile(
    r'application/cms\+(json|xml) *; *encapsulatingContent="signedData *, *'
    r'authEnvelopedData( *, *compressedData)?"'
)
_DIGEST = re.compile(r"sha-256=:([A-Za-z0-9+/=]{44}):")


class RequestRefused(Exception):
    """A delivery that is not taken; `answer` says it to the sender."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(str((answer.content or {}).get("title", "")))
        self.answer = answer


@dataclass(frozen=True, slots=True)
class DeliveryRequest:
    """A delivery that came whole: `sha256` in hex is that of its body."""

    message_id: UUID
    body: bytes
    sha256: str
    is_signed: bool
    correlation: str
    recipient: str


def read(request: Request) -> DeliveryRequest:
    """The delivery in a POST; raises RequestRefused."""
    headers = request.headers
    digest = sha256(request.body).digest()
    if not compare_digest(_digest(headers.get("repr-digest", "")), digest):
        raise refused(400, "digest", "Repr-Digest does not fit the body.")
    return DeliveryRequest(
        message_id=_uuid(headers.get("idempotency-key", ""), "Idempotency-Key"),
        body=request.body,
        sha256=digest.hex(),
        is_signed=_is_signed(headers.get("content-type", "")),
        correlation=str(_uuid(headers.get("x-correlation-id", ""), "X-Correlation-Id")),
        recipient=headers.get("x-recipient", ""),
    )


def read_alarm(request: Request) -> UUID:
    """The id of an alarm in a POST whose body is SignedData; raises RequestRefused."""
    if request.headers.get("content-type", "").replace(" ", "") != ALARM:
        raise refused(415, "media-type", "Not the content type of alarms.")
    return _uuid(request.headers.get("idempotency-key", ""), "Idempotency-Key")


def refused(status: int, kind: str, title: str, **more: object) -> RequestRefused:
    """The refusal with this problem."""
    return RequestRefused(problem(status, kind, title, **more))


def digest_field(hexadecimal: str) -> str:
    """The field Repr-Digest (RFC 9530) for a digest in hex."""
    return f"sha-256=:{base64.b64encode(bytes.fromhex(hexadecimal)).decode()}:"


def _is_signed(content_type: str) -> bool:
    if _SIGNED.fullmatch(content_type):
        return True
    if content_type.replace(" ", "") == FORWARDED.replace(" ", ""):
        return False
    raise refused(415, "media-type", "Not a content type of deliveries.")


def _digest(text: str) -> bytes:
    found = _DIGEST.fullmatch(text.strip())
    try:
        return base64.b64decode(found[1], validate=True) if found else b""
    except binascii.Error:
        return b""


def _uuid(text: str, name: str) -> UUID:
    try:
        found = UUID(text)
    except ValueError:
        found = None
    if found is None or str(found) != text.lower() or found.version != 4:
        raise refused(400, "header", f"{name} must be a UUID of version 4.")
    return found
