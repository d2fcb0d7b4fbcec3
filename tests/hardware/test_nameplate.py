"""Nameplate and hardware version."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.hardware_version import HardwareVersion
from hardware.nameplate import Nameplate, load_nameplate, parse_nameplate


@pytest.mark.req("R3")
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("10 301 01A", "10 301 01A"),
        ("1130201a", "11 302 01A"),
        ("11302", "11 302"),
        (" 10 304 ", "10 304"),
    ],
)
def test_a_hardware_version_is_read(text: str, shown: str) -> None:
    """R3: the form NN NNN XXX."""
    assert str(HardwareVersion.parse(text)) == shown


@pytest.mark.req("R3")
@pytest.mark.parametrize(
    "text", ["", "1 301", "10-301", "103010", "10 301 01", "١٠301"]
)
def test_what_is_no_hardware_version_is_refused(text: str) -> None:
    """R3: nothing else."""
    with pytest.raises(ValueError, match="hardware version"):
        HardwareVersion.parse(text)


@pytest.mark.req("R3")
@given(
    st.from_regex(r"[0-9]{5}", fullmatch=True),
    st.from_regex(r"[0-9]{5}", fullmatch=True),
    st.from_regex(r"[0-9A-Z]{3}", fullmatch=True),
)
def test_only_the_first_five_digits_count(one: str, other: str, suffix: str) -> None:
    """R3: a change of the suffix is no change of hardware, any other is."""
    first, second = HardwareVersion(one, "01A"), HardwareVersion(other, suffix)
    assert first.is_same_hardware(second) == (one == other)
    assert HardwareVersion.parse(str(second)) == second


@pytest.mark.req("R2")
def test_the_nameplate_is_a_file_of_the_state_folder(tmp_path: Path) -> None:
    """R2: every field that is no fact of the running program."""
    assert load_nameplate(tmp_path) == Nameplate()
    facts = {name: f"x {name}" for name in Nameplate.__slots__}
    facts["hardware_version"] = "11 302 01A"
    (tmp_path / "nameplate.json").write_text(json.dumps(facts))
    nameplate = load_nameplate(tmp_path)
    assert nameplate == Nameplate(**facts)
    assert nameplate.hardware == HardwareVersion("11302", "01A")


@pytest.mark.req("R2")
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"owner": 1}',
        b'{"huid": "eemh0009264154"}',
        b'{"owner": "a", "owner": "b"}',
        b'{"owner": "\\u0000"}',
        b'{"hardware_version": "new"}',
        b'{"owner": "' + b"x" * 201 + b'"}',
        b" " * 20_000,
        b"\xff",
        b"[" * 10_000,
    ],
)
def test_a_nameplate_with_anything_else_is_refused(content: bytes) -> None:
    """R2: no half-read facts."""
    with pytest.raises(ValueError):
        parse_nameplate(content)
