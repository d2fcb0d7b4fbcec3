"""A gateway administrator's head-end: forwards deliveries, takes alarms.

It checks the gateway's signature, takes it off and hands the envelope to the recipient
it is labelled for; it has no key that opens it (CASA manual 4.4). Of what passes it
keeps the envelope and a line, without the gateway's name: under a pseudonym nobody may
learn whose values these were.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from gwa_api.peers import https_client
from gwa_api.peers.delivery_request import (
    FORWARDED,
    DeliveryRequest,
    RequestRefused,
    digest_field,
    read,
    refused,
)
from gwa_api.peers.https_client import HttpAnswer, NotReached
from gwa_api.peers.https_server import Answer, Request, problem
from gwa_api.peers.peer_keys import KeysMissing, PeerKeys, certificate_in
from hardware import cms
from hardware.cms_enveloped import with_content_info
from hardware.cms_error import CmsRefused
from hardware.private_files import replace
from hardware.record import zulu

RECIPIENTS_FILE = "recipients.json"
PASSED, TRACE = "passed", "passed.jsonl"
RETRY_S = 60


@dataclass(frozen=True, slots=True)
class HeadEnd:
    """The GWA; `tell` is given a line for each thing that passes."""

    keys: PeerKeys
    clock: Callable[[], datetime]
    tell: Callable[[str], None] = print
    _largest_trace: int = field(default=16 * 1024 * 1024)

    def prepare(self) -> None:
        """Make the folder of what passes."""
        (self.keys.state / PASSED).mkdir(mode=0o700, parents=True, exist_ok=True)

    def forward(self, request: Request) -> Answer:
        """Answer a POST to `/deliveries`: what the recipient said."""
        try:
            delivery = read(request)
            envelope = self._stripped(delivery)
            answer = self._handed_on(delivery, envelope)
        except RequestRefused as refusal:
            self.tell(f"refused: {refusal}")
            return refusal.answer
        self._trace(delivery, envelope, answer.status)
        return answer

    def _stripped(self, delivery: DeliveryRequest) -> bytes:
        if not delivery.is_signed:
            raise refused(415, "media-type", "There is no signature around it.")
        try:
            signed = cms.strip(delivery.body, self.keys.signer)
        except CmsRefused as refusal:
            code = refusal.fault.value
            raise refused(422, "cms", str(refusal), fault_code=code) from None
        return with_content_info(signed.content)

    def _handed_on(self, delivery: DeliveryRequest, envelope: bytes) -> Answer:
        recipient = recipients(self.keys.state).get(delivery.recipient)
        if recipient is None:
            raise refused(404, "recipient", "X-Recipient names nobody known.")
        digest = sha256(envelope).hexdigest()
        headers = {
            "Content-Type": FORWARDED,
            "Idempotency-Key": str(delivery.message_id),
            "X-Correlation-Id": delivery.correlation,
            "Repr-Digest": digest_field(digest),
            "User-Agent": "GWA",
        }
        try:
            answer = self._posted(recipient, envelope, headers)
        except NotReached as reason:
            self.tell(f"{delivery.recipient} not reached: {reason}")
            busy = problem(503, "not-reached", "The recipient cannot be reached.")
            return Answer(503, busy.content, {"Retry-After": str(RETRY_S)})
        return _passed_back(answer, digest, delivery.sha256)

    def _posted(
        self, recipient: Mapping[str, Any], envelope: bytes, headers: Mapping[str, str]
    ) -> HttpAnswer:
        try:
            pin = certificate_in(self.keys.state / recipient["certificate"])
        except KeysMissing as missing:
            raise NotReached(str(missing)) from None
        return https_client.post(
            self.keys,
            recipient["host"],
            recipient["port"],
            pin,
            recipient["path"],
            envelope,
            headers,
            now=self.clock(),
        )

    def _trace(self, delivery: DeliveryRequest, envelope: bytes, status: int) -> None:
        replace(self.keys.state / PASSED / f"{delivery.message_id}.cms", envelope)
        line = {
            "at": zulu(self.clock()),
            "delivery": str(delivery.message_id),
            "recipient": delivery.recipient,
            "bytes": len(envelope),
            "status": status,
        }
        path = self.keys.state / TRACE
        if path.exists() and path.stat().st_size > self._largest_trace:
            path.replace(path.with_suffix(".old"))
        with path.open("a") as file:
            file.write(json.dumps(line) + "\n")
        self.tell(f"{delivery.message_id} to {delivery.recipient}: {status}")


def recipients(state: Path) -> dict[str, dict[str, Any]]:
    """Whom the head-end forwards to: host, port, path and certificate of each."""
    try:
        found: dict[str, dict[str, Any]] = json.loads(
            (state / RECIPIENTS_FILE).read_text()
        )
    except FileNotFoundError:
        return {}
    return found


def add_recipient(
    state: Path,
    name: str,
    *,
    host: str,
    port: int,
    certificate: bytes,
    path: str = "/deliveries",
) -> None:
    """Let deliveries be forwarded to somebody; `certificate` is his TLS one, PEM."""
    folder = state / "recipients"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace(folder / f"{name}.pem", certificate)
    known = recipients(state)
    known[name] = {
        "host": host,
        "port": port,
        "path": path,
        "certificate": f"recipients/{name}.pem",
    }
    replace(state / RECIPIENTS_FILE, json.dumps(known, indent=1).encode())


def _passed_back(answer: HttpAnswer, forwarded: str, received: str) -> Answer:
    """The recipient's answer; its digest in the terms of what the gateway sent."""
    content = dict(answer.content)
    if content.get("sha256") == forwarded:
        content["sha256"] = received
    waits = {"Retry-After": answer.headers.get("retry-after", "")}
    kept = {name: value for name, value in waits.items() if value}
    return Answer(answer.status, content or None, kept)
