"""Reading the supplier's tariff, the AnalysisProfile."""

from datetime import date, time

from django.utils.translation import gettext as _
from lxml import etree

from tariffs.trudi.elements import UINT8, UINT16, ElementReader
from tariffs.trudi.interval_reader import read_interval
from tariffs.trudi.model import (
    AnalysisProfile,
    DayProfile,
    DaySlot,
    SpecialDay,
    TariffStage,
)


def read_analysis_profile(
    elements: ElementReader, parent: etree._Element
) -> AnalysisProfile:
    """The tariff that an element holds."""
    profile = AnalysisProfile()
    for name, element in elements.children(parent):
        match name:
            case "tariffUseCase":
                profile.tariff_use_case = elements.integer(element, UINT16)
            case "tariffId":
                profile.tariff_id = element.text or ""
            case "billingPeriod":
                profile.billing_period = read_interval(elements, element)
            case "TariffStage":
                profile.stages.append(_stage(elements, element))
            case "defaultTariffNumber":
                profile.default_stage = elements.integer(element, UINT16)
            case "TariffChangeTrigger":
                profile.has_change_trigger = True
                _change_trigger(elements, element, profile)
            case _:
                elements.unsupported(name, element)
    return profile


def _stage(elements: ElementReader, parent: etree._Element) -> TariffStage:
    number, obis, description = 0, "", ""
    for name, element in elements.children(parent):
        match name:
            case "tariffNumber":
                number = elements.integer(element, UINT16) or 0
            case "obisCode":
                obis = element.text or ""
            case "description":
                description = element.text or ""
            case _:
                elements.unsupported(name, element)
    return TariffStage(number, obis, description)


def _change_trigger(
    elements: ElementReader, parent: etree._Element, profile: AnalysisProfile
) -> None:
    for name, element in elements.children(parent):
        if name == "TimeTrigger":
            profile.has_time_trigger = True
            _time_trigger(elements, element, profile)
        else:
            elements.unsupported(name, element)


def _time_trigger(
    elements: ElementReader, parent: etree._Element, profile: AnalysisProfile
) -> None:
    for name, element in elements.children(parent):
        if name == "DayProfile":
            profile.day_profiles.append(_day_profile(elements, element))
        elif name == "SpecialDayProfile":
            profile.special_days.append(_special_day(elements, element, profile))
        else:
            elements.unsupported(name, element)


def _day_profile(elements: ElementReader, parent: etree._Element) -> DayProfile:
    profile = DayProfile()
    for name, element in elements.children(parent):
        if name == "DayTimeProfile":
            profile.slots.append(_slot(elements, element))
        elif name != "dayId":
            elements.unsupported(name, element)
        elif profile.day_id is None:
            profile.day_id = elements.integer(element, UINT16)
        else:
            elements.note("P5", _("Mehr als eine „dayId“ in einem „DayProfile“."))
    return profile


def _slot(elements: ElementReader, parent: etree._Element) -> DaySlot:
    start, number = None, 0
    for name, element in elements.children(parent):
        if name == "startTime":
            start = _time_of_day(elements, element)
        elif name == "tariffNumber":
            number = elements.integer(element, UINT16) or 0
        else:
            elements.unsupported(name, element)
    return DaySlot(start, number)


def _time_of_day(elements: ElementReader, parent: etree._Element) -> time | None:
    """The wall clock time; what is left out is 0. Hundredths are of no use."""
    parts = {"hour": 0, "minute": 0, "second": 0, "hundreds": 0}
    for name, element in elements.children(parent):
        if name in parts:
            parts[name] = elements.integer(element, UINT8) or 0
        else:
            elements.unsupported(name, element)
    try:
        return time(parts["hour"], parts["minute"], parts["second"])
    except ValueError:
        text = _("Zeile %(line)s: Das ist keine Uhrzeit.")
        elements.note("P0", text % {"line": parent.sourceline})
        return None


def _special_day(
    elements: ElementReader, parent: etree._Element, profile: AnalysisProfile
) -> SpecialDay:
    on, day_id = None, None
    for name, element in elements.children(parent):
        if name == "specialDayDate":
            on = _date(elements, element)
        elif name == "dayId":
            day_id = elements.integer(element, UINT16)
            _must_be_known_once(elements, element, day_id, profile)
        else:
            elements.unsupported(name, element)
    return SpecialDay(on, day_id)


def _must_be_known_once(
    elements: ElementReader,
    element: etree._Element,
    day_id: int | None,
    profile: AnalysisProfile,
) -> None:
    known = [each.day_id for each in profile.day_profiles].count(day_id)
    if known != 1:
        text = _(
            "Zeile %(line)s: Zur „dayId“ %(day_id)s gibt es davor %(known)d "
            "„DayProfile“ statt genau einem."
        )
        values = {"line": element.sourceline, "day_id": day_id, "known": known}
        elements.note("P5", text % values)


def _date(elements: ElementReader, parent: etree._Element) -> date | None:
    """The date; None when a part is missing (rule S7)."""
    parts: dict[str, int | None] = {"year": None, "month": None, "day_of_month": None}
    for name, element in elements.children(parent):
        if name in parts:
            limits = UINT16 if name == "year" else UINT8
            parts[name] = elements.integer(element, limits)
        else:
            elements.unsupported(name, element)
    year, month, day = parts.values()
    if year is None or month is None or day is None:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        text = _("Zeile %(line)s: Das ist kein Datum.")
        elements.note("P0", text % {"line": parent.sourceline})
        return None
