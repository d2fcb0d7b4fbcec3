"""The SYM messages: the vectors both ways, and everything that is no message."""

from typing import Any

import pytest

from hardware.device_id import server_id_of
from hardware.sym_pairing import (
    Capabilities,
    Certificates,
    CertificatesAck,
    CryptoReset,
    Init,
    KeyChange,
    SymInvalid,
    SymMessage,
    decode,
    derivation_block,
    derived_keys,
    encode,
)
from tests.hardware.vectors import DATA, read_json

VECTORS = read_json(DATA / "hdlc" / "sym_vectors.json")
MASTER_KEY = bytes.fromhex(VECTORS["mk"])
METER = server_id_of("1MTR0E00000123")


def octets(vector: dict[str, Any], name: str) -> bytes:
    return bytes.fromhex(vector[name])


def read(vector: dict[str, Any], data: bytes | None = None) -> SymMessage:
    return decode(
        octets(vector, "message") if data is None else data,
        MASTER_KEY,
        server_id=octets(vector, "server_id"),
        is_from_meter=vector["sender"] == "meter",
    )


def vectors() -> Any:
    return pytest.mark.parametrize(
        "vector", VECTORS["messages"], ids=lambda v: str(v["type"])
    )


@vectors()
def test_keys_are_derived_as_in_the_vectors(vector: dict[str, Any]) -> None:
    place = {
        "is_from_meter": vector["sender"] == "meter",
        "counter": vector["counter"],
        "server_id": octets(vector, "server_id"),
    }
    assert derivation_block("enc", **place) == octets(vector, "derivation_block_enc")
    assert derivation_block("mac", **place) == octets(vector, "derivation_block_mac")
    keys = derived_keys(MASTER_KEY, **place)
    assert (keys.encryption, keys.mac) == (
        octets(vector, "key_enc"),
        octets(vector, "key_mac"),
    )


@vectors()
def test_messages_are_read_and_written_as_in_the_vectors(
    vector: dict[str, Any],
) -> None:
    message = read(vector)
    assert (message.body.kind, message.counter) == (vector["type"], vector["counter"])
    assert encode(message, MASTER_KEY) == octets(vector, "message")


def test_the_bodies_of_the_vectors_say_what_their_payload_says() -> None:
    bodies = [read(vector).body for vector in VECTORS["messages"]]
    assert bodies[1] == Capabilities((0xC023, 0xC02B, 0xC02C), (26, 27, 23))
    plain = octets(VECTORS["messages"][2], "payload_plain")
    assert isinstance(bodies[2], Certificates)
    assert (
        b"\x03" + len(bodies[2].gateway).to_bytes(2, "big") + bodies[2].gateway
    ) == plain[: 3 + len(bodies[2].gateway)]
    assert plain.endswith(bodies[2].meter_key)
    assert isinstance(bodies[3], CertificatesAck)
    assert isinstance(bodies[4], KeyChange)
    assert bodies[4].key.hex() == "bd57965d254734d0b4e3e88e82e7904f"


@vectors()
def test_a_message_with_any_byte_changed_is_refused(vector: dict[str, Any]) -> None:
    message = octets(vector, "message")
    for at in range(len(message)):
        for mask in (0x01, 0x80, 0xFF):
            changed = bytearray(message)
            changed[at] ^= mask
            with pytest.raises(SymInvalid):
                read(vector, bytes(changed))


@vectors()
def test_a_message_cut_short_or_with_more_behind_it_is_refused(
    vector: dict[str, Any],
) -> None:
    message = octets(vector, "message")
    for length in range(len(message)):
        with pytest.raises(SymInvalid):
            read(vector, message[:length])
    with pytest.raises(SymInvalid):
        read(vector, message + b"\x00")


@vectors()
def test_a_message_does_not_pass_for_the_other_side_or_another_meter(
    vector: dict[str, Any],
) -> None:
    message, is_from_meter = octets(vector, "message"), vector["sender"] == "meter"
    with pytest.raises(SymInvalid):
        decode(message, MASTER_KEY, server_id=METER, is_from_meter=not is_from_meter)
    with pytest.raises(SymInvalid):
        decode(
            message,
            MASTER_KEY,
            server_id=server_id_of("1emh0000000001"),
            is_from_meter=is_from_meter,
        )
    with pytest.raises(SymInvalid):
        decode(message, bytes(16), server_id=METER, is_from_meter=is_from_meter)


@pytest.mark.parametrize(
    "body",
    [
        Capabilities((1,), ()),
        Certificates(b"g", b"m" * 300, b"k"),
        CertificatesAck(bytes(32), b"\x01" * 32),
        KeyChange(bytes(16)),
        Init(),
        CryptoReset(),
    ],
)
@pytest.mark.parametrize("counter", [0, 1, 0xFFFFFFFF])
def test_what_is_written_is_read_again(body: Any, counter: int) -> None:
    message = SymMessage(METER, counter, body)
    data = encode(message, MASTER_KEY)
    found = decode(data, MASTER_KEY, server_id=METER, is_from_meter=body.is_from_meter)
    assert found == message


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (1, "010002c023"),  # one TLV missing
        (1, "010002c023 0200020017 0200020017"),  # one there twice
        (1, "010001c0 0200020017"),  # half an id
        (1, "010002c023 02000300"),  # goes on behind the body
        (1, "010002c023 0200020017 00"),  # half a TLV
        (3, "060001aa 070001bb"),  # no hashes
        (0, "010002c023"),  # a body where none belongs
        (9, ""),  # no such type
    ],
)
def test_a_body_of_another_form_is_refused_though_its_mac_is_right(
    kind: int, content: str
) -> None:
    is_from_meter = bool(kind % 2)
    body = bytes.fromhex(content)
    head = bytes([kind, 1]) + bytes(4) + METER + len(body).to_bytes(2, "big")
    keys = derived_keys(
        MASTER_KEY, is_from_meter=is_from_meter, counter=0, server_id=METER
    )
    data = head + body + cmac(keys.mac, head + body)
    with pytest.raises(SymInvalid):
        decode(data, MASTER_KEY, server_id=METER, is_from_meter=is_from_meter)


def cmac(key: bytes, data: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers.algorithms import AES
    from cryptography.hazmat.primitives.cmac import CMAC

    mac = CMAC(AES(key))
    mac.update(data)
    return mac.finalize()


def test_secrets_do_not_show_in_texts() -> None:
    secret = b"SECRET-OF-16-BYT"
    shown = repr(
        [
            Certificates(b"gateway", b"meter", secret),
            KeyChange(secret),
            derived_keys(secret, is_from_meter=True, counter=1, server_id=METER),
        ]
    )
    assert "SECRET" not in shown
