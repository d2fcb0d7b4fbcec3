"""The vectors of tests/data and of the shared folder as Python values."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hardware.sml import SmlElement, SmlInteger, SmlMessage

DATA = Path(__file__).resolve().parents[1] / "data"
CHUNK_SIZES = (1, 3, 1_000_000)


def read_json(path: Path) -> Any:
    """The content of a JSON file."""
    return json.loads(path.read_text())


def chunks(data: bytes, size: int) -> Iterator[bytes]:
    """The data in pieces of one size."""
    for start in range(0, len(data), size):
        yield data[start : start + size]


def captures(folder: Path) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """Each capture that an expected.json describes, bytes and description."""
    inner = folder / "captures"
    for expected in read_json(folder / "expected.json")["captures"]:
        path = (inner if inner.is_dir() else folder) / expected["file"]
        yield path.read_bytes(), expected


def element_of(notation: Any) -> SmlElement:
    """The element that the notation of messages.json stands for."""
    if notation is None:
        return None
    if isinstance(notation, list):
        return tuple(element_of(part) for part in notation)
    if "octet" in notation:
        return bytes.fromhex(notation["octet"])
    if "bool" in notation:
        return bool(notation["bool"])
    kind = "u" if "u" in notation else "i"
    return SmlInteger(notation[kind], notation["w"], kind == "i")


def messages_of(vector: dict[str, Any]) -> tuple[SmlMessage, ...]:
    """The messages of a vector of messages.json."""
    return tuple(
        SmlMessage(
            bytes.fromhex(message["transaction_id"]),
            message["group_no"],
            message["abort_on_error"],
            int(message["tag"], 16),
            element_of(message["body"]),
        )
        for message in vector["messages"]
    )


def message_vectors(folder: Path) -> list[dict[str, Any]]:
    """The vectors of a messages.json."""
    vectors: list[dict[str, Any]] = read_json(folder / "messages.json")["vectors"]
    return vectors
