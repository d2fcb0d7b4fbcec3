"""The help page: what `help_texts` says, beside the words of the catalogue."""

from collections.abc import Sequence
from dataclasses import dataclass

from logbooks.catalogue import Event, event_row
from portal.help_texts import EVENT_HELP


@dataclass(frozen=True, slots=True)
class EventHelp:
    """One event id: its meaning, and the texts that the log shows for it."""

    id: int
    meaning: str
    texts: Sequence[str]


def events() -> Sequence[EventHelp]:
    """Every event of the catalogue, one entry per id, in the catalogue's order."""
    texts: dict[int, list[str]] = {}
    for event in Event:
        row = event_row(event)
        texts.setdefault(row.event_id, []).append(row.text)
    return [
        EventHelp(event_id, str(EVENT_HELP[event_id]), found)
        for event_id, found in texts.items()
    ]
