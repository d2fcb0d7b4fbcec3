"""Who is in a fleet: ids, schemas, ports and meters, each once."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from casa_site.fleet import command
from casa_site.fleet.plan import FLEET_FILE, members, write_description
from hardware.device_id import is_huid, server_id_of

NOW = datetime(2026, 6, 22, 12, tzinfo=UTC)


def test_nothing_belongs_to_two_gateways(tmp_path: Path) -> None:
    found = members(tmp_path, 500, host="127.0.0.1", first_port=20000, now=NOW)
    for what in ("huid", "schema", "state", "han_port", "metering_point", "han_url"):
        assert len({getattr(one, what) for one in found}) == 500
    meters = [meter.id for one in found for meter in one.meters]
    assert len(set(meters)) == 1000
    assert all(is_huid(one.huid) and len(one.metering_point) == 33 for one in found)
    assert len({server_id_of(meter) for meter in meters}) == 1000


def test_a_larger_fleet_has_the_smaller_one_in_it(tmp_path: Path) -> None:
    """Later starts keep the day from which the meters count."""
    few = members(tmp_path, 3, host="::1", first_port=20000, now=NOW)
    later = NOW.replace(year=2027)
    assert members(tmp_path, 9, host="::1", first_port=20000, now=later)[:3] == few
    assert few[0].han_url == "https://[::1]:20000"
    assert few[0].since == datetime(2026, 6, 22, tzinfo=UTC)


def test_the_description_is_for_its_owner_alone(tmp_path: Path) -> None:
    write_description(tmp_path, [{"huid": "x", "password": "secret"}])
    path = tmp_path / FLEET_FILE
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text())["gateways"][0]["huid"] == "x"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["0"], "no number of 1 to"),
        (["5001"], "no number of 1 to"),
        (["many"], "no number of 1 to"),
        (["2", "--speed", "0.5"], "no number of 1 to 60"),
        (["2", "--speed", "nan"], "no number of 1 to 60"),
        (["2", "--nodes", "0"], "invalid choice"),
    ],
)
def test_wrong_words_are_refused(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        command.main(words)
    assert said in capsys.readouterr().err
