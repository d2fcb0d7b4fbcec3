"""Known-answer tests of the primitives: each broken one gives its code."""

import base64
import hashlib
import secrets
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import cmac
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher

from hardware import known_answers
from hardware.known_answers import KNOWN_ANSWERS, failed_primitives


def codes() -> list[int]:
    return [test.code for test in failed_primitives()]


@pytest.mark.req("R135")
def test_all_primitives_give_the_known_answers() -> None:
    """R135: 14 tests, none fails on a sound system."""
    assert len(KNOWN_ANSWERS) == 14
    assert codes() == []


class WrongHash:
    """A hash function that lost a byte on the way."""

    def __init__(self, data: bytes = b"") -> None:
        self._data = data

    def hexdigest(self) -> str:
        return "00" * 32


@pytest.mark.req("R135")
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("sha1", 1600170),
        ("md5", 1600171),
        ("sha224", 1600172),
        ("sha256", 1600172),
        ("sha384", 1600173),
        ("sha512", 1600173),
    ],
)
def test_a_broken_hash_is_found(
    monkeypatch: pytest.MonkeyPatch, name: str, code: int
) -> None:
    """R135: 1600170 to 1600173."""
    monkeypatch.setattr(hashlib, name, WrongHash)
    assert codes() == [code]


@pytest.mark.req("R135")
def test_a_broken_cipher_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """R135: 1600174 AES, 1600175 GCM, 1600176 CMAC."""

    def broken(*_: Any, **__: Any) -> bytes:
        raise ValueError("broken")

    with monkeypatch.context() as patch:
        patch.setattr(Cipher, "encryptor", broken)
        assert codes() == [1600174]
    with monkeypatch.context() as patch:

        class WrongGcm:
            def __init__(self, key: bytes) -> None: ...

            def encrypt(self, *_: Any) -> bytes:
                return bytes(32)

        patch.setattr(known_answers, "AESGCM", WrongGcm)
        assert codes() == [1600175]
    with monkeypatch.context() as patch:
        patch.setattr(cmac, "CMAC", broken)
        assert codes() == [1600176]


@pytest.mark.req("R135")
def test_a_broken_base64_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """R135: 1600177."""
    monkeypatch.setattr(base64, "b64encode", lambda data: b"====")
    assert codes() == [1600177]


@pytest.mark.req("R135")
def test_wrong_arithmetic_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """R135: 1600178."""
    monkeypatch.setattr(known_answers, "pow", lambda *_: 2, raising=False)
    assert codes() == [1600178]


@pytest.mark.req("R135")
@pytest.mark.parametrize(
    ("generator", "found"),
    [
        (lambda size: bytes(size), [1600179, 1600194, 1600196]),
        (lambda size: (b"\x55\xaa" * size)[:size], [1600194, 1600196]),
    ],
)
def test_a_generator_that_is_not_random_is_found(
    monkeypatch: pytest.MonkeyPatch, generator: Any, found: list[int]
) -> None:
    """R135: 1600179, 1600194, 1600196."""
    monkeypatch.setattr(secrets, "token_bytes", generator)
    assert codes() == found


@pytest.mark.req("R135")
def test_broken_curves_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """R135: 1600190."""
    monkeypatch.setattr(known_answers, "_shared_secret", lambda *_: "00")
    assert codes() == [1600190]


@pytest.mark.req("R135")
def test_a_verification_that_accepts_or_refuses_everything_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """R135: 1600222."""

    class Accepts:
        def verify(self, *_: Any) -> None: ...

    class Refuses:
        def verify(self, *_: Any) -> None:
            raise InvalidSignature

    for broken in (Accepts(), Refuses()):

        class Numbers:
            def __init__(self, *_: Any) -> None: ...

            def public_key(self, key: Any = broken) -> Any:
                return key

        with monkeypatch.context() as patch:
            patch.setattr(ec, "EllipticCurvePublicNumbers", Numbers)
            assert 1600222 in codes()
