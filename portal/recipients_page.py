"""What the page of the data recipients shows; everything comes from the log."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from logbooks.dispatches import FINAL, FIRST, ON_DEMAND, DispatchEntry
from portal import formats, local_time
from portal.csv_text import CsvForm
from portal.profile_words import taf_title
from portal.readings import json_text
from tariffs.models import EvaluationProfile

FORMAT = "casa-dispatches-v1"
PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class RecipientCard:
    """A recipient and a profile: what he got in the range."""

    recipient: str
    name: str
    profile: str
    what: str
    meters: Sequence[str]
    last_at: str
    times: str
    values: str
    is_pseudonymous: bool


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
    groups: dict[tuple[str, str], list[DispatchEntry]] = {}
    for entry in entries:
        groups.setdefault((entry.recipient, entry.profile), []).append(entry)
    return [
        _card(recipient, profile, found, profiles.get(profile))
        for (recipient, profile), found in groups.items()
    ]


def _card(
    recipient: str,
    profile_id: str,
    found: Sequence[DispatchEntry],
    profile: EvaluationProfile | None,
) -> RecipientCard:
    style = formats.page_style()
    names = {one.id: one.name for one in profile.recipients.all()} if profile else {}
    name = names.get(recipient, "-")
    meters = [one.meter.server_id for one in profile.inputs.all()] if profile else []
    return RecipientCard(
        recipient=recipient,
        name="" if name == "-" else name,
        profile=profile_id,
        what=taf_title(profile) if profile else "",
        meters=list(dict.fromkeys(meters)),
        last_at=formats.record_time(found[0].recorded_at),
        times=formats.whole_number(len(found), style),
        values=formats.whole_number(_values(found), style),
        is_pseudonymous=bool(profile and profile.pseudonym),
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
