"""P4: decoding of SML files, strict, both checksums, exact decimals.

The files are those of real meters: the captures in ../shared where that folder is,
else the ones that the tests carry. First every value is compared with what the
captures are known to hold; then the decoders take turns over the files that all of
them read. smllib builds tables whenever a reader is made; the goal was set for a new
reader per file, so that is what the figure compares on both sides, and what one kept
reader takes stands beside it. pysml has no readers.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import sml
from smllib.errors import SmlLibException
from smllib.reader import SmlStreamReader

from casa_site.bench.bench import Bench
from casa_site.bench.figure import Figure, Goal, Quantity, ResultWrong
from casa_site.bench.rounds import always, cpu_rounds, median_ratio
from casa_site.decode import sml_line
from hardware.sml_lists import GET_LIST_RESPONSE, get_list_response
from hardware.sml_transport import SmlFile, SmlFileReader

Decode = Callable[[Iterable[bytes]], None]
"""Decodes files one after the other."""

BASE = Path(__file__).resolve().parents[2]
SHARED = BASE.parent / "shared" / "testdata" / "sml"
CARRIED = BASE / "tests" / "data" / "sml"

OWN, OWN_KEPT = "own, a reader per file", "own, one reader kept"
SMLLIB, SMLLIB_KEPT = "smllib, a reader per file", "smllib, one reader kept"
PYSML = "pysml"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A figure: how much faster the first decoder is than the second."""

    title: str
    own: str
    other: str
    goal: float
    shown: tuple[str, ...]


COMPARISONS = (
    Comparison(
        "SML decoding, times as fast as smllib (parse_frame)",
        OWN,
        SMLLIB,
        4.0,
        (OWN, SMLLIB, OWN_KEPT, SMLLIB_KEPT),
    ),
    Comparison(
        "SML decoding, times as fast as pysml", OWN_KEPT, PYSML, 20.0, (OWN_KEPT, PYSML)
    ),
)


@dataclass(frozen=True, slots=True)
class Capture:
    """A recorded stream and the good files that are known to be in it."""

    name: str
    data: bytes
    frames: list[dict[str, Any]]

    def files(self) -> Iterator[bytes]:
        """The bytes of each good file, with its transport."""
        for frame in self.frames:
            yield self.data[frame["offset"] : frame["offset"] + frame["length"]]


def figures(bench: Bench) -> Iterator[Figure]:
    """P4, against each of the two decoders."""
    captures = list(_captures())
    values = sum(map(_check, captures))
    files = [file for capture in captures for file in capture.files()]
    common = list(filter(_others_read, files))
    works = {
        name: always(partial(decode, common * bench.scale.passes))
        for name, decode in _DECODERS.items()
    }
    seconds = cpu_rounds(works, bench.scale.rounds)
    costs = {
        name: 1e6 * median(taken) / (len(common) * bench.scale.passes)
        for name, taken in seconds.items()
    }
    conditions = (
        f"{len(common)} files of real meters, {sum(map(len, common)) // len(common)} "
        f"bytes on average; {values} values of {len(files)} files compared before"
    )
    for one in COMPARISONS:
        yield Figure(
            id="P4",
            title=one.title,
            value=median_ratio(seconds[one.other], seconds[one.own]),
            unit="x",
            goal=Goal("at least", one.goal),
            references=tuple(
                Quantity(f"CPU per file, {name}", costs[name], "µs")
                for name in one.shown
            ),
            conditions=conditions,
        )


def _own(file: bytes, reader: SmlFileReader) -> None:
    """Both checksums, typed entries, an exact decimal for every number."""
    for found in reader.feed(file):
        for message in found.messages if isinstance(found, SmlFile) else ():
            if message.tag == GET_LIST_RESPONSE:
                for entry in get_list_response(message).entries:
                    entry.amount  # noqa: B018 (computed when asked for)


def _smllib(file: bytes, reader: SmlStreamReader) -> None:
    """The checksum of the transport, typed entries."""
    reader.add(file)
    if frame := reader.get_frame():
        frame.parse_frame()


def _per_file(
    decode: Callable[[bytes, Any], None], reader: Callable[[], Any]
) -> Decode:
    def decode_all(files: Iterable[bytes]) -> None:
        for file in files:
            decode(file, reader())

    return decode_all


def _kept(decode: Callable[[bytes, Any], None], reader: Callable[[], Any]) -> Decode:
    def decode_all(files: Iterable[bytes]) -> None:
        kept = reader()
        for file in files:
            decode(file, kept)

    return decode_all


def _pysml(files: Iterable[bytes]) -> None:
    """Both checksums, typed entries, values as float."""
    for file in files:
        sml.SmlBase.parse_frame(file)


_DECODERS: dict[str, Decode] = {
    OWN: _per_file(_own, SmlFileReader),
    OWN_KEPT: _kept(_own, SmlFileReader),
    SMLLIB: _per_file(_smllib, SmlStreamReader),
    SMLLIB_KEPT: _kept(_smllib, SmlStreamReader),
    PYSML: _pysml,
}


def _captures() -> Iterator[Capture]:
    folder = SHARED if SHARED.is_dir() else CARRIED
    inner = folder / "captures"
    for known in json.loads((folder / "expected.json").read_text())["captures"]:
        path = (inner if inner.is_dir() else folder) / known["file"]
        yield Capture(known["file"], path.read_bytes(), known["frames"])


def _check(capture: Capture) -> int:
    """Compare a whole capture, damage included; how many values it holds."""
    found = [one for one in _found(capture.data) if isinstance(one, SmlFile)]
    if [(f.offset, f.length) for f in found] != [
        (frame["offset"], frame["length"]) for frame in capture.frames
    ]:
        raise ResultWrong(f"{capture.name}: not the files that are in it")
    count = 0
    for file, frame in zip(found, capture.frames, strict=True):
        expected = [entry for one in frame["get_list"] for entry in one["entries"]]
        entries = sml_line(file)["entries"]
        for entry, known in zip(entries, expected, strict=True):
            if any(entry[name] != known[name] for name in entry):
                raise ResultWrong(f"{capture.name}: {entry} is not {known}")
        count += len(entries)
    return count


def _found(data: bytes) -> Iterator[object]:
    reader = SmlFileReader()
    yield from reader.feed(data)
    yield from reader.finish()


def _others_read(file: bytes) -> bool:
    """Whether both references decode this file in their default settings."""
    reader = SmlStreamReader()
    reader.add(file)
    try:
        frame = reader.get_frame()
        read = frame is not None and frame.parse_frame(), sml.SmlBase.parse_frame(file)
    except (SmlLibException, sml.SmlParserError, ValueError):
        return False
    return bool(read[0]) and len(read[1]) == 2
