"""What a target may not do, measured around every single input."""

import functools
import gc
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

LONGEST_S = 0.1
"""CPU time that one input may take (decisions.md 5)."""
MOST_NEW_BLOCKS = 20_000
"""Objects that may be there more at the end: bounded stores that fill up."""
_TRIES = 3


class TooSlow(Exception):
    """One input took longer than it may."""


class Grown(Exception):
    """More and more memory is held although every input was done with."""


@dataclass
class Watch:
    """Runs a target on inputs and keeps the figures.

    `slowest_s` is CPU time, `grown_blocks` how many of Python's memory blocks are held
    more than when `settle` was called, caches of functions left out.
    """

    target: Callable[[bytes], None]
    executions: int = 0
    slowest_s: float = 0.0
    slowest: bytes = b""
    settled_blocks: int | None = None
    grown_blocks: int = 0

    def run(self, sample: bytes) -> None:
        """One input; raises what escapes from the target, and TooSlow."""
        started = time.process_time()
        self.target(sample)
        took = time.process_time() - started
        self.executions += 1
        if took <= self.slowest_s:
            return
        if took > LONGEST_S:
            took = min(took, *(self._seconds(sample) for _ in range(_TRIES - 1)))
        if took > LONGEST_S:
            raise TooSlow(f"{took * 1000:.0f} ms of CPU time for {sample.hex()}")
        self.slowest_s, self.slowest = max(took, self.slowest_s), sample

    def _seconds(self, sample: bytes) -> float:
        started = time.process_time()
        self.target(sample)
        return time.process_time() - started

    def settle(self) -> None:
        """From here on memory may not grow any more."""
        self.settled_blocks = held_blocks()

    def check_growth(self) -> None:
        """Raises Grown."""
        if self.settled_blocks is not None:
            self.grown_blocks = held_blocks() - self.settled_blocks
        if self.grown_blocks > MOST_NEW_BLOCKS:
            raise Grown(f"{self.grown_blocks} blocks more than before")


def held_blocks() -> int:
    """Blocks of memory that Python holds, without what bounded caches hold."""
    for found in gc.get_objects():
        # By its own type: `isinstance` would ask Django's lazy objects what they are.
        if type(found) is functools._lru_cache_wrapper:
            found.cache_clear()
    gc.collect()
    return sys.getallocatedblocks()


def resident_mib() -> float:
    """Memory of this process, MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20
