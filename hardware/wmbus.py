"""A wireless M-Bus telegram from its bytes to its records.

    link -> [extended link] -> [network] -> [authentication] -> transport -> records

Sources: EN 13757-3, -4, -7 and OMS Vol. 2 as collected in lmn-wireless.md. Radio
modulation, frame format and CRCs are the stick's part and wmbus_frame's.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from hardware.wmbus_address import MeterAddress
from hardware.wmbus_afl import (
    AFL_CI,
    Authentication,
    FragmentStore,
    read_afl,
    require_whole,
)
from hardware.wmbus_compact import (
    FormatCache,
    format_of,
    full_frame,
    require_crc,
    signature_of,
)
from hardware.wmbus_crc import format_signature
from hardware.wmbus_ell import ELL_CIS, ExtendedLink, opened, read_ell
from hardware.wmbus_errors import (
    CrcWrong,
    LengthWrong,
    TelegramRefused,
    Truncated,
    Unsupported,
)
from hardware.wmbus_frame import HEAD, ends_with_crc
from hardware.wmbus_header import header_end
from hardware.wmbus_link import LinkHeader, read_link
from hardware.wmbus_records import RecordList, read_records
from hardware.wmbus_replay import SESSION, Counted, ReplayGuard
from hardware.wmbus_security import Message, Opened, opened_message
from hardware.wmbus_tpl import Content, TransportHeader, read_tpl

KeyOf = Callable[[MeterAddress], bytes | None]
"""Gives the 16-byte key of a meter, None when none is known."""

_NETWORK_CI, _NETWORK_BYTES = 0x81, 2
_NO_RECORDS = RecordList(())


@dataclass(slots=True)
class Telegram:
    """What is known of one telegram, be it good or refused.

    `records` is None when it was refused; with `refusal` "truncated" it holds those
    before the damage. `meter` is the address of the meter itself, which behind an
    adapter differs from the link's. `is_protected`: the meter's key opened it. `doubt`
    is what does not fit although the records are given; see `_take_compact`.
    """

    link: LinkHeader | None = None
    cis: list[int] = field(default_factory=list)
    extended: ExtendedLink | None = None
    authentication: Authentication | None = None
    transport: TransportHeader | None = None
    meter: MeterAddress | None = None
    is_protected: bool = False
    keys: tuple[bytes, bytes] | None = None
    signature: int | None = None
    records: RecordList | None = None
    refusal: TelegramRefused | None = None
    doubt: str | None = None

    @property
    def error(self) -> str | None:
        """The name of the refusal, see wmbus_errors; None for a good telegram."""
        return None if self.refusal is None else self.refusal.name


class Decoder:
    """Decodes telegrams; holds only what later ones need: formats, counters, fragments.

    What a telegram costs does not depend on how many meters there are.
    """

    def __init__(
        self,
        key_of: KeyOf,
        *,
        formats: FormatCache | None = None,
        replay: ReplayGuard | None = None,
        fragments: FragmentStore | None = None,
    ) -> None:
        self._key_of = key_of
        self.formats = FormatCache() if formats is None else formats
        self.replay = ReplayGuard() if replay is None else replay
        self.fragments = FragmentStore() if fragments is None else fragments

    def decode(self, data: bytes, *, now_s: float) -> Telegram:
        """What a telegram without CRCs says; never raises for what it holds.

        `now_s` comes from a clock that only grows and times fragments out.
        """
        telegram = Telegram()
        try:
            self._read(telegram, data, now_s)
        except TelegramRefused as refusal:
            telegram.refusal = refusal
        return telegram

    def _read(self, telegram: Telegram, data: bytes, now_s: float) -> None:
        link = read_link(data)
        telegram.link, telegram.meter = link, link.address
        counted: list[Counted] = []
        rest = self._opened_link(telegram, link, data[HEAD:], counted)
        rest = self._without_network(telegram, rest)
        rest = self._joined(telegram, link, rest, now_s)
        if not rest:
            telegram.records = _NO_RECORDS
            return
        opened_layer = self._opened_transport(telegram, link, rest)
        telegram.is_protected = telegram.is_protected or opened_layer.is_protected
        telegram.keys = opened_layer.keys
        if opened_layer.counted is not None:
            counted.append(opened_layer.counted)
        for counter in counted:
            self.replay.check(counter)
        self._read_application(telegram, opened_layer.data, data)
        for counter in counted:
            self.replay.accept(counter)

    def _opened_link(
        self,
        telegram: Telegram,
        link: LinkHeader,
        data: bytes,
        counted: list[Counted],
    ) -> bytes:
        """What stands behind the extended link layer, if there is one."""
        if not data or data[0] not in ELL_CIS:
            return data
        telegram.cis.append(data[0])
        telegram.extended, rest = read_ell(data)
        key = self._key_of(link.address)
        rest, is_opened = opened(telegram.extended, rest, link.address, key)
        telegram.is_protected = is_opened
        if is_opened:
            counted.append(Counted(SESSION, link.address, telegram.extended.counter))
        return rest

    def _without_network(self, telegram: Telegram, data: bytes) -> bytes:
        if data[:1] != bytes([_NETWORK_CI]):
            return data
        telegram.cis.append(_NETWORK_CI)
        return data[_NETWORK_BYTES:]

    def _joined(
        self, telegram: Telegram, link: LinkHeader, data: bytes, now_s: float
    ) -> bytes:
        """The whole message behind the authentication layer, if there is one."""
        if data[:1] != bytes([AFL_CI]):
            return data
        telegram.cis.append(AFL_CI)
        telegram.authentication, rest = read_afl(data)
        if telegram.authentication.fragment:
            layer = telegram.authentication
            telegram.authentication, rest = self.fragments.joined(
                link.address, layer, rest, now_s
            )
        elif telegram.authentication.more_follow:
            raise Unsupported("fragments without numbers")
        require_whole(telegram.authentication)
        if not rest:
            raise LengthWrong("nothing behind the authentication layer")
        return rest

    def _opened_transport(
        self, telegram: Telegram, link: LinkHeader, sent: bytes
    ) -> Opened:
        telegram.cis.append(sent[0])
        header, body = read_tpl(sent)
        telegram.transport = header
        meter = header.address or link.address
        telegram.meter = meter
        key = self._key_of(meter)
        # An adapter's key must not stand in for that of the meter behind it.
        protected_below = telegram.is_protected and key == self._key_of(link.address)
        message = Message(
            meter,
            header,
            sent,
            body,
            telegram.authentication,
            key,
            link.is_to_meter,
        )
        return opened_message(message, protected_below=protected_below)

    def _read_application(self, telegram: Telegram, data: bytes, sent: bytes) -> None:
        header, meter = telegram.transport, telegram.meter
        if header is None or meter is None or header.content is Content.NOTHING:
            telegram.records = _NO_RECORDS
        elif header.content is Content.FORMAT:
            heads = format_of(data)
            telegram.signature = format_signature(heads)
            self.formats.learn(meter, heads)
            telegram.records = _NO_RECORDS
        elif header.content is Content.COMPACT:
            self._take_compact(telegram, meter, data)
        else:
            self._take_full(telegram, meter, data, sent)

    def _take_compact(
        self, telegram: Telegram, meter: MeterAddress, data: bytes
    ) -> None:
        """A compact frame is the full one, or refused.

        With a format given by hand a wrong CRC is told of and the records are shown:
        who gives one wants to see what it makes of the data.
        """
        telegram.signature = signature_of(data)
        heads, is_by_hand = self.formats.find(meter, telegram.signature)
        frame = full_frame(data, heads)
        try:
            require_crc(data, frame)
        except CrcWrong as fault:
            if not is_by_hand:
                raise
            telegram.doubt = str(fault)
        _take(telegram, read_records(frame))

    def _take_full(
        self, telegram: Telegram, meter: MeterAddress, data: bytes, sent: bytes
    ) -> None:
        """A full frame teaches its format; one that is damaged does not."""
        found = read_records(data)
        if found.truncated is not None and _is_stray_crc(found.unread, sent):
            found = RecordList(found.records)
        if found.records:
            heads = found.format
            telegram.signature = format_signature(heads)
            if found.truncated is None:
                self.formats.learn(meter, heads)
        _take(telegram, found)


def _take(telegram: Telegram, found: RecordList) -> None:
    telegram.records = found
    if found.truncated is not None:
        telegram.refusal = Truncated(found.truncated)


def _is_stray_crc(unread: bytes, sent: bytes) -> bool:
    """Whether what follows the records begins none and is a CRC of the link."""
    if len(unread) != 2 or not sent.endswith(unread):
        return False
    try:
        header_end(unread, 0)
    except IndexError:
        return ends_with_crc(sent)
    return False
