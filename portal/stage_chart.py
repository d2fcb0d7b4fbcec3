"""Charts of energy by tariff stage: bars in slots, as what the page draws (SVG).

Exact integers go in; what comes out are texts of coordinates. A slot without a value
is a gap and has no bar. Nothing is interpolated.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from portal import formats
from tariffs.stages import ERROR_STAGE

HEIGHT = 240
"""Units of the plot, stretched to its place on the page."""

_HEADROOM = 108
"""Per cent of the highest bar that the plot shows."""

UNSTAGED_KEY = "f-s1"
"""The class of what belongs to no stage where there are none."""

BESIDE_STAGES_KEY = "f-none"
"""The class of what belongs to no stage where others do."""

BELOW_KEY = "f-export"
"""The class of what hangs from the zero line."""

_TENTHS = 10
_MOST_COLOURS = 6
_MOST_LINES = 6
_FEW = 8


class Slot(NamedTuple):
    """A place on the axis: energy by stage; `is_gap` when values are missing.

    `below` hangs from the zero line (energy fed in), `earlier` is what another span
    has in this place, None where there is nothing to compare with. `is_later` has not
    been reached yet.
    """

    parts: Sequence[tuple[int, int]] = ()
    is_gap: bool = False
    below: int = 0
    earlier: int | None = None
    is_later: bool = False


class Tick(NamedTuple):
    """A text on the axis below a slot; `slot` counts from 0.

    It stands where the slot begins, or in its middle.
    """

    slot: int
    text: str
    is_centred: bool = False


class Band(NamedTuple):
    """A field over the whole height, in per cent of the width."""

    x: str
    width: str


class Line(NamedTuple):
    """A line of the grid, in per cent of the height, and its text."""

    y: str
    text: str
    is_zero: bool = False


class Mark(NamedTuple):
    """A short line over a slot, in per cent: what there was before."""

    left: str
    right: str
    y: str


class Scale(NamedTuple):
    """The highest and the lowest amount that the plot shows, both counted from 0."""

    top: int
    bottom: int

    @property
    def height(self) -> int:
        """The whole span."""
        return self.top + self.bottom


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
    ticks: Sequence[tuple[str, str, str]]
    later: Sequence[Band] = ()
    marks: Sequence[Mark] = ()


def stage_chart(
    id_: str,
    slots: Sequence[Slot],
    ticks: Iterable[Tick],
    *,
    exponent: int,
    title: str,
    description: str,
    unit: str = "kWh",
    unstaged_key: str = UNSTAGED_KEY,
) -> StageChart:
    """A chart of amounts x 10^`exponent` in `unit`, stages stacked from the first.

    `unstaged_key` is the colour of what belongs to no stage.
    """
    scale = _scale(slots)
    count = len(slots)
    has_bars = scale.height > 1
    return StageChart(
        id=id_,
        title=title,
        description=description,
        unit=unit,
        slots=count,
        series=_series(slots, scale, unstaged_key),
        gaps=_bands([slot.is_gap for slot in slots]),
        lines=_lines(scale, exponent) if has_bars else [],
        ticks=[
            (
                _percent(2 * tick.slot + tick.is_centred, 2 * count),
                tick.text,
                _side(tick, index, count),
            )
            for index, tick in enumerate(ticks)
        ],
        later=_bands([slot.is_later for slot in slots]),
        marks=_marks(slots, scale) if has_bars else [],
    )


def stage_key(stage: int, unstaged_key: str = UNSTAGED_KEY) -> str:
    """The class of a stage's colour; stages beyond the sixth begin anew."""
    if stage == ERROR_STAGE:
        return "f-err"
    return f"f-s{(stage - 1) % _MOST_COLOURS + 1}" if stage else unstaged_key


def _side(tick: Tick, index: int, count: int) -> str:
    """On which side of its place a text stands, or that phones leave it out."""
    if tick.is_centred:
        return "minor" if index % 3 and count > _FEW else ""
    if tick.slot >= count:
        return "last"
    if index == 0:
        return "first"
    return "minor" if index % 2 else ""


def _scale(slots: Sequence[Slot]) -> Scale:
    top = max((max(sum(_drawn(s)), s.earlier or 0) for s in slots), default=0)
    bottom = max((slot.below for slot in slots), default=0)
    scale = Scale(top * _HEADROOM // 100, bottom * _HEADROOM // 100)
    return scale if scale.height else Scale(1, 0)


def _drawn(slot: Slot) -> list[int]:
    """A counter that went back is told in words, not drawn."""
    return [max(amount, 0) for _stage, amount in slot.parts]


def _series(slots: Sequence[Slot], scale: Scale, unstaged_key: str) -> list[Series]:
    bars: dict[int, list[str]] = {}
    hanging: list[str] = []
    for index, slot in enumerate(slots):
        below = 0
        for stage, amount in slot.parts:
            if amount > 0:
                bar = _bar(index, below, below + amount, scale)
                bars.setdefault(stage, []).append(bar)
                below += amount
        if slot.below > 0:
            hanging.append(_bar(index, -slot.below, 0, scale))
    found = [
        Series(stage_key(stage, unstaged_key), "".join(bars[stage]))
        for stage in sorted(bars)
    ]
    return [*found, Series(BELOW_KEY, "".join(hanging))] if hanging else found


def _bar(index: int, low: int, high: int, scale: Scale) -> str:
    """A bar 0.86 of its slot wide."""
    y_low, y_high = (_height(each, scale) for each in (low, high))
    return f"M{index}.07 {y_low}h.86V{y_high}h-.86z"


def _height(value: int, scale: Scale) -> str:
    """The coordinate of an amount, counted from above, in tenths of a unit."""
    tenths = HEIGHT * _TENTHS
    zero = tenths * scale.top // scale.height
    whole, tenth = divmod(zero - tenths * value // scale.height, _TENTHS)
    return f"{whole}.{tenth}"


def _marks(slots: Sequence[Slot], scale: Scale) -> list[Mark]:
    count = len(slots)
    return [
        Mark(
            _percent(index, count),
            _percent(index + 1, count),
            _percent(scale.top - slot.earlier, scale.height),
        )
        for index, slot in enumerate(slots)
        if slot.earlier is not None
    ]


def _bands(flags: Sequence[bool]) -> list[Band]:
    """The runs of True."""
    count, start, bands = len(flags), 0, []
    for is_set, run in groupby(flags):
        width = len(list(run))
        if is_set:
            bands.append(Band(_percent(start, count), _percent(width, count)))
        start += width
    return bands


def _lines(scale: Scale, exponent: int) -> list[Line]:
    """The grid on both sides of the zero line, which comes first."""
    step = _step(scale.height)
    places = max(0, -(exponent + len(str(step)) - 1))
    style = formats.page_style()
    values = (*range(0, scale.top + 1, step), *range(-step, -scale.bottom - 1, -step))
    return [
        Line(
            _percent(scale.top - value, scale.height),
            formats.decimal_text(abs(value), exponent, places, style),
            is_zero=not value,
        )
        for value in values
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
