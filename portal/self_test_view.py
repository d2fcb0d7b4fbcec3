"""The page Selbsttest: trigger one, and see what became of it (manual ch. 7.4)."""

from dataclasses import dataclass

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from logbooks import self_test
from logbooks.models import SelfTestRun
from logbooks.self_test import SelfTestRefused, SelfTestTooEarly
from portal import formats
from portal.auth import consumer_required
from portal.frame import show
from portal.request import PortalRequest
from portal.session_views import see_other
from tariffs.calendar import BERLIN

_CONFLICT = 409


@dataclass(frozen=True, slots=True)
class SelfTestPage:
    """What the page says: a sentence, and the state of the consumer's last run.

    `has_passed` is None while it runs, and when there was none.
    """

    sentence: str
    running_since: str = ""
    ended_at: str = ""
    has_passed: bool | None = None
    may_trigger: bool = False


@require_http_methods(["GET", "HEAD", "POST"])
@consumer_required
def self_test_page(request: PortalRequest) -> HttpResponse:
    """POST triggers a self-test (R128); refused within 24 hours (R129)."""
    if request.method != "POST":
        return show(request, "self_test", "start", test=_page(request))
    try:
        self_test.trigger_by_consumer(
            request.gateway, request.consumer, now=request.received_at
        )
    except SelfTestRefused as refused:
        page = SelfTestPage(_refusal(refused))
        return show(request, "self_test", "start", status=_CONFLICT, test=page)
    return see_other("/selbsttest/")


def _refusal(refused: SelfTestRefused) -> str:
    """The sentence of the manual, in the language of the page."""
    if not isinstance(refused, SelfTestTooEarly):
        return _("Es läuft bereits ein Selbsttest.")
    return _wait_sentence(refused)


def _wait_sentence(refused: SelfTestTooEarly) -> str:
    text = _(
        "Es kann nur ein Selbsttest alle 24 Stunden ausgelöst werden. Der nächste "
        "Selbsttest ist am %(day)s um %(time)s Uhr möglich."
    )
    local = refused.possible_at.astimezone(BERLIN)
    return text % {"day": f"{local:%Y-%m-%d}", "time": f"{local:%H:%M:%S}"}


def _page(request: PortalRequest) -> SelfTestPage:
    run = self_test.latest_run(request.consumer)
    possible_at = self_test.possible_at(request.received_at)
    if possible_at is None:
        return _of_run(run, _("Ein Selbsttest kann ausgelöst werden."), True)
    if run is None:
        return SelfTestPage(_wait_sentence(SelfTestTooEarly(possible_at)))
    text = _(
        "Der Selbsttest wurde ausgelöst. Es kann einige Minuten dauern, bis das "
        "Ergebnis vorliegt. Sie finden das Ergebnis in Ihrem Benutzerlogbuch."
    )
    return _of_run(run, text, False)


def _of_run(run: SelfTestRun | None, text: str, may_trigger: bool) -> SelfTestPage:
    if run is None:
        return SelfTestPage(text, may_trigger=may_trigger)
    if run.ended_at is None:
        since = formats.record_time(run.started_at)
        return SelfTestPage(text, running_since=since)
    return SelfTestPage(
        text,
        ended_at=formats.record_time(run.ended_at),
        has_passed=not run.codes,
        may_trigger=may_trigger,
    )
