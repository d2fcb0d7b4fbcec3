"""The topics of the log page: groups of the event catalogue (ch. 9.3)."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _l

_MAKER = 2**31


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic of the filter and the classes of events that belong to it."""

    label: Promise
    classes: frozenset[int]

    def holds(self, event_id: int) -> bool:
        """Whether the event belongs to this topic."""
        return event_class(event_id) in self.classes


def event_class(event_id: int) -> int:
    """The thousand an event belongs to: 16001 -> 16.

    A maker's event is a negative number in 32 bits: 4294946295 -> 21001 -> 21.
    """
    return (2**32 - event_id if event_id >= _MAKER else event_id) // 1000


TOPICS: Mapping[str, Topic] = {
    "versand": Topic(_l("Datenversand"), frozenset({16})),
    "anmeldungen": Topic(_l("Anmeldungen"), frozenset({5})),
    "uhrzeit": Topic(_l("Uhrzeit"), frozenset({13})),
    "tarif": Topic(_l("Tarif und Profile"), frozenset({20, 21})),
    "geraet": Topic(_l("Selbsttest und Störungen"), frozenset({1, 6, 15, 19})),
}
