"""Backup files: opened by whom they are for, whole or not at all."""

import io
import random

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from hardware import backup_file
from hardware.backup_file import (
    BackupReader,
    BackupUnreadable,
    BackupWriter,
    Opener,
    Passphrase,
    PrivateKey,
    Recipient,
)

KEY, OTHER = (ec.generate_private_key(ec.BrainpoolP256R1()) for _ in range(2))
CONTENT = random.Random(1).randbytes(10_000)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small pieces and a quick key derivation."""
    monkeypatch.setattr(backup_file, "PIECE_BYTES", 1000)
    monkeypatch.setattr(backup_file, "_SCRYPT_N", 2**10)


def written(lock: Passphrase | Recipient, content: bytes = CONTENT) -> bytes:
    file = io.BytesIO()
    writer = BackupWriter(file, lock)
    for at in range(0, len(content), 777):
        writer.write(content[at : at + 777])
    writer.close()
    return file.getvalue()


def read(data: bytes, opener: Opener) -> bytes:
    return BackupReader(io.BytesIO(data), opener).read()


@pytest.mark.parametrize("size", [0, 1, 999, 1000, 1001, 2000, 10_000])
def test_what_was_written_is_read(size: int) -> None:
    for lock, opener in (
        (Passphrase("correct horse"), Passphrase("correct horse")),
        (Recipient(KEY.public_key()), PrivateKey(KEY)),
    ):
        data = written(lock, CONTENT[:size])
        assert read(data, opener) == CONTENT[:size]
        assert CONTENT[:30] not in data or not size


@pytest.mark.req("R68")
def test_another_passphrase_or_key_opens_nothing() -> None:
    """Nor does the one kind of opener open what was made for the other."""
    by_phrase = written(Passphrase("correct horse"))
    by_key = written(Recipient(KEY.public_key()))
    wrong: list[tuple[bytes, Opener]] = [
        (by_phrase, Passphrase("correct horsf")),
        (by_phrase, PrivateKey(KEY)),
        (by_key, PrivateKey(OTHER)),
        (by_key, Passphrase("correct horse")),
        (by_key, PrivateKey(ec.generate_private_key(ec.SECP256R1()))),
    ]
    for data, opener in wrong:
        with pytest.raises(BackupUnreadable):
            read(data, opener)


def test_no_byte_can_be_changed_and_no_end_cut_off() -> None:
    data = written(Recipient(KEY.public_key()))
    opener = PrivateKey(KEY)
    for at in range(0, len(data), 7):
        changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        with pytest.raises(BackupUnreadable):
            read(changed, opener)
    for end in range(0, len(data), 7):
        with pytest.raises(BackupUnreadable):
            read(data[:end], opener)


def test_pieces_cannot_be_moved_or_left_out() -> None:
    """A file that ends right behind a piece is not whole either."""
    data = written(Recipient(KEY.public_key()))
    start = data.index(b"\n", data.index(b"\n") + 1) + 1
    piece = 4 + 1000 + 16
    first, second = data[start : start + piece], data[start + piece : start + 2 * piece]
    rest = data[start + 2 * piece :]
    for body in (second + first + rest, first + rest, first + second, first):
        with pytest.raises(BackupUnreadable):
            read(data[:start] + body, PrivateKey(KEY))
