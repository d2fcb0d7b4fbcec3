"""The cases published with TRuDI, where the folder with them is there."""

import json
from pathlib import Path
from typing import Any

from tariffs.trudi.model import ReadingList, UsagePoint
from tariffs.trudi.reader import read_usage_point
from tariffs.trudi.xml_file import load
from tests.conftest import SHARED

FOLDER = SHARED / "testdata" / "trudi"
CARRIED = Path(__file__).resolve().parents[2] / "data" / "trudi"


def cases(kind: str) -> list[dict[str, Any]]:
    """One of the lists of expected.json; empty where the folder is missing."""
    path = FOLDER / "expected.json"
    found: list[dict[str, Any]] = (
        json.loads(path.read_text())[kind] if path.exists() else []
    )
    return found


def usage_point(path: Path) -> UsagePoint:
    """The content of a file that the parser takes."""
    point, findings = read_usage_point(load(path.read_bytes()))
    assert findings == []
    assert point is not None
    return point


def reading_list(path: Path, index: int = 0) -> ReadingList:
    """One list of a file."""
    return usage_point(path).lists[index]
