"""TLS 1.2 to a meter over the data link of SAP 3 (lmn-wired.md 5).

The gateway is the client. Each side shows a self-signed certificate and trusts
exactly the one of the other that it holds; validity periods are not looked at here,
because a certificate that has expired still secures the line until it is renewed.
"""

import os
import ssl
from base64 import encodebytes
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta

from hardware.data_link import DataLink
from hardware.errors import LmnError, TlsFailed
from hardware.lmn_certificates import LmnIdentity, curve_of
from hardware.lmn_line import LmnLine
from hardware.tls_records import frame_pieces

HANDSHAKE_S = 10.0
"""A handshake that takes longer has failed."""
LIFETIME = timedelta(hours=744)
"""Of a connection with all its resumptions; then a full handshake is due."""
LARGEST_WRITE = 1900
"""Bytes of application data in one record, so that it fits one frame [M]."""

CIPHERS = ":".join(
    (
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES128-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
    )
)

_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME; `ssl` has no name for it
_LARGEST_READ = 16384


class TlsPeer:
    """One meter as a TLS partner: who both are, and the session to resume.

    Lives as long as both certificates stay the same. `monotonic` measures the
    lifetime of the session.
    """

    def __init__(
        self,
        own: LmnIdentity,
        meter_certificate: bytes,
        monotonic: Callable[[], float],
    ) -> None:
        self._context = pinned_context(ssl.PROTOCOL_TLS_CLIENT, own, meter_certificate)
        self._meter_certificate = meter_certificate
        self._monotonic = monotonic
        self._session: ssl.SSLSession | None = None
        self._keyed_at = monotonic()

    @property
    def is_worn(self) -> bool:
        """Whether the keys are as old as they may get: connect anew then."""
        return self._monotonic() - self._keyed_at >= LIFETIME.total_seconds()

    def connect(self, link: DataLink, line: LmnLine, *, until: float) -> "TlsChannel":
        """Shake hands over a data link that is connected; resumes where possible.

        Raises TlsFailed when the meter is not who it should be, when it refuses or
        when `until` (monotonic) passes, and what the link raises.
        """
        channel = TlsChannel(link, line, self._context, self._resumable())
        channel.shake_hands(until)
        if channel.meter_certificate != self._meter_certificate:
            channel.close()
            raise TlsFailed("the meter shows another certificate than its own")
        if not channel.is_resumed:
            self._keyed_at = self._monotonic()
        self._session = channel.session
        return channel

    def forget_session(self) -> None:
        """The next handshake is a full one."""
        self._session = None

    def _resumable(self) -> ssl.SSLSession | None:
        if self.is_worn:
            self.forget_session()
        return self._session


class TlsChannel:
    """A stream of bytes to one meter and back, secured; see `meter_channel.Channel`.

    Methods raise TlsFailed when the connection cannot go on, and what the data link
    raises.
    """

    def __init__(
        self,
        link: DataLink,
        line: LmnLine,
        context: ssl.SSLContext,
        session: ssl.SSLSession | None,
    ) -> None:
        self._link = link
        self._line = line
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, session=session)

    @property
    def is_ready(self) -> bool:
        """False while the meter says that it can take nothing (RNR)."""
        return self._link.is_ready

    @property
    def is_resumed(self) -> bool:
        """Whether the handshake was a short one, with the keys of an earlier."""
        return bool(self._tls.session_reused)

    @property
    def session(self) -> ssl.SSLSession | None:
        """What the next connection may resume."""
        return self._tls.session

    @property
    def meter_certificate(self) -> bytes | None:
        """The certificate that the meter showed, DER."""
        return self._tls.getpeercert(binary_form=True)

    def shake_hands(self, until: float) -> None:
        """Come to an agreement with the meter before `until` (monotonic)."""
        pauses = self._pauses()
        while not self._has_agreed():
            if self._line.monotonic() >= until:
                raise TlsFailed("no end of the handshake in time")
            data = self._carry()
            if data:
                self._incoming.write(data)
                pauses = self._pauses()
            else:
                self._line.pause(next(pauses))
        if self._outgoing.pending:
            self._incoming.write(self._carry())

    def send(self, data: bytes) -> bytes:
        """Send bytes; returns what the meter gave with its answer, or b""."""
        try:
            for at in range(0, len(data), LARGEST_WRITE):
                self._tls.write(data[at : at + LARGEST_WRITE])
        except ssl.SSLError as error:
            raise self._failure(error) from error
        return self.poll()

    def poll(self) -> bytes:
        """Fetch what the meter has, b"" when it has nothing yet.

        A record of which a part has come is fetched to its end.
        """
        until = self._line.monotonic() + self._line.timers.application_s
        while True:
            data = self._carry()
            self._incoming.write(data)
            plain = b"".join(self._plain())
            if plain or not data or self._line.monotonic() >= until:
                return plain

    def close(self) -> bool:
        """Say goodbye (close_notify); whether somebody was there to hear it.

        The data link stays for the caller to end.
        """
        with suppress(ssl.SSLError):  # the meter's own goodbye is not waited for
            self._tls.unwrap()
        return self._flush()

    def _has_agreed(self) -> bool:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLError as error:
            raise self._failure(error) from error
        return True

    def _carry(self) -> bytes:
        """Bring the records over that wait, or poll; what came back."""
        records = self._outgoing.read()
        if not records:
            return self._link.poll()
        return b"".join(self._link.send(piece) for piece in frame_pieces(records))

    def _plain(self) -> Iterator[bytes]:
        """What the records say that have come whole."""
        has_data = False
        while True:
            try:
                data = self._tls.read(_LARGEST_READ)
            except ssl.SSLWantReadError:
                return
            except ssl.SSLError as error:
                raise self._failure(error) from error
            if not data:
                if has_data:
                    return  # the goodbye behind it is seen the next time
                raise TlsFailed("the meter has closed the connection")
            has_data = True
            yield data

    def _failure(self, error: ssl.SSLError) -> TlsFailed:
        """What to raise; the meter is told why (alert) where there is a word for it."""
        self._flush()
        return TlsFailed(f"TLS: {error.reason or error}")

    def _flush(self) -> bool:
        """Send the last records; it is over, so it does not matter who hears them."""
        with suppress(LmnError):
            if self._outgoing.pending:
                self._carry()
            return True
        return False

    def _pauses(self) -> Iterator[float]:
        pause_s = self._line.timers.first_poll_s
        while True:
            yield pause_s
            pause_s = min(2 * pause_s, self._line.timers.poll_s)


def pinned_context(
    protocol: int, own: LmnIdentity, peer_certificate: bytes
) -> ssl.SSLContext:
    """A context for one partner: its certificate is the only one that is trusted.

    `protocol` says which side this is. Both certificates have keys on one curve, the
    only group that is offered.
    """
    context = ssl.SSLContext(protocol)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.options |= ssl.OP_NO_TICKET  # the meter keeps the session (stateful, by id)
    context.set_ciphers(CIPHERS)
    context.set_ecdh_curve(curve_of(peer_certificate).tls_name)
    context.verify_flags |= _NO_CHECK_TIME
    context.load_verify_locations(cadata=peer_certificate)
    load_identity(context, own)
    return context


def load_identity(context: ssl.SSLContext, own: LmnIdentity) -> None:
    """Give a context its certificate and private key.

    `ssl` takes keys from files only: this file is in memory, and gone at once.
    """
    key = encodebytes(own.private_key).decode()
    pem = ssl.DER_cert_to_PEM_cert(own.certificate) + (
        f"-----BEGIN EC PRIVATE KEY-----\n{key}-----END EC PRIVATE KEY-----\n"
    )
    descriptor = os.memfd_create("lmn", os.MFD_CLOEXEC)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem.encode())
        file.flush()
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
