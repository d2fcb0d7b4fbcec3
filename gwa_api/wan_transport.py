"""Deliveries over the WAN: sealed for the recipient, sent to him or by the GWA.

The contract is that of rest-gwa.md 5: the same bytes on every attempt, one POST each,
the answer decides. A GWA checks and strips the signature and forwards the envelope.
"""

import base64
import json
import uuid
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from hashlib import sha256
from typing import cast

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from django.db import transaction

from gwa_api.delivery_document import is_pseudonymised
from gwa_api.models import CommunicationProfile, SealedDelivery
from gwa_api.partners import peer_of, way_to, way_to_gwa
from gwa_api.transport import Acknowledged, Answer, Failed, Receipt
from gwa_api.wan_client import ConnectionFailed, HttpAnswer, WanClient
from hardware import cms
from hardware.certificate_path import CertificateRefused
from hardware.cms_enveloped import with_content_info
from hardware.cms_error import CmsRefused
from hardware.cms_signed import unchecked_content
from hardware.cms_suite import EnvelopeSuite
from hardware.gateway import Gateway
from logbooks.alarms import AlarmKind, clear_alarms, raise_alarm
from logbooks.certificate_store import Holder, encryption_certificate
from logbooks.services import log_fault
from tariffs.models import MarketParticipant, OutboxRow

LARGEST_BODY = 8 * 1024 * 1024
CONTENT_TYPE = "application/cms+json; encapsulatingContent="
_IDENTITY_WAIT, _ENDPOINT_WAIT = timedelta(hours=6), timedelta(hours=1)
_REFUSED = frozenset({400, 413, 415, 422})
_IDENTITY = frozenset({401, 403})
_ENDPOINT = frozenset({404, 405, 410})
_Route = CommunicationProfile.Route
_State = OutboxRow.State


class WanTransport:
    """To one participant, over the connection of its way; close it after use."""

    def __init__(
        self, gateway: Gateway, way: CommunicationProfile, *, now: datetime
    ) -> None:
        self._gateway, self._way, self._now = gateway, way, now
        self._client: WanClient | None = None
        self._for: EllipticCurvePublicKey | None = None

    def deliver(self, row: OutboxRow, document: bytes) -> Answer:
        """POST the sealed document; what the answer means (rest-gwa.md 5)."""
        if is_pseudonymised(row) and self._way.route == _Route.DIRECT:
            # The channel itself would name the gateway (wan.md 8).
            refusal = Failed("a pseudonym goes by the GWA only", refused=True)
            return self._judged(row, refusal)
        try:
            sealed = self._sealed(row, document)
        except (CmsRefused, CertificateRefused) as refused:
            code = refused.fault if isinstance(refused, CmsRefused) else refused.code
            log_fault(self._gateway, code, now=self._now)
            return self._judged(
                row, Failed(f"not sealed: {refused}", needs_help=True), code
            )
        if len(sealed.content) > LARGEST_BODY:
            return self._judged(row, Failed("larger than 8 MiB", refused=True))
        return self._judged(row, self._posted(row, sealed))

    def receipts(self, recipient: MarketParticipant) -> Iterator[Receipt]:
        """None: the answer to the POST is the receipt."""
        return iter(())

    def settled(self, recipient: MarketParticipant, message_id: uuid.UUID) -> None:
        """Nothing to clean up at the recipient's."""

    def close(self) -> None:
        """End the connection."""
        if self._client is not None:
            self._client.close()

    def _sealed(self, row: OutboxRow, document: bytes) -> SealedDelivery:
        """What was sealed at the first attempt, or is now."""
        kept = SealedDelivery.objects.filter(pk=row.message_id).first()
        if kept is not None:
            return kept
        content = cms.seal(
            self._gateway.security_module,
            document,
            self._recipient_key(row.recipient_id),
            suite=EnvelopeSuite[self._way.suite],
            compressed=self._way.compressed,
        )
        with transaction.atomic():
            made, _ = SealedDelivery.objects.get_or_create(
                pk=row.message_id,
                defaults={
                    "content": content,
                    "sha256": sha256(content).hexdigest(),
                    "made_at": self._now,
                },
            )
        return made

    def _recipient_key(self, recipient: str) -> EllipticCurvePublicKey:
        """The recipient's, of his certificate in force; looked up once for a run."""
        if self._for is None:
            certificate = encryption_certificate(
                self._gateway, Holder.EMT, recipient, now=self._now
            )
            self._for = cast(EllipticCurvePublicKey, certificate.public_key())
        return self._for

    def _posted(self, row: OutboxRow, sealed: SealedDelivery) -> Answer:
        way = self._way if self._way.route == _Route.DIRECT else way_to_gwa()
        if way is None:
            return Failed("no way to the GWA is configured")
        if self._client is None:
            self._client = WanClient(peer_of(self._gateway, way, now=self._now))
        headers = _headers(sealed, self._way)
        if way is not self._way:
            headers["X-Recipient"] = row.recipient_id
        try:
            answer = self._client.post(way.path, bytes(sealed.content), headers)
        except ConnectionFailed as failed:
            if failed.is_identity:
                return Failed(str(failed), retry_after=_IDENTITY_WAIT, needs_help=True)
            return Failed(str(failed), unreached=True)
        except CertificateRefused as refused:
            return Failed(str(refused), retry_after=_IDENTITY_WAIT, needs_help=True)
        return meaning_of(answer, _digests(sealed), now=self._now)

    def _judged(self, row: OutboxRow, answer: Answer, code: int = 0) -> Answer:
        """Alarms for what somebody has to see to."""
        kind, subject = AlarmKind.DELIVERY_FAILED, row.recipient_id
        if isinstance(answer, Acknowledged):
            clear_alarms(kind, [subject], now=self._now)
        elif isinstance(answer, Failed) and (answer.refused or answer.needs_help):
            raise_alarm(kind, code=code, now=self._now, subject=subject)
        return answer


def forget_settled() -> int:
    """Delete the bytes that will not be sent again; how many messages that were.

    Not when the answer comes, but when it has been noted: a kill in between would
    make other bytes of the same message.
    """
    open_states = (_State.DUE, _State.SENT, _State.FAILED)
    owed = OutboxRow.objects.filter(state__in=open_states).values("message_id")
    return SealedDelivery.objects.exclude(pk__in=owed).delete()[0]


def transport_over_wan(
    gateway: Gateway, participant: str, *, now: datetime
) -> WanTransport | None:
    """The transport to a participant; None when no way to him is configured."""
    way = way_to(participant)
    return WanTransport(gateway, way, now=now) if way is not None else None


def meaning_of(
    answer: HttpAnswer, digests: Collection[str], *, now: datetime
) -> Answer:
    """What a receiver's answer means, by the table of rest-gwa.md 5.

    A receipt names one of `digests`, or none.
    """
    if answer.status in (200, 201, 202, 204):
        return _acknowledged(answer, digests)
    reason = f"status {answer.status}"
    if answer.status == 409:
        is_known = _member(answer, "type").endswith("duplicate")
        return Acknowledged() if is_known else Failed(reason)
    if answer.status in _REFUSED:
        return Failed(reason, refused=True)
    if answer.status in _IDENTITY:
        return Failed(reason, retry_after=_IDENTITY_WAIT, needs_help=True)
    if answer.status in _ENDPOINT:
        return Failed(reason, retry_after=_ENDPOINT_WAIT, needs_help=True)
    return Failed(reason, retry_after=_wished_wait(answer, now))


def _digests(sealed: SealedDelivery) -> frozenset[str]:
    """Of what was sent, and of what is left of it when a GWA has forwarded it."""
    forwarded = with_content_info(unchecked_content(bytes(sealed.content)))
    return frozenset({sealed.sha256, sha256(forwarded).hexdigest()})


def _acknowledged(answer: HttpAnswer, digests: Collection[str]) -> Answer:
    said = _member(answer, "sha256").lower()
    if said and said not in digests:
        return Failed("the receiver has other bytes than were sent")
    return Acknowledged()


def _member(answer: HttpAnswer, name: str) -> str:
    try:
        content = json.loads(answer.body or b"{}")
    except (ValueError, RecursionError):
        return ""
    return str(content.get(name, "")) if isinstance(content, dict) else ""


def _wished_wait(answer: HttpAnswer, now: datetime) -> timedelta | None:
    wish = answer.headers.get("retry-after", "").strip()
    if wish.isascii() and wish.isdigit():
        return timedelta(seconds=min(int(wish), 86_400)) or None
    try:
        wait = parsedate_to_datetime(wish) - now
    except (ValueError, TypeError, IndexError):
        return None
    return wait if wait > timedelta() else None


def _headers(sealed: SealedDelivery, way: CommunicationProfile) -> dict[str, str]:
    """None of them names the gateway, a meter or a consumer."""
    inside = ["signedData", "authEnvelopedData"]
    inside += ["compressedData"] if way.compressed else []
    digest = base64.b64encode(bytes.fromhex(sealed.sha256)).decode()
    return {
        "Content-Type": f'{CONTENT_TYPE}"{" , ".join(inside)}"',
        "Idempotency-Key": str(sealed.message_id),
        "X-Correlation-Id": str(uuid.uuid4()),
        "Repr-Digest": f"sha-256=:{digest}:",
        "User-Agent": "SMGW",
    }
