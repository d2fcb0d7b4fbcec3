"""The help page: what `help_texts` says, beside the words of the catalogue."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import get_language

from logbooks.catalogue import Event, event_row
from logbooks.explanations import Explanation, explanations, language_of
from portal.help_texts import EVENT_HELP
from portal.log_topics import TOPICS


@dataclass(frozen=True, slots=True)
class EventHelp:
    """One event id: its meaning, and the texts that the log shows for it."""

    id: int
    meaning: str
    texts: Sequence[str]


@dataclass(frozen=True, slots=True)
class TopicHelp:
    """The events of one topic of the log page."""

    label: Promise
    events: Sequence[EventHelp]


def topics() -> Sequence[TopicHelp]:
    """Every event of the catalogue, one entry per id, under its topic."""
    texts: dict[int, list[str]] = {}
    for event in Event:
        row = event_row(event)
        texts.setdefault(row.event_id, []).append(row.text)
    return [
        TopicHelp(
            topic.label,
            [_help(id_, found) for id_, found in texts.items() if topic.holds(id_)],
        )
        for topic in TOPICS.values()
    ]


def _help(event_id: int, texts: Sequence[str]) -> EventHelp:
    return EventHelp(event_id, str(EVENT_HELP[event_id]), texts)


def fault_help() -> Sequence[Explanation]:
    """Every fault code, explained in the language of the page."""
    return explanations(language_of(get_language()))
