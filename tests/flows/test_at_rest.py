"""What lies in the state folder of a running gateway is nothing that can be read."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hardware.device_id import server_id_of
from tests.flows.running import RunningGateway, free_port
from tests.flows.stored import stored

PORTS = ("service", "gwa", "cls", "cls-sni", "wakeup")
OTHERS = {"demo.json", "demo"}
"""The belongings of the other parties."""


def files(state: Path) -> Iterator[Path]:
    for path in sorted(state.rglob("*")):
        if path.relative_to(state).parts[0] not in OTHERS and path.is_file():
            yield path


def found(state: Path, words: set[bytes]) -> set[tuple[str, bytes]]:
    """Where which word stands in clear, in names of files too.

    In millions of encrypted bytes every word of four letters turns up by chance: there
    only longer ones are looked for.
    """
    hits = set()
    for path in files(state):
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            continue  # a message that was taken
        text = content.lower() + b"\0" + str(path.relative_to(state)).lower().encode()
        shortest = 7 if path.name.startswith("casa.sqlite3") else 4
        hits |= {
            (path.name, word)
            for word in words
            if len(word) >= shortest and word.lower() in text
        }
    return hits


def telling_words(state: Path) -> set[bytes]:
    """User names, passwords, contracts, meter ids in all forms of the demo."""
    demo = json.loads((state / "demo.json").read_text())
    words: set[bytes] = set()
    for consumer in demo["consumers"]:
        named = [consumer["user"], consumer["password"], *consumer["contracts"]]
        words |= {word.encode() for word in named}
        for meter in consumer["meters"]:
            server_id = (
                server_id_of(meter) if len(meter) == 14 else bytes.fromhex(meter)
            )
            words |= {meter.encode(), server_id, server_id.hex().encode()}
    return words


def readings_of(state: Path) -> set[bytes]:
    """The values of all original records, those of seven digits and more."""
    lines = [
        line
        for rows in stored(state).originals.values()
        for row in rows
        for line in row.registers.splitlines()
    ]
    values = {line.split()[1] for line in lines}
    return {value.encode() for value in values if len(value) >= 7}


@pytest.mark.slow
@pytest.mark.req("R68")
def test_nothing_in_the_state_folder_can_be_read(tmp_path: Path) -> None:
    """A real gateway with the demo: no user name, password, meter id, contract or
    reading in clear in any file, the database's log and the queues included."""
    state = tmp_path / "state"
    options = [f"--{name}-port={free_port()}" for name in PORTS]
    with RunningGateway(state, "--history-days", "1", *options) as running:
        running.wait_for("CASA ready")
        running.wait_for("history is complete", within_s=120)
        readings = readings_of(state)
        words = telling_words(state) | readings
        assert len(readings) > 100
        assert (state / "casa.sqlite3-wal").stat().st_size > 0
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline:  # messages come and go meanwhile
            assert found(state, words) == set()
        running.stop()
        assert running.wait_for_exit(within_s=20) == 0
    assert found(state, words) == set()
    # The search finds what is there.
    assert found(state / "demo", {b"1emh0000000001"})
