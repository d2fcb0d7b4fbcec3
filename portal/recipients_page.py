"""What the page of the data recipients shows; everything comes from the log."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from logbooks.dispatches import FINAL, FIRST, ON_DEMAND, DispatchEntry
from portal import formats, local_time
from portal.csv_text import CsvForm
from portal.profile_words import meter_ids, taf_title
from portal.readings import json_text
from tariffs.models import EvaluationProfile

FORMAT = "casa-dispatches-v1"
PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class Purpose:
    """A profile: what the recipient got by it in the range."""

    profile: str
    what: str
    meters: Sequence[str]
    last_at: str
    how_often: str
    is_pseudonymous: bool


@dataclass(frozen=True, slots=True)
class RecipientCard:
    """A recipient; `name` is '' where none is known."""

    recipient: str
    name: str
    purposes: Sequence[Purpose]


@dataclass(frozen=True, slots=True)
class DispatchRow:
    """One transfer in words, the cells of page, CSV and JSON."""

    number: int
    at: str
    recipient: str
    profile: str
    kind: str
    count: str
    span: str


@dataclass(frozen=True, slots=True)
class RecipientsPage:
    """A page of transfers and the cards of the whole range."""

    cards: Sequence[RecipientCard]
    rows: Sequence[DispatchRow]
    recipients: str
    transfers: str
    values: str
    number: int
    pages: int


def recipients_page(
    entries: Sequence[DispatchEntry],
    profiles: Sequence[EvaluationProfile],
    number: int,
) -> RecipientsPage:
    """The page `number`, counted from 1, of these entries (newest first)."""
    style = formats.page_style()
    pages = max(1, -(-len(entries) // PAGE_SIZE))
    number = min(number, pages)
    shown = entries[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
    return RecipientsPage(
        cards=_cards(entries, {one.id: one for one in profiles}),
        rows=[dispatch_row(entry) for entry in shown],
        recipients=str(len({entry.recipient for entry in entries})),
        transfers=formats.whole_number(len(entries), style),
        values=formats.whole_number(_values(entries), style),
        number=number,
        pages=pages,
    )


def _values(entries: Sequence[DispatchEntry]) -> int:
    """How many values were sent; an initial or final reading counts as one."""
    return sum(int(entry.count) if entry.count.isdecimal() else 1 for entry in entries)


def _cards(
    entries: Sequence[DispatchEntry], profiles: Mapping[str, EvaluationProfile]
) -> list[RecipientCard]:
    """By recipient, then by profile; the newest first."""
    groups: dict[str, dict[str, list[DispatchEntry]]] = {}
    for entry in entries:
        of_one = groups.setdefault(entry.recipient, {})
        of_one.setdefault(entry.profile, []).append(entry)
    return [
        RecipientCard(
            recipient,
            _name(recipient, (profiles.get(one) for one in by_profile)),
            [_purpose(one, by_profile[one], profiles.get(one)) for one in by_profile],
        )
        for recipient, by_profile in groups.items()
    ]


def _name(recipient: str, profiles: Iterable[EvaluationProfile | None]) -> str:
    names = {
        one.id: one.name
        for profile in profiles
        if profile
        for one in profile.recipients.all()
    }
    name = names.get(recipient, "-")
    return "" if name == "-" else name


def _purpose(
    profile_id: str,
    found: Sequence[DispatchEntry],
    profile: EvaluationProfile | None,
) -> Purpose:
    return Purpose(
        profile=profile_id,
        what=taf_title(profile) if profile else "",
        meters=meter_ids(profile) if profile else [],
        last_at=formats.record_time(found[0].recorded_at),
        how_often=_how_often(found),
        is_pseudonymous=bool(profile and profile.pseudonym),
    )


def _how_often(found: Sequence[DispatchEntry]) -> str:
    """'3 Übertragungen, 10.569 Werte'."""
    style, values = formats.page_style(), _values(found)
    times = ngettext("%(count)s Übertragung", "%(count)s Übertragungen", len(found))
    amount = ngettext("%(count)s Wert", "%(count)s Werte", values)
    return ", ".join(
        text % {"count": formats.whole_number(count, style)}
        for text, count in ((times, len(found)), (amount, values))
    )


def dispatch_row(entry: DispatchEntry) -> DispatchRow:
    """The cells of one transfer."""
    span = f"{entry.begin} – {entry.end}" if entry.begin else entry.end
    return DispatchRow(
        number=entry.number,
        at=local_time.page_stamp(entry.recorded_at),
        recipient=entry.recipient,
        profile=entry.profile,
        kind=_kind(entry.event_id),
        count=entry.count or "1",
        span=span,
    )


def _kind(event_id: int) -> str:
    words = {
        FIRST: _("Anfangsstand"),
        FINAL: _("Endstand"),
        ON_DEMAND: _("auf Anforderung"),
    }
    return words.get(event_id) or _("nach Plan")


def dispatches_csv(entries: Sequence[DispatchEntry], form: CsvForm) -> Iterator[str]:
    """All transfers of the range, the cells of the page, newest first."""
    yield form.line(
        (
            *("ID", _("Zeitpunkt"), _("Empfänger"), _("Auswerteprofil")),
            *(_("Anlass"), _("Anzahl Werte"), _("Zeitraum")),
        )
    )
    for row in map(dispatch_row, entries):
        cells = (row.at, row.recipient, row.profile, row.kind, row.count, row.span)
        yield form.line((str(row.number), *cells))


def dispatches_json(entries: Sequence[DispatchEntry]) -> str:
    """The same with the text of the log."""
    rows = [
        {
            "recordnumber": entry.number,
            "timestamp": local_time.iso(entry.recorded_at),
            "recipient": entry.recipient,
            "profile": entry.profile,
            "reason": dispatch_row(entry).kind,
            "count": int(dispatch_row(entry).count),
            "span": dispatch_row(entry).span,
            "text": entry.text,
        }
        for entry in entries
    ]
    return json_text({"format": FORMAT, "dispatches": rows}) + "\n"
