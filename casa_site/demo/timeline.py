"""When the demo began and how far back its history goes; kept in its folder."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from casa_site.demo.plan import DEMO_FOLDER
from tariffs.calendar import BERLIN

_FILE = "timeline.json"


@dataclass(frozen=True, slots=True)
class Timeline:
    """`first_start` is T0 (decisions D52); the history covers `days` before it."""

    first_start: datetime
    days: int

    @property
    def begin(self) -> datetime:
        """The first quarter hour of the history, UTC."""
        moment = self.first_start - timedelta(days=self.days)
        return moment - timedelta(seconds=moment.timestamp() % 900)

    @property
    def profiles_from(self) -> datetime:
        """When the demo's profiles begin: day 1 of the first whole month.

        A history without the first of a month gives its own begin.
        """
        local = self.begin.astimezone(BERLIN)
        month = local.year * 12 + local.month  # months are counted from 0 here
        first = datetime(month // 12, month % 12 + 1, 1, tzinfo=BERLIN)
        start = first.astimezone(UTC)
        return start if start <= self.first_start else self.begin


def keep(state: Path, timeline: Timeline) -> None:
    """Write the timeline into the demo's folder."""
    folder = state / DEMO_FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    text = {"first_start": timeline.first_start.isoformat(), "days": timeline.days}
    (folder / _FILE).write_text(json.dumps(text))


def timeline_of(state: Path) -> Timeline:
    """The timeline as it was kept at the first start."""
    text = json.loads((state / DEMO_FOLDER / _FILE).read_text())
    return Timeline(datetime.fromisoformat(text["first_start"]), text["days"])
