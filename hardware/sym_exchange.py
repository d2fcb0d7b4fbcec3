"""Pairing a meter: the gateway's side of SYM (lmn-wired.md 6)."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from hardware.data_link import DataLink
from hardware.errors import AnswerTimeout
from hardware.lmn_certificates import curve_for, new_identity
from hardware.lmn_credentials import Credentials, CredentialStore
from hardware.lmn_line import LmnLine
from hardware.sym_pairing import (
    Body,
    Capabilities,
    Certificates,
    CertificatesAck,
    Init,
    SymInvalid,
    SymMessage,
    decode,
    encode,
)

Answer = TypeVar("Answer", bound=Body)


class SymExchange:
    """Messages to one meter and back over a data link of SAP 4.

    `until` (monotonic) is when nothing more is waited for. Methods raise
    AnswerTimeout where no good answer comes in time, and what the link raises.
    """

    def __init__(
        self,
        link: DataLink,
        line: LmnLine,
        server_id: bytes,
        master_key: bytes,
        *,
        next_counter: Callable[[], int],
        until: float,
    ) -> None:
        self._link = link
        self._line = line
        self._server_id = server_id
        self._master_key = master_key
        self._next_counter = next_counter
        self._until = until

    def ask(self, body: Body, answer: type[Answer]) -> Answer:
        """Send a message under the next counter; the meter's answer of that kind.

        Whatever else comes is dropped without a word.
        """
        timers = self._line.timers
        message = SymMessage(self._server_id, self._next_counter(), body)
        until = min(self._until, self._line.monotonic() + timers.application_s)
        pause_s = timers.first_poll_s
        data = self._link.send(encode(message, self._master_key))
        while True:
            found = self._read(data, message.counter)
            if isinstance(found, answer):
                return found
            if self._line.monotonic() >= until:
                raise AnswerTimeout("no answer to a pairing message in time")
            self._line.pause(pause_s)
            pause_s = min(2 * pause_s, timers.poll_s)
            data = self._link.poll()

    def _read(self, data: bytes, counter: int) -> Body | None:
        try:
            message = decode(
                data, self._master_key, server_id=self._server_id, is_from_meter=True
            )
        except SymInvalid:
            return None
        return message.body if message.counter == counter else None


def pair(
    exchange: SymExchange, store: CredentialStore, server_id: bytes, now: datetime
) -> Credentials:
    """Bring certificates into a meter; they are in force when this returns.

    The meter's private key exists here only until the meter has it.
    """
    can = exchange.ask(Init(), Capabilities)
    curve = curve_for(can.groups)
    if curve is None:
        raise AnswerTimeout("the meter has no TLS group of the LMN")
    gateway = store.gateway_identity(curve, now)
    meter = new_identity(store.device_id(server_id), curve, now=now)
    sent = Certificates(gateway.certificate, meter.certificate, meter.private_key)
    taken = exchange.ask(sent, CertificatesAck)
    if taken != CertificatesAck(_hash(sent.gateway), _hash(sent.meter)):
        raise AnswerTimeout("the meter has taken other certificates than were sent")
    credentials = Credentials(gateway, meter.certificate)
    store.confirm(server_id, credentials)
    return credentials


def _hash(certificate: bytes) -> bytes:
    return hashlib.sha256(certificate).digest()
