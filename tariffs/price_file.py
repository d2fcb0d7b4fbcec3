"""A supplier's prices as a file: CSV or JSON, read strictly, whole or not at all.

    rundung;zeitraum;kaufmaennisch;2        rounding;period;half_up;2
    grundpreis;0,35;tag                     base_price;0.35;day
    stufe;von;bis;preis                     stage;from;to;price
    1;2026-01-01;2026-06-30;31,20           1;2026-01-01;2026-06-30;31.20

or, with a price for each quarter hour,

    zeit;preis                              time;price
    2026-01-01T00:00:00+01:00;12,34         2026-01-01T00:00:00+01:00;12.34

Prices are ct/kWh, the base price is EUR. `von` and `bis` are local days, both
included, or instants with an offset, the second one excluded; `bis` may be empty.
Stage 0 is the price for every stage. JSON: see `price_json`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

from django.utils.translation import gettext as _

from tariffs.calendar import GRID, day_start
from tariffs.costs import (
    EVERY_STAGE,
    BasePrice,
    Mode,
    Price,
    Rounding,
    Where,
    is_on_quarter_hour,
)

LARGEST_FILE = 8 * 1024 * 1024
MOST_PRICES = 200_000
"""Five years of quarter hours."""

MOST_STAGE = 62
MOST_DIGITS = 6
_LARGEST_PRICE = Decimal(100_000)
_MOST_PROBLEMS = 20
_NUMBER = re.compile(r"[+-]?[0-9]{1,9}([.,][0-9]{1,6})?")
_STAGE = re.compile(r"[0-9]{1,2}")

_WHERE = {
    "viertelstunde": Where.QUARTER_HOUR,
    "tag": Where.DAY,
    "stufe": Where.STAGE,
    "zeitraum": Where.PERIOD,
} | {str(one): one for one in Where}
_MODE = {
    "kaufmaennisch": Mode.HALF_UP,
    "kaufmännisch": Mode.HALF_UP,
    "gerade": Mode.HALF_EVEN,
} | {str(one): one for one in Mode}
_PER_MONTH = {"tag": False, "day": False, "monat": True, "month": True}
_STAGE_HEADS = (["stufe", "von", "bis", "preis"], ["stage", "from", "to", "price"])
_TIME_HEADS = (["zeit", "preis"], ["time", "price"])


class Problem(NamedTuple):
    """What is wrong and where: 'Zeile 3', 'prices[2]'; '' for the whole file."""

    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message


class PricesInvalid(Exception):
    """Nothing of the file was taken; `problems` say why."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


@dataclass(slots=True)
class PriceFile:
    """What a file says; `places` is where each price stands in it."""

    rounding: Rounding | None = None
    base: BasePrice | None = None
    is_by_quarter: bool = False
    prices: list[Price] = field(default_factory=list)
    places: list[str] = field(default_factory=list)


def read_csv(text: str) -> PriceFile:
    """The prices of a CSV text; raises PricesInvalid."""
    return _CsvReader(text).read()


class _CsvReader:
    """Goes through the lines and collects what is wrong with them."""

    def __init__(self, text: str) -> None:
        self._lines = text.removeprefix("\ufeff").splitlines()
        self._problems: list[Problem] = []
        self._file = PriceFile()
        self._has_head = False

    def read(self) -> PriceFile:
        """Everything, or PricesInvalid."""
        for number, line in enumerate(self._lines, start=1):
            if line.strip() and not line.startswith("#"):
                self._read_line(_("Zeile %(number)d") % {"number": number}, line)
            if len(self._problems) >= _MOST_PROBLEMS:
                break
        raise_if_wrong(self._file, self._problems)
        return self._file

    def _read_line(self, where: str, line: str) -> None:
        cells = [cell.strip() for cell in line.split(";")]
        names = [cell.lower() for cell in cells]
        try:
            if self._has_head:
                self._add(where, cells)
            elif names[0] in ("rundung", "rounding"):
                self._file.rounding = rounding_of(*_exactly(names[1:], 3))
            elif names[0] in ("grundpreis", "base_price"):
                self._file.base = base_of(*_exactly(names[1:], 2))
            else:
                self._file.is_by_quarter = _is_by_quarter(names)
                self._has_head = True
        except ValueError as reason:
            self._problems.append(Problem(where, str(reason)))

    def _add(self, where: str, cells: list[str]) -> None:
        if self._file.is_by_quarter:
            price = quarter_price(*_exactly(cells, 2))
        else:
            price = stage_price(*_exactly(cells, 4))
        self._file.prices.append(price)
        self._file.places.append(where)


def _exactly(cells: list[str], count: int) -> list[str]:
    if len(cells) != count:
        text = _("%(count)d Angaben erwartet, %(found)d gefunden.")
        raise ValueError(text % {"count": count, "found": len(cells)})
    return cells


def _is_by_quarter(names: list[str]) -> bool:
    if names in _STAGE_HEADS:
        return False
    if names in _TIME_HEADS:
        return True
    text = _("Die Kopfzeile muss „stufe;von;bis;preis“ oder „zeit;preis“ heißen.")
    raise ValueError(text)


# --- the single values, for CSV and JSON --------------------------------------------


def rounding_of(where: str, mode: str, digits: str) -> Rounding:
    """Where, how and to how many digits is rounded; raises ValueError."""
    if where not in _WHERE:
        text = _("Gerundet wird je viertelstunde, tag, stufe oder zeitraum.")
        raise ValueError(text)
    if mode not in _MODE:
        raise ValueError(_("Die Rundung ist kaufmaennisch oder gerade."))
    if not _STAGE.fullmatch(digits) or int(digits) > MOST_DIGITS:
        text = _("Die Zahl der Stellen ist 0 bis %(most)d.")
        raise ValueError(text % {"most": MOST_DIGITS})
    return Rounding(_WHERE[where], _MODE[mode], int(digits))


def base_of(amount: str, per: str) -> BasePrice:
    """The base price in EUR; raises ValueError."""
    if per not in _PER_MONTH:
        raise ValueError(_("Der Grundpreis gilt je tag oder monat."))
    return BasePrice(number(amount), _PER_MONTH[per])


def quarter_price(at: str, price: str) -> Price:
    """The price of a quarter hour; raises ValueError."""
    begin = _instant(at)
    if not is_on_quarter_hour(begin):
        text = _("„%(time)s“ ist kein Beginn einer Viertelstunde.")
        raise ValueError(text % {"time": at})
    return Price(begin, begin + GRID, number(price))


def stage_price(stage: str, first: str, last: str, price: str) -> Price:
    """The price of a stage from a day to a day; raises ValueError."""
    if not _STAGE.fullmatch(stage) or int(stage) > MOST_STAGE:
        text = _("Die Stufe ist eine Zahl von 0 bis %(most)d.")
        raise ValueError(text % {"most": MOST_STAGE})
    begin = _bound(first, 0)
    end = _bound(last, 1) if last else None
    if end is not None and end <= begin:
        raise ValueError(_("Das Ende liegt nicht nach dem Beginn."))
    return Price(begin, end, number(price), int(stage))


def number(text: str) -> Decimal:
    """A number with at most six decimals; raises ValueError."""
    if not _NUMBER.fullmatch(text):
        message = _("„%(text)s“ ist keine Zahl mit höchstens sechs Nachkommastellen.")
        raise ValueError(message % {"text": text[:40]})
    value = Decimal(text.replace(",", "."))
    if abs(value) >= _LARGEST_PRICE:
        raise ValueError(_("„%(text)s“ ist zu groß.") % {"text": text})
    return value


def _bound(text: str, days_later: int) -> datetime:
    """A local day as the instant of its begin, or of its end; or an instant."""
    if "T" in text:
        return _instant(text)
    try:
        day = date.fromisoformat(text) if len(text) == 10 else None
        if day is not None and 2000 <= day.year < 3000:
            return day_start(day + timedelta(days=days_later), 0)
    except ValueError:
        pass
    message = _("„%(text)s“ ist kein Tag, zum Beispiel 2026-06-22.")
    raise ValueError(message % {"text": text[:40]})


def _instant(text: str) -> datetime:
    """An instant with its offset, UTC."""
    try:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is not None and 2000 <= instant.year < 3000:
            return instant.astimezone(UTC)
    except ValueError:
        pass
    message = _("„%(text)s“ ist keine Zeit mit Versatz: 2026-06-22T15:00:00+02:00.")
    raise ValueError(message % {"text": text[:40]})


# --- the whole ----------------------------------------------------------------------


def raise_if_wrong(file: PriceFile, problems: list[Problem]) -> None:
    """Raises PricesInvalid with what was found and with what the whole lacks."""
    if not problems:
        problems = list(_of_whole(file))
    if problems:
        raise PricesInvalid(problems[:_MOST_PROBLEMS])


def _of_whole(file: PriceFile) -> Iterator[Problem]:
    if file.rounding is None:
        text = _("Es fehlt die Rundung des Lieferanten: „rundung;zeitraum;gerade;2“.")
        yield Problem("", text)
    if not file.prices:
        yield Problem("", _("Die Datei enthält keinen Preis."))
    if len(file.prices) > MOST_PRICES:
        text = _("Mehr als %(most)d Preise sind nicht erlaubt.")
        yield Problem("", text % {"most": MOST_PRICES})
    yield from _overlaps(file)


def _overlaps(file: PriceFile) -> Iterator[Problem]:
    """Two prices of a stage at the same time, told at the one that stands later."""
    given = sorted(
        enumerate(file.prices), key=lambda one: (one[1].stage, one[1].begin, one[0])
    )
    for (before, one), (after, other) in pairwise(given):
        if one.stage != other.stage:
            continue
        if one.end is None or other.begin < one.end:
            first, second = sorted((before, after))
            text = _("Zu dieser Zeit gilt schon der Preis aus: %(where)s.")
            message = text % {"where": file.places[first]}
            yield Problem(file.places[second], message)


def unknown_stages(file: PriceFile, stages: frozenset[int]) -> Iterator[Problem]:
    """Prices of stages that the contract does not have."""
    for price, where in zip(file.prices, file.places, strict=True):
        if price.stage != EVERY_STAGE and price.stage not in stages:
            text = _("Der Vertrag hat keine Stufe %(stage)d.")
            yield Problem(where, text % {"stage": price.stage})
