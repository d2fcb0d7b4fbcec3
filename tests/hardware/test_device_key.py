"""The device key and what is encrypted with its sub-keys."""

from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag

from hardware.device_key import DeviceKey, load_or_make

KEY = DeviceKey(bytes(range(32)))


@pytest.mark.req("R68")
def test_what_was_encrypted_comes_back_only_in_its_place() -> None:
    """R68: sealed with the device key and bound to its row and purpose."""
    sealed = KEY.encrypt(b"secret", label="fields", bound_to="account 1 ha1")
    assert b"secret" not in sealed
    assert KEY.decrypt(sealed, label="fields", bound_to="account 1 ha1") == b"secret"
    for label, place in (("fields", "account 2 ha1"), ("keys", "account 1 ha1")):
        with pytest.raises(InvalidTag):
            KEY.decrypt(sealed, label=label, bound_to=place)
    with pytest.raises(InvalidTag):
        DeviceKey(bytes(32)).decrypt(sealed, label="fields", bound_to="account 1 ha1")


def test_the_same_text_is_sealed_differently_each_time() -> None:
    first, second = (KEY.encrypt(b"x", label="a", bound_to="b") for _ in range(2))
    assert first != second


def test_each_purpose_has_its_own_key() -> None:
    assert KEY.sub_key("database") != KEY.sub_key("fields")
    assert KEY.sub_key("database") == DeviceKey(KEY.secret).sub_key("database")
    assert len(KEY.sub_key("database")) == 32


def test_sub_keys_that_were_asked_for_are_not_shown() -> None:
    key = DeviceKey(bytes(range(32)))
    derived = key.sub_key("chains")
    assert key.sub_key("chains") == derived
    assert derived.hex() not in repr(key) and repr(derived) not in repr(key)
    assert key == DeviceKey(bytes(range(32)))


def test_the_key_is_made_once_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "device.key"
    made = load_or_make(path)
    assert load_or_make(path) == made
    assert path.stat().st_mode & 0o777 == 0o600
    assert made.secret.hex() not in repr(made)


def test_a_file_of_another_length_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "device.key"
    path.write_bytes(bytes(31))
    with pytest.raises(ValueError, match="does not hold a device key"):
        load_or_make(path)
