"""The fault codes of the security module: provoked by real refusals, or why not."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from hardware import pki
from hardware.certificate_path import CertificateRefused, check_root, read_certificate
from hardware.device_key import DeviceKey
from hardware.gateway import GatewayNotOpened, open_gateway
from hardware.module_state import STATE_FILE, LifeCycle, module_pin
from hardware.root_certificates import (
    delete_root,
    install_initial_root,
    install_root,
    refuse_unless_new,
    root_certificates,
)
from hardware.security_faults import (
    ChannelRefused,
    LifeCycleRefused,
    RootRefused,
    SecurityModuleFault,
)
from hardware.security_module import SignatureInvalid, SoftSecurityModule, verify
from logbooks.catalogue import fault_codes

DEVICE_KEY = DeviceKey(bytes(range(32)))
NOW = datetime(2026, 3, 1, tzinfo=UTC)
FIRST, SECOND, THIRD = (pki.make_root(NOW, number=number) for number in (1, 2, 3))
CURVES = dict.fromkeys(("tls", "enc", "sig"), "brainpoolP256r1")
Module = SoftSecurityModule


@pytest.fixture
def module(tmp_path: Path) -> Module:
    folder = tmp_path / "keys"
    folder.mkdir()
    made = Module(folder, DEVICE_KEY)
    made.generate("sig", "secp256r1")
    return made


def der(authority: pki.Authority) -> bytes:
    return authority.certificate.public_bytes(Encoding.DER)


def link(old: pki.Authority, new: pki.Authority) -> bytes:
    return pki.link_certificate(old, new).public_bytes(Encoding.DER)


def with_root(module: Module) -> None:
    install_initial_root(module, der(FIRST))


def add(module: Module, root: pki.Authority, slot: int | None = None) -> None:
    install_root(module, der(root), link=link(FIRST, root), slot=slot)


def folder_gone(module: Module) -> None:
    module.folder.rename(module.folder.with_name("elsewhere"))
    module.sign("sig", b"")


def slot_is_a_folder(module: Module) -> None:
    (module.folder / "enc").mkdir()
    module.public_key("enc")


def wrong_pin(module: Module) -> None:
    module.open_channel(b"0000")


def closed_channel(module: Module) -> None:
    module.close_channel()
    module.sign("sig", b"")


def state_changed(module: Module) -> None:
    module.ensure_state()
    path = module.folder / STATE_FILE
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    module.sign("sig", b"")


def empty_slot(module: Module) -> None:
    module.sign("enc", b"")


def out_of_service(module: Module) -> None:
    module.advance(LifeCycle.TERMINATED)
    module.sign("sig", b"")


def no_keys_out_of_service(module: Module) -> None:
    module.advance(LifeCycle.TERMINATED)
    module.generate("enc", "secp256r1")


def unknown_curve(module: Module) -> None:
    module.generate("enc", "secp224r1")


def second_new_bank(module: Module) -> None:
    module.generate_next_bank(CURVES)
    module.generate_next_bank(CURVES)


def switch_without_bank(module: Module) -> None:
    module.switch_bank()


def delete_in_force(module: Module) -> None:
    module.delete("sig")


def backwards(module: Module) -> None:
    module.advance(LifeCycle.OPERATIONAL)
    module.advance(LifeCycle.INITIAL)


def second_initial_root(module: Module) -> None:
    with_root(module)
    install_initial_root(module, der(SECOND))


def root_again(module: Module) -> None:
    with_root(module)
    install_initial_root(module, der(FIRST))


def foreign_link(module: Module) -> None:
    with_root(module)
    install_root(module, der(SECOND), link=link(THIRD, SECOND))


def root_into_taken_slot(module: Module) -> None:
    with_root(module)
    add(module, SECOND, slot=1)


def root_into_no_slot(module: Module) -> None:
    with_root(module)
    add(module, SECOND, slot=9)


def last_root(module: Module) -> None:
    with_root(module)
    delete_root(module, FIRST.certificate.fingerprint(SHA256()).hex())


def unknown_root(module: Module) -> None:
    with_root(module)
    delete_root(module, "00" * 32)


def root_on_wrong_curve(module: Module) -> None:
    install_initial_root(module, der(pki.make_root(NOW, curve=ec.SECP256R1())))


def seal_in_operation(module: Module) -> None:
    module.advance(LifeCycle.OPERATIONAL)
    refuse_unless_new(module)


def wrong_signature(module: Module) -> None:
    verify(module.public_key("sig"), module.sign("sig", b"a"), b"b")


def unreadable_certificate(module: Module) -> None:
    install_initial_root(module, b"no certificate")


def changed_root(module: Module) -> None:
    data = bytearray(der(FIRST))
    data[-1] ^= 1
    check_root(read_certificate(bytes(data)))


def request_without_key(module: Module) -> None:
    module.certificate_request("enc", FIRST.certificate.subject)


PROVOKED: list[tuple[int, Callable[[Module], None]]] = [
    (1600026, second_initial_root),
    (1600028, root_on_wrong_curve),
    (1600058, empty_slot),
    (1600058, out_of_service),
    (1600068, unreadable_certificate),
    (1600069, wrong_signature),
    (1600069, changed_root),
    (1600080, seal_in_operation),
    (1600086, backwards),
    (1600122, second_new_bank),
    (1600122, switch_without_bank),
    (1600123, unknown_curve),
    (1600123, no_keys_out_of_service),
    (1600201, delete_in_force),
    (1600237, root_into_taken_slot),
    (1600238, foreign_link),
    (1600244, root_into_no_slot),
    (1600245, last_root),
    (1600246, wrong_pin),
    (1600246, closed_channel),
    (1600246, state_changed),
    (1600250, unknown_root),
    (1600255, folder_gone),
    (1600257, slot_is_a_folder),
    (1600268, root_again),
    (2300304, request_without_key),
]

ELSEWHERE = {
    1600107: "a name that does not fit: tests/logbooks/test_key_renewal.py",
    1600115: "a usage that does not fit: tests/logbooks/test_key_renewal.py",
    1600143: "another curve or hash: tests/hardware/test_certificate_path.py",
    1600189: "the self-test signs with the gateway's key (logbooks.own_checks)",
    **{
        code: "known answers of the primitives (hardware.known_answers)"
        for code in (*range(1600170, 1600180), 1600190, 1600194, 1600196, 1600222)
    },
}

_FILES = "an elementary file of a chip card; here a root is one record, put in at once"
_AUTH = "the chip's AUTH state; here the administrator is known by mutual TLS"
_MADE = (
    "a step inside one call of the library, which fails as a whole (1600107, 1600115)"
)
_AGAIN = "the same cause as the code for it that is provoked"
NOT_PROVOKABLE = {
    1600003: "nothing to restart: the module is no process of its own (1600255)",
    1600004: _AUTH,
    **dict.fromkeys((1600025, 1600027, 1600032, 1600033, 1600034, 1600035), _FILES),
    **dict.fromkeys((1600037, 1600045, 1600050, 1600051, 1600052, 1600056), _FILES),
    **dict.fromkeys((1600059, 1600062, 1600063, 1600064, 1600079, 1600101), _FILES),
    1600125: _FILES,
    **dict.fromkeys((1600108, 1600112, 1600114, 1600116, 1600119, 1600129), _MADE),
    **dict.fromkeys((1600132, 1600133, 1600197, 1600198, 1600211), _AGAIN),
    **dict.fromkeys((1600137, 1600138, 1600140, 1600141), _AUTH),
    1600248: "the roots are one file that is replaced whole (1600257)",
    1600258: "there is no process in between",
}


@pytest.mark.req("R154")
@pytest.mark.parametrize(("code", "provoke"), PROVOKED)
def test_a_refusal_of_the_module_has_its_code(
    module: Module, code: int, provoke: Callable[[Module], None]
) -> None:
    """R154: each code arises from something that the module really refuses."""
    with pytest.raises(
        (SecurityModuleFault, CertificateRefused, SignatureInvalid)
    ) as refused:
        provoke(module)
    assert refused.value.code == code  # type: ignore[attr-defined]


@pytest.mark.req("R154")
def test_every_code_of_the_module_is_provoked_or_has_a_reason() -> None:
    """R154: the list of the manual, without a gap and without an invention."""
    listed = {code for code in fault_codes() if 1600000 <= code < 1700000}
    provoked = {code for code, _act in PROVOKED if code < 1700000}
    assert provoked | set(ELSEWHERE) | set(NOT_PROVOKABLE) == listed
    assert not provoked & set(NOT_PROVOKABLE)
    assert not set(ELSEWHERE) & set(NOT_PROVOKABLE)


@pytest.mark.req("R69", "R154")
def test_trust_is_handed_from_root_to_root(module: Module) -> None:
    """R69, R154: a new root by a link of the old one; then the old one may go."""
    with_root(module)
    add(module, SECOND)
    assert root_certificates(module) == [FIRST.certificate, SECOND.certificate]
    delete_root(module, FIRST.certificate.fingerprint(SHA256()).hex())
    again = Module(module.folder, DEVICE_KEY)
    assert root_certificates(again) == [SECOND.certificate]
    with pytest.raises(RootRefused):
        install_root(again, der(THIRD), link=link(FIRST, THIRD))


def test_the_root_slots_are_used_up_at_some_time(module: Module) -> None:
    with_root(module)
    for number in range(4, 7):
        add(module, pki.make_root(NOW, number=number))
    with pytest.raises(RootRefused) as refused:
        add(module, SECOND)
    assert refused.value.code == 1600237


def test_the_channel_opens_with_the_pin_again(module: Module) -> None:
    module.close_channel()
    with pytest.raises(ChannelRefused):
        module.open_channel(b"wrong")
    with pytest.raises(ChannelRefused):
        module.public_key("sig")
    module.open_channel(module_pin(DEVICE_KEY))
    assert module.sign("sig", b"x")


def test_what_the_module_remembers_is_private_and_sealed(module: Module) -> None:
    with_root(module)
    path = module.folder / STATE_FILE
    assert path.stat().st_mode & 0o777 == 0o600
    assert der(FIRST) not in path.read_bytes() and b"life" not in path.read_bytes()
    with pytest.raises(ChannelRefused):
        Module(module.folder, DeviceKey(bytes(32))).state()


def test_another_process_follows_a_switch_of_the_bank(module: Module) -> None:
    """Two objects on one folder: as two processes of the gateway are."""
    other = Module(module.folder, DEVICE_KEY)
    before = other.key_identifier("sig")
    module.generate_next_bank(CURVES)
    module.switch_bank()
    assert other.key_identifier("sig") == module.key_identifier("sig") != before
    module.delete_next_bank()
    module.generate_next_bank(CURVES)
    slot = module.next_slot("sig")
    assert other.key_identifier(slot) == module.key_identifier(slot) != before


def test_a_state_of_an_older_version_is_opened_with_its_key(tmp_path: Path) -> None:
    """It has a file `sig` and nothing else: that is the first bank's key."""
    state = tmp_path / "state"
    ski = open_gateway(state).security_module.key_identifier("sig")
    (state / "keys" / STATE_FILE).unlink()
    assert [path.name for path in (state / "keys").iterdir()] == ["sig"]
    again = open_gateway(state).security_module
    assert again.key_identifier("sig") == again.key_identifier("sig-1") == ski
    assert (state / "keys" / STATE_FILE).exists()
    (state / "keys" / STATE_FILE).write_bytes(b"spoilt")
    with pytest.raises(GatewayNotOpened):
        open_gateway(state)


def test_the_life_cycle_only_goes_on(module: Module) -> None:
    for stage in LifeCycle:
        module.advance(stage)
        assert module.state().life_cycle is stage
    with pytest.raises(LifeCycleRefused):
        module.advance(LifeCycle.OPERATIONAL)
