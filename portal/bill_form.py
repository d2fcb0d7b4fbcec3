"""What the consumer chooses for checking a bill: contract and period, tariff, day."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import cast

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from hardware.record import zulu
from portal.day_field import DayField
from portal.period_page import period_row
from portal.profile_words import taf_title
from portal.request import PortalRequest
from portal.tariff_upload import NotUsable, content_of, unpacked
from tariffs import selectors
from tariffs.bill_check import CHECKED
from tariffs.calendar import Period
from tariffs.models import EvaluationProfile
from tariffs.trudi_file import has_file


@dataclass(frozen=True, slots=True)
class Choice:
    """A period of a contract in the list to choose from."""

    value: str
    text: str
    profile: EvaluationProfile
    period: Period


@dataclass(frozen=True, slots=True)
class Group:
    """A contract with its periods."""

    title: str
    choices: Sequence[Choice]


@dataclass(slots=True)
class BillForm:
    """What was sent; `errors` name the field that is wrong: period, file, day."""

    groups: Sequence[Group]
    chosen: Choice | None = None
    tariff: bytes = b""
    day: date | None = None
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def value(self) -> str:
        """The chosen value of the list."""
        return self.chosen.value if self.chosen else ""


def offered(consumer: str, now: datetime) -> list[Group]:
    """The closed periods of the consumer's contracts, newest first."""
    groups = []
    for profile in selectors.profiles_of(consumer):
        if profile.taf in CHECKED and (choices := _choices(profile, now)):
            groups.append(Group(f"{taf_title(profile)} · {profile.id}", choices))
    return groups


def _choices(profile: EvaluationProfile, now: datetime) -> list[Choice]:
    return [
        Choice(
            value=period_value(profile.id, period),
            text=period_row(number, period, now=now).title,
            profile=profile,
            period=period,
        )
        for number, period in enumerate(selectors.periods(profile, now))
        if period.end <= now and has_file(profile, period)
    ]


def period_value(profile_id: str, period: Period) -> str:
    """The value of a period in the list; it stays the same while time goes on."""
    return f"{profile_id} {zulu(period.begin)}"


def form_of(request: PortalRequest) -> BillForm:
    """The form as it was sent, or as a link asks for it."""
    groups = offered(request.consumer, request.received_at)
    form = BillForm(groups)
    given = request.POST if request.method == "POST" else request.GET
    wanted = given.get("zeitraum", "")
    every = [choice for group in groups for choice in group.choices]
    form.chosen = next((one for one in every if one.value == wanted), None)
    if request.method == "POST":
        _fill(form, request)
    return form


def _fill(form: BillForm, request: PortalRequest) -> None:
    if form.chosen is None:
        form.errors["period"] = _("Bitte wählen Sie einen Zeitraum aus der Liste.")
    try:
        form.tariff = _tariff(request)
    except NotUsable as reason:
        form.errors["file"] = str(reason)
    form.day = _day(request.POST.get("tag", ""), form)


def _tariff(request: PortalRequest) -> bytes:
    """The file, or that of the page before, which brings it along."""
    upload = request.FILES.get("datei")
    if upload is None and (kept := request.POST.get("tarif", "")):
        return unpacked(kept)
    return content_of(upload)


def _day(text: str, form: BillForm) -> date | None:
    try:
        return cast("date | None", DayField(required=False).clean(text))
    except ValidationError as reason:
        form.errors["day"] = reason.messages[0]
        return None
