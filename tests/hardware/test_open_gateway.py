"""Opening a gateway from its state folder, the first time and again."""

from datetime import timedelta
from pathlib import Path

import pytest

from hardware.device_id import is_huid
from hardware.gateway import GatewayNotOpened, open_gateway
from hardware.private_files import make_once, replace

HUID = "eemh0009264154"


def test_a_gateway_keeps_its_identity_and_keys_over_a_restart(tmp_path: Path) -> None:
    first = open_gateway(tmp_path / "state")
    second = open_gateway(tmp_path / "state")
    assert is_huid(first.huid)
    assert first.huid.startswith("ecas00")
    assert second.huid == first.huid
    assert second.device_key == first.device_key
    assert second.security_module.public_key("sig") == first.security_module.public_key(
        "sig"
    )


def test_a_given_huid_is_kept_in_lower_case(tmp_path: Path) -> None:
    assert open_gateway(tmp_path, huid=HUID.upper()).huid == HUID
    assert open_gateway(tmp_path).huid == HUID


def test_another_huid_than_the_kept_one_is_refused(tmp_path: Path) -> None:
    open_gateway(tmp_path, huid=HUID)
    with pytest.raises(GatewayNotOpened, match=HUID):
        open_gateway(tmp_path, huid="eemh0009264155")


@pytest.mark.parametrize("huid", ["", "1emh0000000001", "eemh000926415"])
def test_what_is_no_huid_is_refused_and_nothing_is_kept(
    tmp_path: Path, huid: str
) -> None:
    with pytest.raises(GatewayNotOpened, match="HUID"):
        open_gateway(tmp_path, huid=huid)
    assert not (tmp_path / "huid").exists()


def test_a_lost_device_key_is_not_replaced_by_a_new_one(tmp_path: Path) -> None:
    open_gateway(tmp_path)
    (tmp_path / "device.key").unlink()
    with pytest.raises(GatewayNotOpened, match=r"device\.key is missing"):
        open_gateway(tmp_path)
    assert not (tmp_path / "device.key").exists()


def test_a_damaged_device_key_is_reported(tmp_path: Path) -> None:
    open_gateway(tmp_path)
    (tmp_path / "device.key").write_bytes(b"short")
    with pytest.raises(GatewayNotOpened, match="does not hold a device key"):
        open_gateway(tmp_path)


def test_keys_of_another_device_are_reported(tmp_path: Path) -> None:
    open_gateway(tmp_path / "a")
    open_gateway(tmp_path / "b")
    (tmp_path / "a" / "keys" / "sig").replace(tmp_path / "b" / "keys" / "sig")
    with pytest.raises(GatewayNotOpened, match="does not open"):
        open_gateway(tmp_path / "b")


def test_the_state_folder_is_private(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir(mode=0o755)
    open_gateway(state)
    assert state.stat().st_mode & 0o777 == 0o700
    assert (state / "keys").stat().st_mode & 0o777 == 0o700
    assert (state / "device.key").stat().st_mode & 0o777 == 0o600


def test_a_folder_shared_by_all_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    with pytest.raises(GatewayNotOpened, match="shared"):
        open_gateway(tmp_path)


@pytest.mark.parametrize("curve", ["brainpoolP256r1", "secp256r1"])
def test_the_curve_of_a_new_signature_key_can_be_chosen(
    tmp_path: Path, curve: str
) -> None:
    gateway = open_gateway(tmp_path, signature_curve=curve)
    assert gateway.security_module.public_key("sig").curve.name == curve


def test_an_unknown_curve_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GatewayNotOpened, match="unknown curve"):
        open_gateway(tmp_path, signature_curve="secp521r1")


def test_the_clock_offset_moves_the_gateway_time(tmp_path: Path) -> None:
    here = open_gateway(tmp_path)
    ahead = open_gateway(tmp_path, clock_offset=timedelta(hours=5))
    before = here.clock.now()
    moved = ahead.clock.now() - before
    assert timedelta(hours=5) <= moved < timedelta(hours=5, minutes=1)


def test_of_two_makers_of_a_file_both_get_the_first_content(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert make_once(path, b"first") == b"first"
    assert make_once(path, b"second") == b"first"
    replace(path, b"third")
    assert path.read_bytes() == b"third"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
