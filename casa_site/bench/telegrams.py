"""The GetList files that the bench feeds: four counters, as meters in the field send.

Beside them the file holds what such files hold: maker, server id, firmware, public
key, a status and the seconds with each counter, and a signature of the meter.
"""

from hardware.device_id import server_id_of
from hardware.obis import SERVER_ID, Obis
from hardware.readings import RegisterValue
from hardware.sml import SmlElement, encode_file, i64
from hardware.sml_lists import GetListResponse, ListEntry, SmlTime
from hardware.sml_messages import (
    PublicCloseResponse,
    PublicOpenResponse,
    message_of,
)
from hardware.sml_transport import wrap
from hardware.units import WATT_HOUR

COUNTERS = tuple(Obis.parse(code) for code in ("1.8.0", "1.8.1", "1.8.2", "2.8.0"))
_SCALER = -1
_STATUS = 0x001C0104
_CURRENT_LIST = bytes.fromhex("0100620affff")
_PUBLIC_KEY = bytes(range(48))
_LIST_SIGNATURE = bytes(range(64))
_TEXTS = {
    Obis.parse("96.50.1*1"): b"BEN",
    Obis.parse("0.2.0*0"): b"bench firmware 1.04.000.001",
    Obis.parse("96.90.2*1"): b"\x00\x00\xbe\x0c",
}


def counters(number: int) -> tuple[RegisterValue, ...]:
    """What the file with this number says, ascending by OBIS."""
    return tuple(
        RegisterValue(obis, 123_456_789 * (place + 1) + 7 * number, _SCALER, WATT_HOUR)
        for place, obis in enumerate(COUNTERS)
    )


def telegram(meter_id: str, number: int) -> bytes:
    """The SML file of a meter with its transport, as it arrives on the line."""
    server_id = server_id_of(meter_id)
    seconds = SmlTime(1, 10_000_000 + 900 * number)
    file_id = number.to_bytes(4, "big")
    bodies = (
        PublicOpenResponse(
            request_file_id=file_id, server_id=server_id, ref_time=seconds
        ),
        GetListResponse(
            None,
            server_id,
            _CURRENT_LIST,
            seconds,
            _entries(server_id, number, seconds),
            _LIST_SIGNATURE,
        ),
        PublicCloseResponse(),
    )
    return wrap(encode_file(message_of(body, file_id) for body in bodies))


def _entries(server_id: bytes, number: int, seconds: SmlTime) -> tuple[ListEntry, ...]:
    texts = {
        SERVER_ID: server_id,
        **_TEXTS,
        Obis(b"\x81\x81\xc7\x82\x05\xff"): _PUBLIC_KEY,
    }
    return (
        *(_text_entry(obis, text) for obis, text in texts.items()),
        *(
            ListEntry(r.obis, _STATUS, seconds, r.unit, r.scaler, i64(r.value))
            for r in counters(number)
        ),
    )


def _text_entry(obis: Obis, text: SmlElement) -> ListEntry:
    return ListEntry(obis, None, None, None, None, text)
