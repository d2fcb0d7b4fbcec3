"""The software security module: keys in slots, encrypted at rest."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from hardware.device_key import DeviceKey
from hardware.security_module import (
    CURVES,
    KeySlotEmpty,
    KeySlotTaken,
    KeyUnreadable,
    SignatureInvalid,
    SoftSecurityModule,
    key_identifier,
    verify,
)

DEVICE_KEY = DeviceKey(bytes(range(32)))


@pytest.fixture
def module(tmp_path: Path) -> SoftSecurityModule:
    return SoftSecurityModule(tmp_path, DEVICE_KEY)


@pytest.mark.req("R64")
@pytest.mark.parametrize("curve", CURVES)
def test_a_signature_verifies_with_the_public_key(
    module: SoftSecurityModule, curve: str
) -> None:
    """R64: the receiver can check what the gateway signed, on both curves."""
    module.generate("sig", curve)
    signature = module.sign("sig", b"value")
    verify(module.public_key("sig"), signature, b"value")
    assert module.public_key("sig").curve.name == curve


@pytest.mark.req("R64")
@pytest.mark.parametrize("curve", CURVES)
def test_every_changed_byte_of_message_or_signature_is_detected(
    module: SoftSecurityModule, curve: str
) -> None:
    """R64: falsification of any byte, of the text or of the signature, is found."""
    module.generate("sig", curve)
    message = b"casa-record-v1 eemh0009264154"
    signature = module.sign("sig", message)
    key = module.public_key("sig")
    for text, mark in [
        *((changed, signature) for changed in each_byte_changed(message)),
        *((message, changed) for changed in each_byte_changed(signature)),
    ]:
        with pytest.raises(SignatureInvalid):
            verify(key, mark, text)


def each_byte_changed(data: bytes) -> list[bytes]:
    return [
        data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :] for at in range(len(data))
    ]


def test_a_key_is_the_same_after_a_restart(
    module: SoftSecurityModule, tmp_path: Path
) -> None:
    made = module.generate("sig", "brainpoolP256r1")
    again = SoftSecurityModule(tmp_path, DEVICE_KEY)
    assert again.public_key("sig") == made
    assert again.key_identifier("sig") == key_identifier(made)


def test_a_key_is_never_overwritten(module: SoftSecurityModule) -> None:
    made = module.generate("sig", "secp256r1")
    with pytest.raises(KeySlotTaken):
        module.generate("sig", "secp256r1")
    assert module.public_key("sig") == made


def test_an_empty_slot_is_reported(module: SoftSecurityModule) -> None:
    assert not module.has_key("enc")
    with pytest.raises(KeySlotEmpty):
        module.sign("enc", b"")


@pytest.mark.parametrize("slot", ["", "../sig", "a/b", ".hidden", "SIG", "x" * 17])
def test_a_slot_name_cannot_leave_the_folder(
    module: SoftSecurityModule, slot: str
) -> None:
    with pytest.raises(ValueError, match="key slot"):
        module.generate(slot, "secp256r1")


@pytest.mark.req("R68")
def test_the_key_file_is_encrypted_and_private(
    module: SoftSecurityModule, tmp_path: Path
) -> None:
    """R68: a private key is not readable in the state folder."""
    module.generate("sig", "brainpoolP256r1")
    path = tmp_path / "sig"
    secret = module._key("sig").private_numbers().private_value.to_bytes(32, "big")
    assert secret not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["sig"]


def test_a_changed_moved_or_foreign_key_file_does_not_open(
    module: SoftSecurityModule, tmp_path: Path
) -> None:
    module.generate("sig", "secp256r1")
    sealed = (tmp_path / "sig").read_bytes()
    (tmp_path / "enc").write_bytes(sealed)
    (tmp_path / "tls").write_bytes(sealed[:-1] + bytes([sealed[-1] ^ 1]))
    (tmp_path / "cut").write_bytes(sealed[:5])
    for slot in ("enc", "tls", "cut"):
        with pytest.raises(KeyUnreadable):
            module.public_key(slot)
    with pytest.raises(KeyUnreadable):
        SoftSecurityModule(tmp_path, DeviceKey(bytes(32))).public_key("sig")


@pytest.mark.parametrize("curve", CURVES)
def test_both_sides_agree_on_the_same_secret(
    module: SoftSecurityModule, curve: str
) -> None:
    module.generate("a", curve)
    module.generate("b", curve)
    secret = module.agree("a", module.public_key("b"))
    assert secret == module.agree("b", module.public_key("a"))
    assert len(secret) == 32


def test_agreement_with_a_key_of_another_curve_is_refused(
    module: SoftSecurityModule,
) -> None:
    module.generate("a", "brainpoolP256r1")
    with pytest.raises(ValueError):
        module.agree("a", ec.generate_private_key(ec.SECP256R1()).public_key())


def test_random_bytes_have_the_length_asked_for(module: SoftSecurityModule) -> None:
    assert len(module.random(16)) == 16
    assert module.random(16) != module.random(16)
