"""The tariff of a TAF2 profile: its stages, and the rules or the list of switches.

A tariff is stored with its profile as the document of rest-gwa.md 4.1, member
`tariff`; here it becomes that document and comes back from it. What may be wrong with
it says `tariffs.tariff_check`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import cached_property
from typing import Any

from hardware.record import zulu
from tariffs.holidays import NATIONWIDE
from tariffs.switch_calendar import (
    EVERY_DAY,
    Calendar,
    ListCalendar,
    RuleCalendar,
    Season,
    StageRule,
)
from tariffs.taf2 import Tariff

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday")
"""As the document names them, 1 = Monday to 8 = holiday."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A tariff stage: its number is value group E of its registers."""

    number: int
    name: str = "-"


@dataclass(frozen=True, slots=True)
class DefaultRule:
    """This stage is active wherever no other rule holds."""

    stage: int


@dataclass(frozen=True, slots=True)
class ListedSwitch:
    """From this instant (UTC) on, this stage."""

    at: datetime
    stage: int


@dataclass(frozen=True)
class TariffSpec:
    """Stages and when they are active: by rules, or by an unrolled list of switches.

    `holidays` are dates beside those that all states have (`nationwide`).
    """

    stages: tuple[Stage, ...]
    rules: tuple[StageRule | DefaultRule, ...] = ()
    switches: tuple[ListedSwitch, ...] = ()
    nationwide: bool = False
    holidays: tuple[date, ...] = ()
    trudi_compat: bool = True

    @cached_property
    def calendar(self) -> Calendar:
        """What says which stage is active; raises Unclear."""
        if self.switches:
            return ListCalendar.of_instants(
                {one.at: one.stage for one in self.switches}
            )
        defaults = [r.stage for r in self.rules if isinstance(r, DefaultRule)]
        return RuleCalendar(
            tuple(rule for rule in self.rules if isinstance(rule, StageRule)),
            default=defaults[0] if defaults else None,
            nationwide=self.nationwide,
            holidays=frozenset(self.holidays),
        )

    @property
    def tariff(self) -> Tariff:
        """What the rules of TAF2 need; raises Unclear."""
        numbers = tuple(stage.number for stage in self.stages)
        return Tariff(numbers, self.calendar, self.trudi_compat)

    @property
    def stage_names(self) -> dict[int, str]:
        """The names of the stages that have one."""
        return {one.number: one.name for one in self.stages if one.name != "-"}

    def document(self) -> dict[str, Any]:
        """The tariff as it is stored and given out."""
        days = [NATIONWIDE] if self.nationwide else []
        document: dict[str, Any] = {
            "stages": [{"number": one.number, "name": one.name} for one in self.stages],
            "rules": [_rule_document(rule) for rule in self.rules],
            "switches": [
                {"at": zulu(one.at), "stage": one.stage} for one in self.switches
            ],
            "holidays": days + [day.isoformat() for day in self.holidays],
        }
        filled = {name: value for name, value in document.items() if value}
        return filled if self.trudi_compat else {**filled, "trudi_compat": False}


def tariff_of(document: dict[str, Any]) -> TariffSpec:
    """The tariff of a stored document."""
    days = document.get("holidays", [])
    return TariffSpec(
        stages=tuple(Stage(one["number"], one["name"]) for one in document["stages"]),
        rules=tuple(_rule_of(rule) for rule in document.get("rules", [])),
        switches=tuple(
            ListedSwitch(_instant(one["at"]), one["stage"])
            for one in document.get("switches", [])
        ),
        nationwide=NATIONWIDE in days,
        holidays=tuple(date.fromisoformat(day) for day in days if day != NATIONWIDE),
        trudi_compat=document.get("trudi_compat", True),
    )


def season_text(day: tuple[int, int]) -> str:
    """A day of the year as the document has it: `04-01`."""
    return f"{day[0]:02d}-{day[1]:02d}"


def _rule_document(rule: StageRule | DefaultRule) -> dict[str, Any]:
    if isinstance(rule, DefaultRule):
        return {"stage": rule.stage, "default": True}
    return {"stage": rule.stage, **dict(_conditions(rule))}


def _conditions(rule: StageRule) -> Iterator[tuple[str, Any]]:
    if rule.weekdays != EVERY_DAY:
        yield "weekdays", [WEEKDAYS[number - 1] for number in sorted(rule.weekdays)]
    yield "from", f"{rule.begin:%H:%M}"
    yield "to", f"{rule.end:%H:%M}"
    if rule.season:
        first, last = season_text(rule.season.first), season_text(rule.season.last)
        yield "season", {"from": first, "to": last}


def _rule_of(document: dict[str, Any]) -> StageRule | DefaultRule:
    if document.get("default"):
        return DefaultRule(document["stage"])
    names = document.get("weekdays")
    season = document.get("season")
    return StageRule(
        document["stage"],
        frozenset(WEEKDAYS.index(name) + 1 for name in names) if names else EVERY_DAY,
        time.fromisoformat(document["from"]),
        time.fromisoformat(document["to"]),
        Season(_day_of_year(season["from"]), _day_of_year(season["to"]))
        if season
        else None,
    )


def _day_of_year(text: str) -> tuple[int, int]:
    month, day = text.split("-")
    return int(month), int(day)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
