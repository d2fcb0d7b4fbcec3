"""The time of a file says when the slowest loop of a process came round."""

from pathlib import Path

import pytest

from hardware.sign_of_life import SignOfLife, silence_s

SECOND = 1_000_000_000


class Monotonic:
    """A clock in nanoseconds that a test moves."""

    def __init__(self) -> None:
        self.value = 50 * SECOND

    def __call__(self) -> int:
        return self.value

    def pass_s(self, seconds: float) -> None:
        self.value += int(seconds * SECOND)


@pytest.fixture
def clock() -> Monotonic:
    return Monotonic()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "role.alive"


def test_who_never_showed_life_is_silent_without_a_number(file: Path) -> None:
    assert silence_s(file) is None


def test_making_it_is_the_first_sign_also_after_an_earlier_process(
    clock: Monotonic, file: Path
) -> None:
    SignOfLife(file, monotonic_ns=clock)
    clock.pass_s(100)
    assert silence_s(file, monotonic_ns=clock) == 100
    SignOfLife(file, monotonic_ns=clock)
    assert silence_s(file, monotonic_ns=clock) == 0


def test_the_file_is_written_once_in_three_seconds_however_much_happens(
    clock: Monotonic, file: Path
) -> None:
    life = SignOfLife(file, monotonic_ns=clock)
    written = set()
    for _ in range(1000):
        clock.pass_s(0.01)
        life.show()
        written.add(file.stat().st_mtime_ns)
    assert len(written) == 4


@pytest.mark.req("R134")
def test_a_loop_that_hangs_is_not_hidden_by_those_that_go_on(
    clock: Monotonic, file: Path
) -> None:
    """R134: the time is that of the loop that was round longest ago."""
    life = SignOfLife(file, monotonic_ns=clock)
    life.show("hangs")
    for _ in range(20):
        clock.pass_s(1)
        life.show("goes on")
    assert (silence_s(file, monotonic_ns=clock) or 0) >= 18
    life.forget("hangs")
    clock.pass_s(3)
    life.show("goes on")
    assert silence_s(file, monotonic_ns=clock) == 0


def test_at_the_end_of_the_gateway_nothing_is_made_anew(
    clock: Monotonic, file: Path
) -> None:
    life = SignOfLife(file, monotonic_ns=clock)
    file.unlink()
    clock.pass_s(5)
    life.show()
    assert not file.exists()
