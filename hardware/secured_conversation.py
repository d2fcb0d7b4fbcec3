"""The conversation with a meter that has security: pairing, TLS, renewal.

Nothing is ever asked in clear here: without certificates there is pairing, and where
that does not succeed the meter is not read (lmn-wired.md 6).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from hardware.certificate_renewal import renewal_request
from hardware.data_link import DataLink, Report
from hardware.errors import (
    AnswerTimeout,
    FrameUnexpected,
    LmnError,
    MeterLost,
    StoreUnreachable,
    TlsFailed,
    TlsFallback,
)
from hardware.lmn_addresses import SAP_SYM, SAP_TLS
from hardware.lmn_certificates import curve_of, new_identity
from hardware.lmn_conversation import MeterState
from hardware.lmn_credentials import Credentials, CredentialStore
from hardware.lmn_line import LmnLine
from hardware.lmn_tls import HANDSHAKE_S, TlsChannel, TlsPeer
from hardware.meter_channel import Channel, FileExchange
from hardware.patience import PairingPatience, TlsPatience
from hardware.sym_exchange import SymExchange, pair

_OVERTIME_S = 1.5
"""How much longer than asked a step may take that has begun."""
_RENEWAL_PAUSE_S = 3600.0
_STORE_PAUSE_S = 15.0


class SecuredConversation:
    """With one meter that is read over TLS only; see `Conversation`.

    `store` knows its key and certificates; `clock` is gateway time.
    """

    def __init__(
        self,
        line: LmnLine,
        server_id: bytes,
        store: CredentialStore,
        clock: Callable[[], datetime],
        report: Report,
    ) -> None:
        self._line = line
        self._server_id = server_id
        self._store = store
        self._clock = clock
        self._report = report
        self._tls = TlsPatience(line.monotonic)
        self._pairing = PairingPatience(line.monotonic)
        self._must_pair = False
        self._peer: tuple[Credentials, TlsPeer] | None = None
        self._link: DataLink | None = None
        self._channel: TlsChannel | None = None
        self._state = MeterState.ADDRESSED
        self._renew_at = self._store_at = line.monotonic()
        self.has_answered = False

    @property
    def channel(self) -> Channel | None:
        """The TLS channel."""
        return self._channel

    @property
    def state(self) -> MeterState:
        """ADDRESSED, PAIRING, LINKED, TLS or POLLING."""
        return MeterState.POLLING if self.has_answered else self._state

    def is_due(self) -> bool:
        """Whether the channel is missing and no pause runs, or its keys are worn."""
        if self._channel is not None and self._peer is not None:
            return self._peer[1].is_worn
        may_ask = self._line.monotonic() >= self._store_at
        return may_ask and self._tls.is_over and self._pairing.is_over

    def open(self, station: int, until: float | None) -> None:
        """Pair if that is needed, and shake hands."""
        self.close()
        try:
            self._open(station, until)
        except StoreUnreachable as error:
            self._store_at = self._line.monotonic() + _STORE_PAUSE_S
            self._report(error)

    def close(self) -> None:
        """Say goodbye in TLS, then DISC."""
        channel, link = self._channel, self._link
        self.drop()
        if channel is not None and link is not None and channel.close():
            link.disconnect()

    def drop(self) -> None:
        """Forget channel and link; the session may be resumed."""
        self._channel = self._link = None
        self._state = MeterState.ADDRESSED
        self.has_answered = False

    def may_renew(self) -> bool:
        """Whether new certificates could be written now."""
        return self._channel is not None and self._line.monotonic() >= self._renew_at

    def renew(self, gateway_server_id: bytes, number: int) -> None:
        """Write new certificates to the meter inside the channel; then close it.

        The next handshake shows whether the meter has them. `number` becomes the id
        of the request file. Raises LmnError when the meter does not take them.
        """
        self._renew_at = self._line.monotonic() + _RENEWAL_PAUSE_S
        if self._channel is None or self._peer is None:
            raise MeterLost("no channel to renew certificates in")
        old, now = self._peer[0], self._clock()
        curve = curve_of(old.meter_certificate)
        gateway = self._store.gateway_identity(curve, now)
        meter = new_identity(self._store.device_id(self._server_id), curve, now=now)
        request = renewal_request(
            gateway_server_id,
            self._server_id,
            meter=meter,
            gateway_certificate=gateway.certificate if gateway != old.gateway else None,
            number=number,
        )
        self._store.propose(self._server_id, Credentials(gateway, meter.certificate))
        exchange = FileExchange(self._channel, self._line, self._clock)
        request.check(exchange.ask(request.file))
        self.close()

    def _open(self, station: int, until: float | None) -> None:
        candidates = self._store.candidates(self._server_id)
        if self._must_pair or not candidates:
            candidates = self._paired(station, until)
        if candidates:
            self._shake_hands(station, candidates, until)

    def _paired(self, station: int, until: float | None) -> Sequence[Credentials]:
        """Try to pair once; empty when that did not succeed."""
        self._state = MeterState.PAIRING
        key = self._store.master_key(self._server_id)
        if key is None:
            self._pairing.failed()
            self._report(MeterLost("neither certificates nor a key to pair by"))
            return []
        try:
            with self._linked(station) as link:
                exchange = SymExchange(
                    link,
                    self._line,
                    self._server_id,
                    key,
                    next_counter=lambda: self._store.next_counter(self._server_id),
                    until=self._latest(2 * self._line.timers.application_s, until),
                )
                credentials = pair(
                    exchange, self._store, self._server_id, self._clock()
                )
        except (AnswerTimeout, FrameUnexpected) as error:
            if not self._was_cut(until):
                self._pairing.failed()
                self._report(error)
            return []
        self._pairing.succeeded()
        self._tls.succeeded()
        self._must_pair = False
        return [credentials]

    @contextmanager
    def _linked(self, station: int) -> Iterator[DataLink]:
        """A data link of SAP 4 as long as the pairing takes."""
        link = DataLink(self._line, station, SAP_SYM, self._report)
        link.connect()
        try:
            yield link
        except (AnswerTimeout, FrameUnexpected):
            link.disconnect()
            raise
        link.disconnect()

    def _shake_hands(
        self, station: int, candidates: Sequence[Credentials], until: float | None
    ) -> None:
        credentials = candidates[self._tls.failures % len(candidates)]
        peer = self._peer_of(credentials)
        link = DataLink(self._line, station, SAP_TLS, self._report)
        latest = self._latest(HANDSHAKE_S, until)
        try:
            link.connect()
            self._state = MeterState.LINKED
            channel = peer.connect(link, self._line, until=latest)
        except (TlsFailed, FrameUnexpected) as error:
            link.disconnect()
            self._state = MeterState.ADDRESSED
            peer.forget_session()
            if not self._was_cut(until):
                self._note_failure(error)
            return
        if len(candidates) > 1:
            self._store.confirm(self._server_id, credentials)
        self._tls.succeeded()
        self._link, self._channel = link, channel
        self._state = MeterState.TLS

    def _note_failure(self, error: LmnError) -> None:
        """After the third failure in a row the meter is paired again, if it can be."""
        if not self._tls.failed():
            return
        if self._store.master_key(self._server_id) is None:
            self._report(MeterLost(f"no TLS connection: {error}"))
            return
        self._report(TlsFallback(str(error)))
        self._tls.succeeded()
        self._must_pair = True
        self._state = MeterState.PAIRING

    def _peer_of(self, credentials: Credentials) -> TlsPeer:
        """The partner with these certificates, with what may be resumed."""
        if self._peer is None or self._peer[0] != credentials:
            peer = TlsPeer(
                credentials.gateway,
                credentials.meter_certificate,
                self._line.monotonic,
            )
            self._peer = (credentials, peer)
        return self._peer[1]

    def _latest(self, longest_s: float, until: float | None) -> float:
        latest = self._line.monotonic() + longest_s
        return latest if until is None else min(latest, until + _OVERTIME_S)

    def _was_cut(self, until: float | None) -> bool:
        """Whether the time for it was over: then it is nobody's fault."""
        return until is not None and self._line.monotonic() >= until + _OVERTIME_S
