"""How CPU time is measured: in rounds, each work beside the others.

The machine is shared and its speed changes from second to second. So a work and its
reference are measured in turn, and what counts is the median over the rounds; a ratio
is taken within each round.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from statistics import median

Work = Callable[[], object]
Prepare = Callable[[], Work]
"""Makes the work of one round; what it does itself is not measured."""


def cpu_rounds(works: Mapping[str, Prepare], rounds: int) -> dict[str, list[float]]:
    """CPU seconds of this process for each work, one per round.

    All works run once before, unmeasured; their order turns with each round.
    """
    for prepare in works.values():
        prepare()()
    seconds: dict[str, list[float]] = {name: [] for name in works}
    order = deque(works.items())
    for _ in range(rounds):
        for name, prepare in order:
            seconds[name].append(cpu_seconds(prepare()))
        order.rotate(1)
    return seconds


def cpu_seconds(work: Work) -> float:
    """CPU seconds of this process, all its threads and the kernel's share."""
    begin = time.process_time()
    work()
    return time.process_time() - begin


def always(work: Work) -> Prepare:
    """A work that needs no preparation."""
    return lambda: work


def median_ratio(values: Sequence[float], references: Sequence[float]) -> float:
    """The median of value / reference, round by round."""
    return median(v / r for v, r in zip(values, references, strict=True))
