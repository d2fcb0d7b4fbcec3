"""The first start on a state folder: device key, and the wish for a demo."""

import stat
from pathlib import Path

import pytest

from casa_site import first_start, identity
from casa_site.env import SettingInvalid


def test_the_first_start_makes_the_device_key_once(tmp_path: Path) -> None:
    state = tmp_path / "a" / "state"
    assert identity.existing_device_key(state) is None
    first_start.begin(state, with_demo=False)
    key = identity.existing_device_key(state)
    first_start.begin(state, with_demo=False)
    assert key is not None and identity.existing_device_key(state) == key
    assert stat.S_IMODE((state / "device.key").stat().st_mode) == 0o600


@pytest.mark.parametrize("with_demo", [True, False])
def test_only_the_first_start_decides_about_the_demo(
    tmp_path: Path, with_demo: bool
) -> None:
    first_start.begin(tmp_path, with_demo=with_demo)
    first_start.begin(tmp_path, with_demo=not with_demo)
    assert first_start.installs_demo(tmp_path) is with_demo
    assert first_start.wants_demo(tmp_path) is with_demo


def test_a_device_key_that_was_lost_is_not_made_anew(tmp_path: Path) -> None:
    (tmp_path / "huid").write_text("eemh0009264154")
    with pytest.raises(SettingInvalid, match="is missing"):
        first_start.begin(tmp_path, with_demo=True)
    assert [path.name for path in tmp_path.iterdir()] == ["huid"]
