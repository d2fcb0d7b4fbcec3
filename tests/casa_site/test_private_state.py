"""Nobody but the owner can read what the gateway writes."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from casa_site.private_state import keep_private


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def modes(folder: Path) -> set[int]:
    return {path.stat().st_mode & 0o777 for path in folder.rglob("*")}


def test_what_is_made_from_now_on_is_the_owners_alone(tmp_path: Path) -> None:
    keep_private(tmp_path)
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "file").touch()
    assert modes(tmp_path) == {0o700, 0o600}


def test_what_an_earlier_version_made_becomes_so(tmp_path: Path) -> None:
    """But not what else lies in the folder: that is not ours."""
    (tmp_path / "queue" / "in-flight" / "worker").mkdir(parents=True)
    for name in ("casa.sqlite3", "casa.sqlite3-wal", "notes.txt"):
        (tmp_path / name).touch()
    keep_private(tmp_path)
    assert modes(tmp_path / "queue") == {0o700}
    files = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert files.pop("notes.txt") == 0o644
    assert set(files.values()) == {0o600, 0o700}
