"""The first start on a state folder: its device key, and whether a demo is wanted."""

from pathlib import Path

from casa_site.env import SettingInvalid
from hardware.device_key import device_key_file, load_or_make
from hardware.gateway import HUID_FILE

DEMO_PENDING = "demo.pending"
DEMO_FILE = "demo.json"


def begin(state: Path, *, with_demo: bool) -> None:
    """Make the state folder and the device key when they are not there yet.

    The settings derive the keys of cookies and of the database file from it, so it
    has to be there before they are read. A wish for the demo is noted first, so that
    a broken first start goes on with it. Raises SettingInvalid when the key of a
    gateway is gone: a new one would only hide that.
    """
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = device_key_file(state)
    # The device key is made before the HUID: a HUID alone means it was lost.
    if not path.exists() and (state / HUID_FILE).exists():
        raise SettingInvalid(
            f"{path} is missing: without it nothing in {state} can be decrypted."
        )
    if with_demo and not path.exists():
        (state / DEMO_PENDING).touch(mode=0o600)
    load_or_make(path)


def installs_demo(state: Path) -> bool:
    """Whether the next set-up is to install the demo."""
    return (state / DEMO_PENDING).exists()


def wants_demo(state: Path) -> bool:
    """Whether the demo is installed in the state folder, or about to be."""
    return (state / DEMO_FILE).exists() or installs_demo(state)
