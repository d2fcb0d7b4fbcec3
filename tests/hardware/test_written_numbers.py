"""Codes and ids are written in ASCII; look-alikes of other scripts are none."""

import pytest

from hardware.device_id import canonical_meter_id, is_huid, server_id_of
from hardware.obis import Obis

FULL_WIDTH_ONE = "\uff11"
KELVIN_SIGN = "\u212a"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1-0:1.8.0*255", "0100010800ff"),
        ("16.7.0", "0100100700ff"),
        (" 1.8 ", "0100010800ff"),
        ("0100010800FF", "0100010800ff"),
    ],
)
def test_an_obis_code_comes_in_several_forms(text: str, expected: str) -> None:
    assert Obis.parse(text).logical_name == expected


@pytest.mark.parametrize(
    "text",
    [
        f"{FULL_WIDTH_ONE}.8.0",
        f"1-0:1.8.{FULL_WIDTH_ONE}",
        "1-0:\u0661.8.0",
        f"0{FULL_WIDTH_ONE}00010800ff",
        "256.8.0",
        "1.8.0\n1",
        "",
    ],
)
def test_what_is_no_obis_code_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="OBIS"):
        Obis.parse(text)


@pytest.mark.parametrize("text", [f"1e{KELVIN_SIGN}h0010599732", "1emh001059973\uff12"])
def test_look_alikes_make_no_device_id(text: str) -> None:
    for reader in (canonical_meter_id, server_id_of):
        with pytest.raises(ValueError, match="id"):
            reader(text)
    assert not is_huid(f"e{text[1:]}")
