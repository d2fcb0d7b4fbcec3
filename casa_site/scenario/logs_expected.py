"""Expectations of the three logs: what has come since they were last looked at."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import zip_longest

from casa_site.scenario.finding import Finding
from casa_site.scenario.installation import Installation
from casa_site.scenario.vocabulary import EntryWanted, LogWanted
from logbooks.models import (
    CalibrationLogEntry,
    ConsumerLogEntry,
    LogEntry,
    SystemLogEntry,
)

_SAME_TIME = timedelta(seconds=1)
"""Entries keep parts of a second; a file says whole ones."""


@dataclass(frozen=True, slots=True)
class LogLook:
    """The entries of a log that are new, oldest first."""

    name: str
    begin: datetime
    entries: Sequence[LogEntry]

    def findings(self, wanted: LogWanted) -> Iterator[Finding]:
        """One for each thing that was asked for."""
        if wanted.exact is not None:
            for want, entry in zip_longest(wanted.exact, self.entries):
                yield self._compared(want, entry)
            if not wanted.exact and not self.entries:
                yield Finding(self.name, "nothing new", "nothing new", True)
        for want in wanted.has:
            found = next((e for e in self.entries if self._is(want, e)), None)
            came = self._words(found) if found else f"not among {self._all()}"
            yield Finding(self.name, self._wish(want), came, found is not None)
        for want in wanted.lacks:
            found = next((e for e in self.entries if self._is(want, e)), None)
            came = self._words(found) if found else "is not there"
            yield Finding(self.name, f"no {self._wish(want)}", came, found is None)
        if wanted.count is not None:
            count = len(self.entries)
            met = wanted.count == count
            yield Finding(
                self.name, f"{wanted.count} entries", f"{count}: {self._all()}", met
            )

    def _compared(self, want: EntryWanted | None, entry: LogEntry | None) -> Finding:
        expected = self._wish(want) if want else "nothing more"
        came = self._words(entry) if entry else "nothing more"
        met = want is not None and entry is not None and self._is(want, entry)
        return Finding(self.name, expected, came, met)

    def _is(self, want: EntryWanted, entry: LogEntry) -> bool:
        at = self.begin + want.at if isinstance(want.at, timedelta) else want.at
        arguments = list(want.arguments or ())
        return (
            want.event_id == entry.event_id
            and want.sub_id in (None, entry.event_sub_id)
            and (at is None or abs(entry.recorded_at - at) < _SAME_TIME)
            and arguments == entry.arguments[: len(arguments)]
            and want.profile in (None, entry.profile)
            and want.recipient in (None, entry.recipient)
        )

    def _wish(self, want: EntryWanted) -> str:
        words = [str(want)]
        if want.at is not None:
            at = self.begin + want.at if isinstance(want.at, timedelta) else want.at
            words.insert(0, f"{at:%H:%M:%S}")
        words += [] if want.arguments is None else [str(list(want.arguments))]
        words += [one for one in (want.profile, want.recipient) if one]
        return " ".join(words)

    def _words(self, entry: LogEntry) -> str:
        event = f"{entry.event_id}/{entry.event_sub_id}"
        more = f" {entry.arguments}" if entry.arguments else ""
        return f"{entry.recorded_at:%H:%M:%S} {event}{more}"

    def _all(self) -> str:
        return ", ".join(f"{e.event_id}/{e.event_sub_id}" for e in self.entries) or "-"


def skip_what_is_there(site: Installation) -> None:
    """The entries of the set-up were there before the scenario begins."""
    for model, name in (
        (SystemLogEntry, "system log"),
        (CalibrationLogEntry, "calibration log"),
    ):
        _new(site, name, model.objects.order_by("number"))
    logs = ConsumerLogEntry.objects.order_by("number")
    for consumer in logs.values_list("consumer_id", flat=True).distinct():
        _new(site, f"log of {consumer}", logs.filter(consumer_id=consumer))


def system_log(site: Installation, wanted: LogWanted) -> Iterator[Finding]:
    """The administrator's and technician's log."""
    entries = SystemLogEntry.objects.order_by("number")
    return _new(site, "system log", entries).findings(wanted)


def calibration_log(site: Installation, wanted: LogWanted) -> Iterator[Finding]:
    """The signed log."""
    entries = CalibrationLogEntry.objects.order_by("number")
    return _new(site, "calibration log", entries).findings(wanted)


def consumer_log(site: Installation, wanted: dict[str, LogWanted]) -> Iterator[Finding]:
    """The logs of these consumers."""
    for consumer, of_him in wanted.items():
        entries = ConsumerLogEntry.objects.filter(consumer_id=consumer)
        look = _new(site, f"log of {consumer}", entries.order_by("number"))
        yield from look.findings(of_him)


def _new(site: Installation, name: str, entries: Iterable[LogEntry]) -> LogLook:
    found = list(entries)
    newest = found[-1].number if found else 0
    before = site.look_at(name, newest)
    new = [entry for entry in found if entry.number > before]
    return LogLook(name, site.time.begin, new)
