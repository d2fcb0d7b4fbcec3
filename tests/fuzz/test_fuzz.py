"""The fuzz targets on their corpus, and that the watch over them sees what it must."""

import time

import pytest

from tests.fuzz.__main__ import main
from tests.fuzz.samples import samples
from tests.fuzz.seeds import SEEDS
from tests.fuzz.targets import TARGETS, run
from tests.fuzz.watch import MOST_NEW_BLOCKS, Grown, TooSlow, Watch


@pytest.mark.parametrize("name", TARGETS)
def test_every_input_of_the_corpus_passes_in_time(name: str) -> None:
    watch = Watch(lambda sample: run(name, sample))
    for sample in samples(name):
        watch.run(sample)
    assert watch.executions >= len(set(SEEDS[name]()))


@pytest.mark.parametrize("name", SEEDS)
def test_the_seeds_of_the_vectors_are_in_the_corpus(name: str) -> None:
    assert set(SEEDS[name]()) <= set(samples(name))


def test_an_input_that_takes_long_is_seen() -> None:
    def slow(sample: bytes) -> None:
        end = time.process_time() + len(sample) / 1000
        while time.process_time() < end:
            pass

    watch = Watch(slow)
    watch.run(bytes(20))
    assert 0.02 <= watch.slowest_s < 0.1
    with pytest.raises(TooSlow):
        watch.run(bytes(110))


def test_memory_that_is_held_is_seen() -> None:
    held: list[bytes] = []
    watch = Watch(lambda sample: held.append(bytes(len(sample) + len(held) + 64)))
    watch.settle()
    for _ in range(MOST_NEW_BLOCKS // 2):
        watch.run(b"x")
    watch.check_growth()
    for _ in range(MOST_NEW_BLOCKS):
        watch.run(b"x")
    with pytest.raises(Grown):
        watch.check_growth()


@pytest.mark.slow
def test_the_runner_fuzzes_in_processes_of_their_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("atheris")
    assert main(["--seconds", "4", "hdlc", "cul"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["hdlc", "cul"]
    assert all("inputs" in line and "held objects" in line for line in lines)
