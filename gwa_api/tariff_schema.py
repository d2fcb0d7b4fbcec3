"""How the member `tariff` of a TAF2 profile is read (rest-gwa.md 4.1)."""

import re
from datetime import date, time

from gwa_api.json_object import JsonObject
from tariffs.holidays import NATIONWIDE
from tariffs.switch_calendar import EVERY_DAY, Season, StageRule
from tariffs.tariff_spec import (
    WEEKDAYS,
    DefaultRule,
    ListedSwitch,
    Stage,
    TariffSpec,
)

TARIFF = ("stages", "rules", "switches", "holidays", "trudi_compat")
_STAGE = ("number", "name")
_RULE = ("stage", "weekdays", "from", "to", "season", "default")
_CONDITIONS = ("weekdays", "from", "to", "season")
_SEASON = ("from", "to")
_SWITCH = ("at", "stage")
_DAY_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_LEAP_YEAR = 2024


def tariff_spec(body: JsonObject) -> TariffSpec:
    """The tariff; problems of its form are noted in the body."""
    days = body.texts("holidays", one_allowed=True)
    return TariffSpec(
        stages=tuple(map(_stage, body.parts("stages", _STAGE))),
        rules=tuple(map(_rule, body.parts("rules", _RULE))),
        switches=tuple(map(_switch, body.parts("switches", _SWITCH))),
        nationwide=NATIONWIDE in days,
        holidays=tuple(_date(body, day) for day in days if day != NATIONWIDE),
        trudi_compat=body.flag("trudi_compat", default=True),
    )


def _stage(body: JsonObject) -> Stage:
    return Stage(body.needed_integer("number"), body.text("name", "-"))


def _switch(body: JsonObject) -> ListedSwitch:
    return ListedSwitch(body.needed_instant("at"), body.needed_integer("stage"))


def _rule(body: JsonObject) -> StageRule | DefaultRule:
    stage = body.needed_integer("stage")
    if body.flag("default"):
        for name in _CONDITIONS:
            if body.has(name):
                body.refuse(name, "not with default")
        return DefaultRule(stage)
    return StageRule(
        stage,
        _weekdays(body),
        _day_time(body, "from"),
        _day_time(body, "to"),
        _season(body.part("season", _SEASON)) if body.has("season") else None,
    )


def _weekdays(body: JsonObject) -> frozenset[int]:
    names = body.texts("weekdays")
    for name in names:
        if name not in WEEKDAYS:
            body.refuse("weekdays", f"{name!r} is none of {', '.join(WEEKDAYS)}")
            return EVERY_DAY
    if body.has("weekdays") and not names:
        body.refuse("weekdays", "must name a day, or be left out for every day")
    return frozenset(WEEKDAYS.index(name) + 1 for name in names) or EVERY_DAY


def _day_time(body: JsonObject, name: str) -> time:
    """A time of day; the whole day where it is left out; 24:00 is 00:00."""
    text = body.text(name, "00:00")
    if text == "24:00":
        return time()
    if not _DAY_TIME.fullmatch(text):
        body.refuse(name, "must be a time of day: 06:00")
        return time()
    return time.fromisoformat(text)


def _season(body: JsonObject) -> Season:
    return Season(_day_of_year(body, "from"), _day_of_year(body, "to"))


def _day_of_year(body: JsonObject, name: str) -> tuple[int, int]:
    try:
        day = date.fromisoformat(f"{_LEAP_YEAR}-{body.text(name)}")
    except ValueError:
        body.refuse(name, "must be a day of the year: 04-01")
        return 1, 1
    return day.month, day.day


def _date(body: JsonObject, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        message = f"{text!r} is neither {NATIONWIDE} nor a date: 2026-12-24"
        body.refuse("holidays", message)
        return date.min
