"""P6: the start page of a consumer, and whether the length of his lists matters."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median

from casa_site.bench.bench import Bench
from casa_site.bench.figure import Figure, Goal, Quantity, ResultWrong
from casa_site.bench.household import (
    CONSUMER,
    METERS,
    PASSWORD,
    Household,
    household_of,
    use_file,
)
from casa_site.bench.rounds import Prepare, Work, cpu_rounds, median_ratio
from casa_site.bench.visitor import Visitor
from meters.selectors import latest_readings
from portal.formats import GERMAN_PAGE, register_number

PAGE_GOAL_MS = 8.0
LENGTH_GOAL = 1.15
_WHOLE, _ONE_DAY = "whole", "one day"
_START = "/"


def figures(bench: Bench) -> Iterator[Figure]:
    """P6, as CPU time and as the ratio to the page of one day."""
    household = household_of(bench)
    pages = bench.scale.pages
    works: dict[str, Prepare] = {}
    for name, file in ((_WHOLE, household.whole), (_ONE_DAY, household.one_day)):
        with household.using(file):
            visitor = Visitor(household.gateway, user=CONSUMER, password=PASSWORD)
        works[name] = partial(_views, household, visitor, file, pages)
    seconds = cpu_rounds(works, bench.scale.rounds)
    use_file(household.whole)
    costs = {name: [1000 * s / pages for s in taken] for name, taken in seconds.items()}
    yield Figure(
        id="P6",
        title="start page, CPU of a request",
        value=median(costs[_WHOLE]),
        unit="ms",
        goal=Goal("at most", PAGE_GOAL_MS),
        references=(Quantity("with lists of one day", median(costs[_ONE_DAY]), "ms"),),
        conditions=(
            f"{len(METERS)} meters with {household.records} records each; the whole "
            f"web application without TLS; {pages} requests per round"
        ),
    )
    yield Figure(
        id="P6",
        title="start page, CPU with all lists / with lists of one day",
        value=median_ratio(costs[_WHOLE], costs[_ONE_DAY]),
        unit="x",
        goal=Goal("at most", LENGTH_GOAL),
    )


def _views(household: Household, visitor: Visitor, file: Path, count: int) -> Work:
    """The work of one round; the connection is open before, and live values fresh."""
    use_file(file)
    household.show_live()
    _check(visitor.get(_START).decode())

    def work() -> None:
        for _ in range(count):
            visitor.get(_START)

    return work


def _check(page: str) -> None:
    """Whether the page shows every counter of the latest readings."""
    latest = latest_readings(CONSUMER)
    shown = [r for reading in latest for r in reading.registers]
    if len(latest) != len(METERS) or not shown:
        raise ResultWrong("the start page has no readings to show")
    for register in shown:
        if register_number(register, GERMAN_PAGE) not in page:
            raise ResultWrong(f"the start page does not show {register}")
