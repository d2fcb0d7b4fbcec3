"""The meter's side of pairing by SYM (lmn-wired.md 6)."""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from hardware.lmn_certificates import LMN_CURVES
from hardware.simulator.meter_security import MeterSecurity, fitting_identity
from hardware.sym_pairing import (
    Body,
    Capabilities,
    Certificates,
    CertificatesAck,
    CryptoReset,
    CryptoResetAck,
    Init,
    KeyChange,
    KeyChangeAck,
    SymInvalid,
    SymMessage,
    decode,
    encode,
)

SUITES = (0xC02B, 0xC023, 0xC02C)
GROUPS = tuple(curve.group for curve in LMN_CURVES)


class SymMeter:
    """Answers the pairing messages of a gateway; says nothing to anything else.

    `groups` are the TLS groups that the meter has, by their IANA ids.
    """

    def __init__(
        self,
        server_id: bytes,
        security: MeterSecurity,
        groups: Sequence[int] = GROUPS,
    ) -> None:
        self._server_id = server_id
        self._security = security
        self._groups = tuple(groups)

    def __call__(self, data: bytes, now: datetime) -> bytes:
        """The answer to one message, b"" when it is dropped."""
        for key in (self._security.master_key, self._security.first_key):
            request = self._request(data, key)
            if request is None or not self._is_due(request, key):
                continue
            answer = self._answer(request.body)
            if answer is None:
                return b""
            message = SymMessage(self._server_id, request.counter, answer)
            return encode(message, key)
        return b""

    def _request(self, data: bytes, key: bytes) -> SymMessage | None:
        try:
            return decode(data, key, server_id=self._server_id, is_from_meter=False)
        except SymInvalid:
            return None

    def _is_due(self, request: SymMessage, key: bytes) -> bool:
        """A reset goes by the first key, all else by the one in force."""
        is_reset = isinstance(request.body, CryptoReset)
        right = self._security.first_key if is_reset else self._security.master_key
        return key == right and self._security.accept_counter(request.counter)

    def _answer(self, body: Body) -> Body | None:
        if isinstance(body, Init):
            return Capabilities(SUITES, self._groups)
        if isinstance(body, Certificates):
            return self._take(body)
        if isinstance(body, KeyChange):
            self._security.take_key(body.key)
            return KeyChangeAck()
        self._security.reset()
        return CryptoResetAck()

    def _take(self, body: Certificates) -> Body | None:
        own = fitting_identity(body.meter, body.meter_key)
        if own is None:
            return None
        self._security.take(own, body.gateway)
        return CertificatesAck(
            hashlib.sha256(body.gateway).digest(), hashlib.sha256(body.meter).digest()
        )
