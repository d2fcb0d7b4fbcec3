"""The same prices as a JSON document.

    {"rounding": {"where": "period", "mode": "half_up", "digits": 2},
     "base_price": {"amount": "0.35", "per": "day"},
     "stages": [{"stage": 1, "from": "2026-01-01", "to": "2026-06-30",
                 "price": "31.20"}]}

or `"quarter_hours": [{"time": "2026-01-01T00:00:00+01:00", "price": 12.34}]`. Numbers
are taken as they are written, never as a float.
"""

import json
from typing import Any

from django.utils.translation import gettext as _

from tariffs.price_file import (
    PriceFile,
    PricesInvalid,
    Problem,
    base_of,
    quarter_price,
    raise_if_wrong,
    rounding_of,
    stage_price,
)

_KEYS = {"rounding", "base_price", "stages", "quarter_hours"}


class _Written(str):
    """A number of the document, as its text."""

    __slots__ = ()


def read_json(text: str) -> PriceFile:
    """The prices of a JSON text; raises PricesInvalid."""
    document = _document(text)
    file, problems = PriceFile(), list[Problem]()
    if unknown := sorted(set(document) - _KEYS):
        message = _("„%(name)s“ ist unbekannt.") % {"name": unknown[0][:40]}
        problems.append(Problem("/", message))
    _head(file, document, problems)
    file.is_by_quarter = "quarter_hours" in document
    if file.is_by_quarter and "stages" in document:
        message = _("Entweder „stages“ oder „quarter_hours“.")
        problems.append(Problem("/", message))
    name = "quarter_hours" if file.is_by_quarter else "stages"
    entries = document.get(name, [])
    if isinstance(entries, list):
        _prices(file, name, entries, problems)
    else:
        problems.append(Problem(f"/{name}", _("Eine Liste wird erwartet.")))
    raise_if_wrong(file, problems)
    return file


def _document(text: str) -> dict[str, Any]:
    try:
        document = json.loads(
            text, parse_float=_Written, parse_int=_Written, parse_constant=_refused
        )
    except json.JSONDecodeError as error:
        where = _("Zeile %(number)d") % {"number": error.lineno}
        problem = Problem(where, _("Das ist kein gültiges JSON."))
        raise PricesInvalid([problem]) from None
    except (ValueError, RecursionError):
        raise PricesInvalid([Problem("", _("Das ist kein gültiges JSON."))]) from None
    if not isinstance(document, dict):
        raise PricesInvalid([Problem("/", _("Ein Objekt wird erwartet."))])
    return document


def _refused(_text: str) -> None:
    raise ValueError


def _head(file: PriceFile, document: dict[str, Any], problems: list[Problem]) -> None:
    if "rounding" in document:
        try:
            given = _members(document["rounding"], ("where", "mode", "digits"))
            file.rounding = rounding_of(*given)
        except ValueError as reason:
            problems.append(Problem("/rounding", str(reason)))
    if "base_price" in document:
        try:
            file.base = base_of(*_members(document["base_price"], ("amount", "per")))
        except ValueError as reason:
            problems.append(Problem("/base_price", str(reason)))


def _prices(
    file: PriceFile, name: str, entries: list[Any], problems: list[Problem]
) -> None:
    for index, entry in enumerate(entries):
        where = f"/{name}/{index}"
        try:
            if file.is_by_quarter:
                price = quarter_price(*_members(entry, ("time", "price")))
            else:
                names = ("stage", "from", "to", "price")
                price = stage_price(*_members(entry, names, optional="to"))
        except ValueError as reason:
            problems.append(Problem(where, str(reason)))
            continue
        file.prices.append(price)
        file.places.append(where)


def _members(given: Any, names: tuple[str, ...], optional: str = "") -> list[str]:
    """The members as texts in this order; raises ValueError."""
    if not isinstance(given, dict):
        raise ValueError(_("Ein Objekt wird erwartet."))
    if unknown := sorted(set(given) - set(names)):
        raise ValueError(_("„%(name)s“ ist unbekannt.") % {"name": unknown[0][:40]})
    values = []
    for name in names:
        value = given.get(name)
        if value is None and name == optional:
            value = ""
        if not isinstance(value, str):
            raise ValueError(_("„%(name)s“ fehlt.") % {"name": name})
        values.append(value)
    return values
