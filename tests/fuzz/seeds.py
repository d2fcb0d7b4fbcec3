"""The first inputs of each target, made of the vectors that the tests carry.

`python -m tests.fuzz.seeds` writes them into the corpus, one file each.
"""

from collections.abc import Iterator
from pathlib import Path

from hardware.sml import encode_element
from hardware.sml_transport import SmlFile, SmlFileReader
from hardware.stick_amb8465 import AmberMessage, AmberSettings, parameters_of
from hardware.stick_amb8465 import encode_message as amber_message
from hardware.stick_amb8465 import telegram_indication as amber_indication
from hardware.stick_cul import telegram_line
from hardware.stick_im871a import (
    IM871A,
    HciMessage,
    device_info,
    encode_message,
    telegram_indication,
)
from tests.fuzz.samples import CORPUS
from tests.hardware.d0_texts import PUSHED, WITHOUT_UNITS
from tests.hardware.vectors import DATA, captures, messages_of, read_json
from tests.hardware.wmbus_vectors import WMBUS, telegrams_of, wmbus_vectors

_LONGEST = 1100
_LEGIBLE = bytes([0x00, 0x30])
"""Ways that take the bytes as they are: whole, and three at a time."""


def _both(data: bytes) -> Iterator[bytes]:
    for way in _LEGIBLE:
        yield bytes([way]) + data


def hdlc() -> Iterator[bytes]:
    vectors = read_json(DATA / "hdlc" / "vectors.json")
    for kind in ("valid", "invalid", "streams"):
        for vector in vectors[kind]:
            yield from _both(bytes.fromhex(vector["hex"]))
    yield b"\x01\x10" + bytes(range(64))


def sml() -> Iterator[bytes]:
    for data, _ in captures(DATA / "sml"):
        yield from _both(data[:_LONGEST])


def sml_body() -> Iterator[bytes]:
    for data, _ in captures(DATA / "sml"):
        for file in SmlFileReader().feed(data):
            if isinstance(file, SmlFile):
                for message in file.messages:
                    yield b"\x00" + encode_element(message.body)
    for vector in read_json(DATA / "sml" / "messages.json")["vectors"]:
        for number, message in enumerate(messages_of(vector)):
            yield bytes([number & 0x0F]) + encode_element(message.body)


def d0() -> Iterator[bytes]:
    for text in (PUSHED, WITHOUT_UNITS):
        yield from _both(text)


def wmbus() -> Iterator[bytes]:
    for vector in wmbus_vectors():
        for form in ("telegrams", "encrypted_telegrams"):
            for data in telegrams_of(vector, form):
                yield b"\x00" + data
        for way, form in ((2, "frame_a"), (3, "frame_b")):
            if vector[form]:
                yield bytes([way]) + bytes.fromhex(vector[form])


def wmbus_records() -> Iterator[bytes]:
    plain = [v.get("apl_plain") for v in wmbus_vectors()]
    layers = [text for text in plain if text]
    layers += [v["apl"] for v in read_json(WMBUS / "compact_profiles.json")]
    for number, text in enumerate(layers):
        yield bytes([number % 4]) + bytes.fromhex(text)
    yield b"\x04\x78" + bytes.fromhex("041308190000441308190000")
    yield b"\x05\x02\x04\x13\x08\x19\x00\x00"


def _some_telegrams() -> Iterator[bytes]:
    for vector in wmbus_vectors()[:12]:
        yield from telegrams_of(vector, "telegrams")


def im871a() -> Iterator[bytes]:
    opening = [
        HciMessage(1, 0x02),
        HciMessage(1, 0x10, device_info(IM871A, 0x14, 4711)),
        HciMessage(1, 0x04, b"\x00"),
        HciMessage(1, 0x06, b"\x02\x0a\x00"),
    ]
    started = b"".join(encode_message(message) for message in opening)
    for data in _some_telegrams():
        yield b"\x00" + telegram_indication(data, rssi=0x8C)
        yield b"\x31" + started + telegram_indication(data, with_crc=True)


def amb8465() -> Iterator[bytes]:
    for number, data in enumerate(_some_telegrams()):
        settings = AmberSettings(framed=bool(number & 1), with_rssi=bool(number & 2))
        opening = [
            AmberMessage(0x8B, b"\x00\x01\x02\x03"),
            AmberMessage(0x8C, b"\x02\x03"),
            AmberMessage(0x8A, parameters_of(settings)),
            AmberMessage(0x84, b"\x00"),
        ]
        started = b"".join(amber_message(message) for message in opening)
        way = settings.framed << 1 | settings.with_rssi << 2
        yield bytes([way]) + amber_indication(data, settings, rssi=0xB4)
        yield bytes([way | 1]) + started + amber_indication(data, settings)


def cul() -> Iterator[bytes]:
    started = b"V 1.67 CUL868\r\nTMODE\r\n"
    for data in _some_telegrams():
        yield b"\x00" + telegram_line(data, rssi=0xE4)
        yield b"\x01" + started + telegram_line(data, in_format_b=True)


SEEDS = {
    one.__name__: one
    for one in (hdlc, sml, sml_body, d0, wmbus, wmbus_records, im871a, amb8465, cul)
}


def write(folder: Path = CORPUS) -> int:
    """Write the seeds of all targets; how many there are."""
    count = 0
    for name, seeds in SEEDS.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(dict.fromkeys(seeds())):
            (folder / name / f"seed-{number:03}").write_bytes(seed)
            count += 1
    return count


if __name__ == "__main__":
    print(f"{write()} files in {CORPUS}")
