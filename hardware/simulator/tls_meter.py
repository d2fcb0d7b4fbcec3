"""The meter's side of TLS: a server behind the data link of SAP 3 (lmn-wired.md 5)."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime

from hardware.lmn_certificates import LmnIdentity, curve_of
from hardware.lmn_tls import load_identity
from hardware.simulator.meter_security import MeterSecurity

_CIPHERS = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-SHA256"
_LARGEST_WRITE = 1900
_NO_CHECK_TIME = 0x200000

Application = Callable[[bytes, datetime], bytes]


class TlsMeter:
    """Passes what comes secured on to `application`, and its answers back.

    Sessions are kept, so that a gateway can resume them, until the certificates
    change.
    """

    def __init__(self, security: MeterSecurity, application: Application) -> None:
        self._security = security
        self._application = application
        self._parties: tuple[LmnIdentity, bytes] | None = None
        self._context: ssl.SSLContext | None = None
        self._tls: ssl.SSLObject | None = None
        self.full_handshakes = self.short_handshakes = 0

    def begin(self) -> None:
        """A new data link: whatever was agreed on the one before is over."""
        if self._tls is not None:
            with suppress(ssl.SSLError):
                self._tls.unwrap()  # else its session could not be resumed
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._has_agreed = False
        self._tls = self._fresh_context().wrap_bio(
            self._incoming, self._outgoing, server_side=True
        )

    def __call__(self, data: bytes, now: datetime) -> bytes:
        """Take records as they come; the records that are the answer."""
        if self._tls is None:
            return b""
        self._incoming.write(data)
        try:
            if not self._has_agreed:
                self._agree(self._tls)
            answers = self._application(b"".join(self._plain(self._tls)), now)
            for at in range(0, len(answers), _LARGEST_WRITE):
                self._tls.write(answers[at : at + _LARGEST_WRITE])
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError:
            self._tls = None  # what is in `_outgoing` is the alert
        return self._outgoing.read()

    def _agree(self, tls: ssl.SSLObject) -> None:
        tls.do_handshake()
        self._has_agreed = True
        if tls.session_reused:
            self.short_handshakes += 1
        else:
            self.full_handshakes += 1

    def _plain(self, tls: ssl.SSLObject) -> Iterator[bytes]:
        while True:
            try:
                data = tls.read(16384)
            except ssl.SSLWantReadError:
                return
            if not data:  # the gateway said goodbye
                tls.unwrap()
                return
            yield data

    def _fresh_context(self) -> ssl.SSLContext:
        """The context for the certificates in force; a new one after a change."""
        own, gateway = self._security.own, self._security.gateway_certificate
        if own is None or gateway is None:
            raise RuntimeError("a meter that is not paired has no TLS")
        if self._context is None or self._parties != (own, gateway):
            self._parties = (own, gateway)
            self._context = _server_context(own, gateway)
        return self._context


def _server_context(own: LmnIdentity, gateway_certificate: bytes) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_REQUIRED
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.options |= ssl.OP_NO_TICKET
    context.set_ciphers(_CIPHERS)
    context.set_ecdh_curve(curve_of(own.certificate).tls_name)
    context.verify_flags |= _NO_CHECK_TIME
    context.load_verify_locations(cadata=gateway_certificate)
    load_identity(context, own)
    return context
