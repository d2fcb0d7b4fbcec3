"""Charts of energy by tariff stage: bars in slots, as what the page draws (SVG).

Exact integers go in; what comes out are texts of coordinates. A slot without a value
is a gap and has no bar. Nothing is interpolated.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from portal import formats
from tariffs.stages import ERROR_STAGE

HEIGHT = 240
"""Units of the plot, stretched to its place on the page."""

_HEADROOM = 108
"""Per cent of the highest bar that the plot shows."""

_TENTHS = 10
_MOST_COLOURS = 6
_MOST_LINES = 6


class Slot(NamedTuple):
    """A place on the axis: energy by stage; `is_gap` when values are missing."""

    parts: Sequence[tuple[int, int]] = ()
    is_gap: bool = False


class Tick(NamedTuple):
    """A text on the axis below a slot; `slot` counts from 0."""

    slot: int
    text: str


class Band(NamedTuple):
    """A field over the whole height, in per cent of the width."""

    x: str
    width: str


class Line(NamedTuple):
    """A line of the grid, in per cent of the height, and its text."""

    y: str
    text: str


class Series(NamedTuple):
    """All bars of one stage as one path; `key` is their class in the stylesheet."""

    key: str
    path: str


@dataclass(frozen=True, slots=True)
class StageChart:
    """What the template draws; `id` makes its names unique on the page."""

    id: str
    title: str
    description: str
    unit: str
    slots: int
    series: Sequence[Series]
    gaps: Sequence[Band]
    lines: Sequence[Line]
    ticks: Sequence[tuple[str, str, bool]]


def stage_chart(
    id_: str,
    slots: Sequence[Slot],
    ticks: Iterable[Tick],
    *,
    exponent: int,
    title: str,
    description: str,
    unit: str = "kWh",
) -> StageChart:
    """A chart of amounts x 10^`exponent` in `unit`, stages stacked from the first."""
    highest = max((sum(_drawn(slot)) for slot in slots), default=0)
    top = max(highest * _HEADROOM // 100, 1)
    count = len(slots)
    return StageChart(
        id=id_,
        title=title,
        description=description,
        unit=unit,
        slots=count,
        series=_series(slots, top),
        gaps=[
            Band(_percent(index, count), _percent(width, count))
            for index, width in _gaps(slots)
        ],
        lines=_lines(top, exponent) if highest else [],
        ticks=[
            (_percent(tick.slot, count), tick.text, tick.slot >= count)
            for tick in ticks
        ],
    )


def stage_key(stage: int) -> str:
    """The class of a stage's colour; stages beyond the sixth begin anew."""
    if stage == ERROR_STAGE:
        return "f-err"
    return f"f-s{(stage - 1) % _MOST_COLOURS + 1}" if stage else "f-s1"


def _drawn(slot: Slot) -> list[int]:
    """A counter that went back is told in words, not drawn."""
    return [max(amount, 0) for _stage, amount in slot.parts]


def _series(slots: Sequence[Slot], top: int) -> list[Series]:
    bars: dict[int, list[str]] = {}
    for index, slot in enumerate(slots):
        below = 0
        for stage, amount in slot.parts:
            if amount > 0:
                bar = _bar(index, below, below + amount, top)
                bars.setdefault(stage, []).append(bar)
                below += amount
    return [Series(stage_key(stage), "".join(bars[stage])) for stage in sorted(bars)]


def _bar(index: int, low: int, high: int, top: int) -> str:
    """A bar 0.86 of its slot wide."""
    y_low, y_high = (_height(HEIGHT * _TENTHS * each // top) for each in (low, high))
    return f"M{index}.07 {y_low}h.86V{y_high}h-.86z"


def _height(tenths: int) -> str:
    """The coordinate of a height above the zero line, counted from above."""
    whole, tenth = divmod(HEIGHT * _TENTHS - tenths, _TENTHS)
    return f"{whole}.{tenth}"


def _gaps(slots: Sequence[Slot]) -> Iterable[tuple[int, int]]:
    """First slot and width of each run of gaps."""
    start = None
    for index, slot in enumerate([*slots, Slot()]):
        if slot.is_gap and start is None:
            start = index
        elif not slot.is_gap and start is not None:
            yield start, index - start
            start = None


def _lines(top: int, exponent: int) -> list[Line]:
    step = _step(top)
    places = max(0, -(exponent + len(str(step)) - 1))
    style = formats.page_style()
    return [
        Line(
            _percent(top - value, top),
            formats.decimal_text(value, exponent, places, style),
        )
        for value in range(0, top + 1, step)
    ]


def _step(top: int) -> int:
    """The smallest of 1, 2, 5 times a power of ten that gives few lines."""
    power = 1
    while True:
        for factor in (1, 2, 5):
            if top // (factor * power) <= _MOST_LINES:
                return factor * power
        power *= 10


def _percent(part: int, whole: int) -> str:
    """Hundredths of a per cent, cut."""
    hundredths = 10_000 * part // whole if whole else 0
    return f"{hundredths // 100}.{hundredths % 100:02d}%"
