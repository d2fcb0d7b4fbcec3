"""What is fuzzed: each target takes any bytes and may only refuse them as documented.

The first byte of an input chooses the way, the others are the bytes from outside.
Where a checksum or a key would stop nearly every input, one way goes through a sender
that puts the right one around it, so that the layers behind are reached as well.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from hardware.d0 import D0Reader, D0Readout
from hardware.d0_registers import meter_reading as d0_reading
from hardware.d0_registers import server_ids
from hardware.errors import FrameUndecodable, LmnError
from hardware.hdlc import MAX_INFO, FrameReader, HdlcFrame, encode_frame
from hardware.lmn_wireless import reading_of
from hardware.readings import MeterReading
from hardware.sml import Checksum, SmlMessage, checksum_value
from hardware.sml_lists import GET_LIST_RESPONSE, get_list_response, meter_reading
from hardware.sml_messages import GetProcParameterResponse, body_of
from hardware.sml_registers import register_answer
from hardware.sml_transport import SmlFile, SmlFileReader, wrap
from hardware.stick import Reception, Stick
from hardware.stick_amb8465 import Amb8465, AmberSettings
from hardware.stick_cul import MODE_C, MODE_T, Cul
from hardware.stick_im871a import Im871a
from hardware.stick_receiver import StickReceiver
from hardware.wireless_reader import Ours, WirelessProfile, WirelessReader
from hardware.wmbus import Decoder, Telegram
from hardware.wmbus_address import MeterAddress
from hardware.wmbus_compact import FormatCache
from hardware.wmbus_crc import format_signature
from hardware.wmbus_encode import ell_ctr, mode_5, mode_7, telegram, unencrypted
from hardware.wmbus_errors import TelegramRefused
from hardware.wmbus_frame import normalised_a, normalised_b
from hardware.wmbus_replay import ReplayGuard

NOW = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
METER = MeterAddress.of("ELS", "12345678", 0x33, 0x03)
KEY = bytes(range(16))
_LONGEST_LAYER = 200
"""Bytes that fit into a telegram with all that the layers below put around them."""


def _chunks(way: int, data: bytes) -> Iterator[bytes]:
    """The data whole, or in pieces of 1 to 15 bytes: the upper half of `way`."""
    size = way >> 4 or len(data) or 1
    for start in range(0, len(data), size):
        yield data[start : start + size]


# --- wired --------------------------------------------------------------------------


def hdlc(way: int, data: bytes) -> None:
    """Frames out of any stream: what is given as good is what a sender makes of it."""
    if way & 1:
        data = _framed(data)
    reader = FrameReader()
    found: list[object] = []
    for chunk in _chunks(way, data):
        found += reader.feed(chunk)
    reader.drop()
    found += reader.feed(b"")
    found += reader.finish()
    for frame in found:
        if isinstance(frame, HdlcFrame):
            _encodes_to_itself(frame)


def _framed(data: bytes) -> bytes:
    control, info = data[:1] or b"\x93", data[1 : MAX_INFO + 1]
    address = 3, 1
    return encode_frame(
        destination=address, source=address, control=control[0], info=info
    )


def _encodes_to_itself(frame: HdlcFrame) -> None:
    if frame.segmented or not frame.info or len(frame.info) > MAX_INFO:
        return
    again = encode_frame(
        destination=frame.destination,
        source=frame.source,
        control=frame.control,
        info=frame.info,
    )
    assert again[-3:-1] == frame.fcs


def sml(way: int, data: bytes) -> None:
    """SML files out of any stream, all the way to registers."""
    reader = SmlFileReader()
    found: list[object] = []
    for chunk in _chunks(way, data):
        found += reader.feed(chunk)
    found += reader.finish()
    for file in found:
        if isinstance(file, SmlFile):
            for message in file.messages:
                _read_message(message)


_TAGS = (0x0701, 0x0501, 0x0101, 0xFF01, 0x0401, 0x0500, 0x0301, 0x0201)


def sml_body(way: int, data: bytes) -> None:
    """Any body in a message of any kind, with the right checksums around it."""
    checksum: Checksum = "kermit" if way & 8 else "x25"
    tag = b"\x63" + _TAGS[way & 7].to_bytes(2, "big")
    message = bytes.fromhex("76052400000162006200") + b"\x72" + tag + data
    crc = checksum_value(message, checksum).to_bytes(2, "big")
    sml(way & 0xF0, wrap(message + b"\x63" + crc + b"\x00", checksum))


def _read_message(message: SmlMessage) -> None:
    try:
        body = body_of(message)
        if isinstance(body, GetProcParameterResponse):
            register_answer(body)
    except FrameUndecodable:
        pass
    if message.tag != GET_LIST_RESPONSE:
        return
    try:
        response = get_list_response(message)
    except FrameUndecodable:
        return
    for entry in response.entries:
        str(entry.amount)
    _printed(meter_reading(response, NOW))


def _printed(reading: MeterReading) -> None:
    for register in reading.registers:
        str(register)


def d0(way: int, data: bytes) -> None:
    """Readouts out of any stream, all the way to registers."""
    reader = D0Reader(needs_check=bool(way & 1), limit=4096)
    for chunk in _chunks(way, data):
        for found in reader.feed(chunk):
            if isinstance(found, D0Readout):
                for server_id in server_ids(found) or (b"",):
                    _printed(d0_reading(found, server_id, NOW))


# --- wireless -----------------------------------------------------------------------


def _key_of(address: MeterAddress) -> bytes | None:
    return KEY if address == METER else None


_lasting = Decoder(_key_of)
_reader = WirelessReader(FormatCache(), ReplayGuard())
_reader.configure({METER.server_id: WirelessProfile("plain")}, {METER.server_id: KEY})


def wmbus(way: int, data: bytes) -> None:
    """Any telegram: without CRCs, as frame A, as frame B, or behind our link layer."""
    if way & 3 == 1:
        data = telegram(METER, data[:245])
    elif way & 3:
        try:
            data = normalised_a(data) if way & 3 == 2 else normalised_b(data)
        except TelegramRefused:
            return
    decoder = _lasting if way & 4 else Decoder(_key_of if way & 8 else lambda _: None)
    _looked_at(decoder.decode(data, now_s=0))
    try:
        read = _reader.read(data, NOW, now_s=0)
    except TelegramRefused:
        return
    if isinstance(read, Ours):
        _printed(read.reading.current)


def wmbus_records(way: int, data: bytes) -> None:
    """A genuine meter that went mad: security is right, the contents are anything."""
    data = data[:_LONGEST_LAYER]
    formats = FormatCache()
    sent = _WAYS[way % len(_WAYS)](data, formats)
    _looked_at(Decoder(_key_of, formats=formats).decode(sent, now_s=0))


def _compact(data: bytes, formats: FormatCache) -> bytes:
    """A compact frame whose format is the first part of the data."""
    heads, values = data[1 : 1 + data[0]] if data else b"", data[1:]
    formats.prime(heads)
    signature = format_signature(heads).to_bytes(2, "little")
    return telegram(METER, b"\x79" + signature + values[len(heads) :])


_WAYS: tuple[Callable[[bytes, FormatCache], bytes], ...] = (
    lambda data, _: telegram(METER, b"\x78" + data),
    lambda data, _: unencrypted(METER, data, access_number=1),
    lambda data, _: mode_5(METER, data, KEY, access_number=1),
    lambda data, _: mode_7(METER, data, KEY, counter=1),
    lambda data, _: ell_ctr(METER, data, KEY, session=1),
    _compact,
)


def _looked_at(found: Telegram) -> None:
    """Use all that a telegram gives, as the layers above do."""
    assert (found.records is None) <= (found.error is not None)
    if found.records is None or found.meter is None or found.error is not None:
        return
    for record in found.records.records:
        str(record.value)
    reading = reading_of(found, found.meter, NOW)
    for one in (reading.current, *reading.past):
        _printed(one)


# --- sticks -------------------------------------------------------------------------


class _PlayedLink:
    """A link that gives the bytes of an input, then nothing; its clock only grows."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self.now_s = 0.0

    def monotonic(self) -> float:
        return self.now_s

    def write(self, data: bytes) -> None:
        """What is asked does not matter."""

    def read(self, timeout_s: float) -> bytes:
        data = next(self._chunks, b"")
        self.now_s += 0.001 if data else timeout_s
        return data


def _stick(stick: Stick, way: int, data: bytes) -> None:
    """A stick that says anything, while it is started and while it is listened to."""
    link = _PlayedLink(_chunks(way, data))
    receiver = StickReceiver(link, stick, monotonic=link.monotonic)
    if way & 1:
        try:
            receiver.start()
        except LmnError:
            return
    for _ in range(len(data) + 2):
        for heard in receiver.listen(3):
            if isinstance(heard, Reception):
                _looked_at(Decoder(lambda _: None).decode(heard.telegram, now_s=0))


def im871a(way: int, data: bytes) -> None:
    """What an IMST iM871A may send."""
    _stick(Im871a(), way, data)


def amb8465(way: int, data: bytes) -> None:
    """What an Amber AMB8465 may send, framed or bare, with strength or without."""
    settings = AmberSettings(framed=bool(way & 2), with_rssi=bool(way & 4))
    _stick(Amb8465(settings), way, data)


def cul(way: int, data: bytes) -> None:
    """What a CUL may send."""
    _stick(Cul(MODE_C if way & 2 else MODE_T), way, data)


_ALL = (hdlc, sml, sml_body, d0, wmbus, wmbus_records, im871a, amb8465, cul)
TARGETS: dict[str, Callable[[int, bytes], None]] = {one.__name__: one for one in _ALL}


def run(name: str, sample: bytes) -> None:
    """Give one input to a target; raises whatever escapes from it."""
    TARGETS[name](sample[0] if sample else 0, sample[1:])
