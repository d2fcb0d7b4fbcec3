"""Writing new certificates to a meter inside the TLS channel (lmn-wired.md 5.1).

SetProcParameter to two objects of class "data": 01005E310004 takes the meter's
certificate with its private key behind it, 01005E310008 the gateway's certificate.
"""

from dataclasses import dataclass

from hardware.errors import FrameUnexpected
from hardware.lmn_certificates import LmnIdentity
from hardware.meter_channel import Answer
from hardware.sml import encode_file
from hardware.sml_messages import (
    Attention,
    Body,
    PublicCloseRequest,
    PublicOpenRequest,
    SetProcParameterRequest,
    body_of,
    message_of,
)
from hardware.sml_registers import DATA
from hardware.sml_transport import wrap
from hardware.sml_tree import Tree

METER_CERTIFICATE = bytes.fromhex("01005e310004")
GATEWAY_CERTIFICATE = bytes.fromhex("01005e310008")

_VALUE = b"\x02"
_DONE = bytes.fromhex("8181c7c7fd00")


@dataclass(frozen=True, slots=True)
class RenewalRequest:
    """A file that writes certificates; `file` is what goes into the channel."""

    transaction_ids: tuple[bytes, ...]
    file: bytes

    def check(self, answer: Answer) -> None:
        """Raises FrameUnexpected unless the meter says that it took each of them."""
        done = set()
        for message in answer.file.messages:
            body = body_of(message)
            if isinstance(body, Attention):
                if body.number != _DONE:
                    raise FrameUnexpected(f"the meter refuses: {body.number.hex()}")
                done.add(message.transaction_id)
        if not done.issuperset(self.transaction_ids):
            raise FrameUnexpected("the meter does not say that it took a certificate")


def renewal_request(
    gateway_server_id: bytes,
    server_id: bytes,
    *,
    meter: LmnIdentity,
    gateway_certificate: bytes | None,
    number: int,
) -> RenewalRequest:
    """The file for a meter's new identity, and the gateway's where that is new too.

    `number` becomes the file id.
    """
    writes: list[Body] = [
        _write(METER_CERTIFICATE, meter.certificate + meter.private_key)
    ]
    if gateway_certificate is not None:
        writes.append(_write(GATEWAY_CERTIFICATE, gateway_certificate))
    opening = PublicOpenRequest(
        client_id=gateway_server_id,
        request_file_id=(number & 0xFFFFFFFF).to_bytes(4, "big"),
        server_id=server_id,
    )
    bodies: list[Body] = [opening, *writes, PublicCloseRequest()]
    ids = [(0x20000000 + at).to_bytes(4, "big") for at in range(len(bodies))]
    messages = [
        message_of(body, id_, group_no=at)
        for at, (body, id_) in enumerate(zip(bodies, ids, strict=True))
    ]
    return RenewalRequest(tuple(ids[1:-1]), wrap(encode_file(messages)))


def _write(name: bytes, value: bytes) -> SetProcParameterRequest:
    tree = Tree(name, children=(Tree(_VALUE, value),))
    return SetProcParameterRequest(path=(name, DATA.to_bytes(2, "big")), tree=tree)
