"""What stands on the nameplate (manual ch. 2.2, R2): a file in the state folder.

`nameplate.json` is one object with any of the fields below, each a text; the HUID and
the software version are the gateway's own and stand in no file.
"""

import json
from dataclasses import dataclass, fields
from pathlib import Path

from hardware.hardware_version import HardwareVersion

NAMEPLATE_FILE = "nameplate.json"
_LIMIT_BYTES = 16 * 1024
_LONGEST_TEXT = 200


@dataclass(frozen=True, slots=True)
class Nameplate:
    """The facts of the nameplate; '' where nothing is known.

    `conformity_mark` is the metrology marking, `type_examination` the number of the
    PTB's certificate, `hardware_version` as in R3.
    """

    conformity_mark: str = ""
    type_examination: str = ""
    owner: str = ""
    type_designation: str = ""
    type_key: str = ""
    ce_mark: str = ""
    bsi_mark: str = ""
    protection_class: str = ""
    protection_degree: str = ""
    hardware_version: str = ""
    seal_number: str = ""
    voltage: str = ""
    frequency: str = ""
    current: str = ""
    temperature_range: str = ""

    @property
    def hardware(self) -> HardwareVersion | None:
        """The hardware version, None where the nameplate names none."""
        text = self.hardware_version
        return HardwareVersion.parse(text) if text else None


def load_nameplate(state: Path) -> Nameplate:
    """The nameplate of the gateway of this state folder; an empty one without a file.

    Raises ValueError with one sentence that names the file.
    """
    path = state / NAMEPLATE_FILE
    try:
        with path.open("rb") as file:
            content = file.read(_LIMIT_BYTES + 1)
    except FileNotFoundError:
        return Nameplate()
    try:
        return parse_nameplate(content)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def parse_nameplate(content: bytes) -> Nameplate:
    """Read the file's content; raises ValueError for anything that does not belong."""
    if len(content) > _LIMIT_BYTES:
        raise ValueError("larger than 16 KiB")
    try:
        document = json.loads(content, object_pairs_hook=_without_repeats)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        raise ValueError("no JSON") from None
    if not isinstance(document, dict):
        raise ValueError("one object is expected")
    known = {field.name for field in fields(Nameplate)}
    for name, value in document.items():
        if name not in known:
            raise ValueError(f"unknown field {name[:40]!r}")
        if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
            raise ValueError(f"{name} must be a text of at most 200 characters")
        if not value.isprintable():
            raise ValueError(f"{name} holds a character that cannot be shown")
    nameplate = Nameplate(**document)
    _ = nameplate.hardware  # raises for one that is none
    return nameplate


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len({name for name, _value in pairs}) != len(pairs):
        raise ValueError("a field is named twice")
    return dict(pairs)
