"""The cells of the consumption: the same on the page, in CSV and in JSON."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from hardware.obis import Obis
from hardware.readings import RegisterValue
from hardware.units import WATT_HOUR
from portal import formats, local_time
from portal.csv_text import CsvForm
from portal.formats import PLAIN, NumberStyle
from portal.readings import json_text
from portal.register_names import ERROR_STAGE, register_name
from portal.stage_chart import (
    BELOW_KEY,
    BESIDE_STAGES_KEY,
    UNSTAGED_KEY,
    stage_key,
)
from tariffs.consumption import EXPORT, NO_STAGE, Consumption, Series, SlotEnergy

FORMAT = "casa-consumption-v1"
_LEAST_PLACES = 3


@dataclass(frozen=True, slots=True)
class Amounts:
    """How the integers of a consumption are written."""

    exponent: int
    unit: str

    @classmethod
    def of(cls, found: Consumption) -> "Amounts":
        """In kWh or the counter's own unit."""
        shape = RegisterValue(Obis(bytes(6)), 0, found.scaler, found.unit)
        unit = formats.reading_unit(found.unit or WATT_HOUR)
        return cls(formats.register_exponent(shape), unit)

    def text(self, value: int, style: NumberStyle) -> str:
        """All digits, at least three decimals."""
        places = max(_LEAST_PLACES, -self.exponent)
        return formats.decimal_text(value, self.exponent, places, style)


def shown_slots(found: Consumption) -> list[SlotEnergy]:
    """The slots that have begun, ascending."""
    return [slot for slot in found.slots if slot.has_begun]


def amounts_of(slot: SlotEnergy, series: Sequence[Series]) -> list[int | None]:
    """A slot's cells; 0 where another stage of the register counted, None for none."""
    known = {one.obis for one in slot.amounts}
    return [slot.amounts.get(one, 0) if one.obis in known else None for one in series]


def slot_word(slot: SlotEnergy, known_to: datetime) -> str:
    """The last cell: 'Ok', or what is missing."""
    if slot.is_gap:
        return _("keine Werte")
    if slot.missing:
        text = ngettext(
            "%(count)d Viertelstunde fehlt",
            "%(count)d Viertelstunden fehlen",
            slot.missing,
        )
        return text % {"count": slot.missing}
    return _("läuft noch") if slot.end > known_to else _("Ok")


def unstaged_key(every: Iterable[Series]) -> str:
    """The colour of what belongs to no stage, beside these series."""
    has_stages = any(one.stage != NO_STAGE for one in every)
    return BESIDE_STAGES_KEY if has_stages else UNSTAGED_KEY


def column_names(found: Consumption, names: Mapping[int, str]) -> list[str]:
    """The heads of the columns; 'Bezug ohne Stufe' beside those with one."""
    every = found.series
    staged = {one.obis for one in every if one.stage != NO_STAGE}
    return [
        _("Bezug ohne Stufe")
        if one.obis in staged and one.stage == NO_STAGE
        else series_name(one, names)
        for one in every
    ]


def series_name(series: Series, names: Mapping[int, str]) -> str:
    """'Bezug', 'Bezug Stufe 1 (HT)', 'Einspeisung', 'Gasvolumen'."""
    groups = bytearray.fromhex(series.obis)
    if series.stage == ERROR_STAGE:
        return _("Fehlerregister")
    if series.stage != NO_STAGE:
        groups[4] = series.stage
        return register_name(Obis(bytes(groups)), names)
    whole = {"0100010800ff": _("Bezug"), EXPORT: _("Einspeisung")}
    return whole.get(series.obis) or register_name(Obis(bytes(groups))) or series.obis


def series_key(series: Series, every: Iterable[Series]) -> str:
    """The class of its colour beside the other series."""
    if series.obis == EXPORT:
        return BELOW_KEY
    return stage_key(series.stage, unstaged_key(every))


def consumption_csv(
    found: Consumption, names: Mapping[int, str], form: CsvForm
) -> Iterator[str]:
    """Begin, end, one column per series, what is missing; oldest first."""
    write = Amounts.of(found)
    series = found.series
    heads = [f"{name} ({write.unit})" for name in column_names(found, names)]
    yield form.line([_("Von"), _("Bis"), *heads, _("Status")])
    for slot in shown_slots(found):
        cells = [
            "" if value is None else write.text(value, form.style)
            for value in amounts_of(slot, series)
        ]
        word = form.line([slot_word(slot, found.known_to)])
        times = (form.stamp(slot.begin), form.stamp(slot.end))
        yield form.separator.join((*times, *cells, word))  # numbers need no quotes


def consumption_json(
    meter_id: str, found: Consumption, names: Mapping[int, str]
) -> str:
    """The same cells with their registers; what is not known is null."""
    write, series = Amounts.of(found), found.series
    heads = [
        {"obis": one.obis, "stage": one.stage, "name": name}
        for one, name in zip(series, column_names(found, names), strict=True)
    ]
    slots = [
        {
            "begin": local_time.iso(slot.begin),
            "end": local_time.iso(slot.end),
            "amounts": [
                None if value is None else write.text(value, PLAIN)
                for value in amounts_of(slot, series)
            ],
            "missing": slot.missing,
            "status": slot_word(slot, found.known_to),
        }
        for slot in shown_slots(found)
    ]
    head = {"format": FORMAT, "meter": meter_id, "unit": write.unit}
    return json_text({**head, "series": heads, "slots": slots}) + "\n"
