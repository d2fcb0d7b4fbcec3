"""The wake-up message: the vector both ways; what is refused, and when."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st

from hardware import wake_up
from hardware.wake_up import WakeUpMalformed, WakeUpRefused

HUID = "eemh0009264154"
AT = datetime(2026, 1, 1, tzinfo=UTC)
KEY = ec.derive_private_key(
    int("6488d80df3876e455c240071f1942e60ba4c65db16915ea2e0ce5e0f7f04ae62", 16),
    ec.BrainpoolP256R1(),
)
VECTOR = bytes.fromhex(
    "5755010e454d4800008d5c1a00b95569000000000b0b0b0b0b0b0b0b0b0b0b0b010a04007f000701"
    "0104010328f88148505d4d00dc250db9cf4fa0231a2687c435fba7e24e5e39af51672ffc29b7a70f"
    "c41c20d08fafd3bea39ec336bc0d4eed064e8a088c85e2d0b0e8653a"
)


def _sign(message: bytes) -> bytes:
    return KEY.sign(message, ec.ECDSA(SHA256()))


def _made(at: datetime = AT, huid: str = HUID) -> bytes:
    return wake_up.make(huid, at=at, key_size=256, sign=_sign)


@pytest.mark.req("R163")
def test_the_message_of_another_maker_is_read():
    """Recipient, time and signature of the vector."""
    message = wake_up.read(VECTOR)
    assert message.is_for(HUID) and message.sent_at == AT
    wake_up.check_signature(message, KEY.public_key())
    wake_up.check(message, huid=HUID, now=AT, last_accepted=None)


def test_the_message_made_is_that_of_the_other_maker_up_to_the_signature():
    made = _made()
    assert made[:44] == VECTOR[:44] and len(made) == len(VECTOR) == 108
    wake_up.check_signature(wake_up.read(made), KEY.public_key())


@pytest.mark.req("R163")
@pytest.mark.parametrize(
    ("at", "last", "huid", "why"),
    [
        (timedelta(seconds=31), None, HUID, "window"),
        (timedelta(seconds=-31), None, HUID, "window"),
        (timedelta(), AT, HUID, "not newer"),
        (timedelta(), AT + timedelta(seconds=1), HUID, "not newer"),
        (timedelta(), None, "eemh0009264155", "another gateway"),
    ],
)
def test_early_late_replayed_and_foreign_messages_are_refused(at, last, huid, why):
    """Each of them without a check of the signature."""
    message = wake_up.read(_made(AT + at))
    with pytest.raises(WakeUpRefused, match=why):
        wake_up.check(message, huid=huid, now=AT, last_accepted=last)


@pytest.mark.parametrize("at", range(108))
def test_no_byte_can_be_changed(at: int):
    changed = VECTOR[:at] + bytes([VECTOR[at] ^ 1]) + VECTOR[at + 1 :]
    with pytest.raises((WakeUpMalformed, WakeUpRefused)):
        wake_up.check_signature(wake_up.read(changed), KEY.public_key())


@given(noise=st.binary(max_size=150))
def test_noise_is_no_message(noise: bytes):
    with pytest.raises(WakeUpMalformed):
        wake_up.read(noise)


@given(seconds=st.integers(-(2**63), 2**63 - 1))
def test_any_time_is_read_or_refused(seconds: int):
    data = VECTOR[:12] + seconds.to_bytes(8, "little", signed=True) + VECTOR[20:]
    try:
        assert wake_up.read(data).sent_at.timestamp() == seconds
    except WakeUpMalformed:
        assert not 0 <= seconds <= 253_402_300_799


def test_a_signature_of_another_key_is_refused():
    other = ec.generate_private_key(ec.BrainpoolP256R1()).public_key()
    with pytest.raises(WakeUpRefused, match="signature"):
        wake_up.check_signature(wake_up.read(VECTOR), other)
