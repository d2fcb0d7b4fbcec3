"""An external market participant: takes deliveries, directly or from the GWA.

Checks the outer signature where there is one, decrypts with its own key, checks the
signatures of the records, stores each delivery once and answers as rest-gwa.md 5 says.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import ec

from gwa_api.peers.delivery_check import (
    DocumentRefused,
    checked_document,
    signed_records,
)
from gwa_api.peers.delivery_request import (
    DeliveryRequest,
    RequestRefused,
    read,
    refused,
)
from gwa_api.peers.https_server import Answer, Request, problem
from gwa_api.peers.peer_keys import PeerKeys
from gwa_api.peers.received import ReceivedDeliveries
from hardware import cms
from hardware.cms_enveloped import without_content_info
from hardware.cms_error import CmsRefused

PATH = "/deliveries"


@dataclass(frozen=True, slots=True)
class Emt:
    """A recipient; `tell` is given a line for each delivery that is new.

    With `takes_any` it also keeps what it could open and is no delivery.
    """

    keys: PeerKeys
    clock: Callable[[], datetime]
    tell: Callable[[str], None] = print
    takes_any: bool = False

    @property
    def received(self) -> ReceivedDeliveries:
        """What it has got."""
        return ReceivedDeliveries(self.keys.state)

    def take(self, request: Request) -> Answer:
        """Answer a POST to `/deliveries`; raises OSError when nothing is stored."""
        try:
            delivery = read(request)
            known = self.received.receipt(delivery.message_id)
            if known is not None:
                return problem(409, "duplicate", "It is stored already.", **known)
            return self._store(delivery)
        except RequestRefused as refusal:
            self.tell(f"refused: {refusal}")
            return refusal.answer

    def _store(self, delivery: DeliveryRequest) -> Answer:
        content, sender = self._opened(delivery)
        try:
            document = self._checked(content, delivery.message_id, sender)
        except DocumentRefused as refusal:
            if self.takes_any:
                return self._kept(delivery, content)
            raise refused(422, "content", str(refusal)) from None
        receipt = self.received.store(
            delivery.message_id,
            content,
            document,
            sha256=delivery.sha256,
            now=self.clock(),
        )
        self.tell(
            f"{delivery.message_id} TAF{document['taf']} {document['kind']} "
            f"{document['from']} - {document['to']}: {len(document['records'])} "
            f"records, {signed_records(document)} signatures good"
        )
        return Answer(200, receipt)

    def _checked(self, content: bytes, message_id: UUID, sender: str) -> dict[str, Any]:
        """The document; a gateway that it names must have signed and sent it."""
        document = checked_document(content, message_id, self.keys.signer_of_gateway)
        named = document["source"].get("gateway")
        if sender and named and self.keys.gateway_of(sender) != named:
            raise DocumentRefused("it was sent by another gateway than it names")
        return document

    def _kept(self, delivery: DeliveryRequest, content: bytes) -> Answer:
        receipt = self.received.keep_other(
            delivery.message_id, content, sha256=delivery.sha256, now=self.clock()
        )
        self.tell(f"{delivery.message_id} no delivery: {len(content)} bytes kept")
        return Answer(200, receipt)

    def _opened(self, delivery: DeliveryRequest) -> tuple[bytes, str]:
        """What is inside, and the identifier of the outer signer, "" without one."""
        key, sender = self.keys.key("enc"), ""
        try:
            if delivery.is_signed:
                signed = cms.strip(delivery.body, self.keys.signer)
                sealed, sender = signed.content, signed.signer_ski
            else:
                sealed = without_content_info(delivery.body)
            content = cms.unseal(
                sealed, key.public_key(), lambda point: key.exchange(ec.ECDH(), point)
            )
        except CmsRefused as refusal:
            code = refusal.fault.value
            raise refused(422, "cms", str(refusal), fault_code=code) from None
        return content, sender
