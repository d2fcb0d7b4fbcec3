"""What the console cannot reach: readings, consumers' logs, credentials, keys.

Each of them gets a value that stands nowhere else; then every page that there is, every
search, every parameter that Django's admin knows is tried.
"""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import models
from django.urls import NoReverseMatch, Resolver404, resolve, reverse

from gwa_api.console.listing import ListAdmin
from gwa_api.console.site import site
from hardware.gateway import Gateway
from logbooks.alarms import AlarmKind, raise_alarm
from logbooks.models import ConsumerLog, ConsumerLogEntry
from logbooks.services import log_fault
from meters.credential_store import keep_master_key
from meters.models import (
    Account,
    Consumer,
    KeptTelegram,
    LiveReading,
    Meter,
    MeterKey,
    OriginalRecord,
    ReadDemand,
    Sample,
)
from tariffs.models import (
    DerivedRecord,
    EvaluationProfile,
    MarketParticipant,
    OutboxRow,
    PriceRow,
    PriceSeries,
)
from tests.gwa_api.console_visitor import PREFIX, Visitor, links_of
from tests.gwa_api.head_end import head_end
from tests.gwa_api.test_rest_resources import METER, METER_BODY, PROFILE, PROFILE_BODY

THEN = datetime(2026, 6, 1, 12, tzinfo=UTC)
READINGS = {
    OriginalRecord: "987650001",
    DerivedRecord: "987650002",
    LiveReading: "987650003",
    Sample: "987650004",
}
PASSWORD = "Wort-das-niemand-sieht"
LOG_WORD = "was-nur-er-lesen-darf"
KEY = "5ec2e7" * 5 + "aa"
FORBIDDEN: set[type[models.Model]] = {
    *READINGS,
    Account,
    ConsumerLog,
    ConsumerLogEntry,
    KeptTelegram,
    MeterKey,
    PriceRow,
    PriceSeries,
    ReadDemand,
}


def record(word: str) -> dict[str, Any]:
    """The columns of a list's row that hold a reading."""
    return {
        "target_time": THEN,
        "capture_time": THEN,
        "status": 0,
        "registers": f"0100010800ff {word} -1 30",
        "signature": b"",
        "signer_ski": "0" * 40,
        "number": 1,
        "chain_hash": b"\0" * 32,
    }


@pytest.fixture
def secrets(gateway: Gateway, db: None) -> tuple[Visitor, list[str]]:
    """A gateway in which there is all that must not be reached, and its words."""
    gwa = head_end(gateway)
    now = gateway.clock.now()
    gwa.create("/consumers/meier", {"auth": ["password"]})
    gwa.create(f"/meters/{METER}", METER_BODY)
    gwa.create("/market-participants/emt-1", {})
    body = {**PROFILE_BODY, "delivery": {"recipients": []}}
    made = gwa.create(f"/evaluation-profiles/{PROFILE}", body)
    assert made.status_code == 201, made.text
    gwa("PUT", "/consumers/meier/credentials", json={"password": PASSWORD})
    way = {"addresses": ["gwa.example:443"]}
    gwa.create("/communication-profiles/gwa", way)
    meter = Meter.objects.get()
    keep_master_key(gateway, meter, bytes.fromhex(KEY), now=now)
    _readings(meter)
    ConsumerLogEntry.objects.create(
        consumer_id="meier",
        number=10**6,
        recorded_at=THEN,
        event_id=20010,
        event_sub_id=0,
        level="info",
        arguments=[LOG_WORD],
        chain_hash=b"\0" * 32,
    )
    raise_alarm(AlarmKind.METER_ABSENT, code=103118, now=now, subject=METER)
    log_fault(gateway, 103118, now=now, consumers=["meier"])
    gwa("POST", "/selftests")
    return Visitor(gwa), [*READINGS.values(), PASSWORD, LOG_WORD, KEY, *_sealed()]


def _readings(meter: Meter) -> None:
    profile = EvaluationProfile.objects.get()
    OriginalRecord.objects.create(meter=meter, **record(READINGS[OriginalRecord]))
    DerivedRecord.objects.create(profile=profile, **record(READINGS[DerivedRecord]))
    here = {"meter": meter, "captured_at": THEN, "status": 0}
    lines = {one: record(word)["registers"] for one, word in READINGS.items()}
    LiveReading.objects.create(registers=lines[LiveReading], **here)
    Sample.objects.create(target_time=THEN, registers=lines[Sample], **here)
    OutboxRow.objects.create(
        message_id="00000000-0000-4000-8000-000000000001",
        batch_id="00000000-0000-4000-8000-000000000002",
        profile=profile,
        version=1,
        recipient=MarketParticipant.objects.get(),
        kind=OutboxRow.Kind.PERIODIC,
        begin=THEN,
        end=THEN + timedelta(days=1),
        sequence=1,
        created_at=THEN,
        next_attempt_at=THEN,
        count=96,
    )


def _sealed() -> Iterator[str]:
    """What is stored of password and key, as hex and as it stands."""
    account = Account.objects.get()
    yield account.password
    yield account.password.rsplit("$", 1)[-1]
    for sealed in (
        account.ha1_md5,
        account.ha1_sha256,
        MeterKey.objects.get().sealed_key,
    ):
        yield bytes(sealed).hex()


def every_page(visitor: Visitor) -> dict[str, str]:
    """All pages that links lead to, from the first one on."""
    found: dict[str, str] = {}
    waiting = [PREFIX]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found[path] = visitor.get(path)
            waiting += links_of(found[path])
    return found


def test_these_models_are_shown_and_no_other() -> None:
    """A model that nobody has thought about fails here."""
    assert {model._meta.label for model in site._registry} == {
        "gwa_api.CommunicationProfile",
        "gwa_api.ProxyProfile",
        "logbooks.Alarm",
        "logbooks.CalibrationLogEntry",
        "logbooks.Certificate",
        "logbooks.FirmwarePackage",
        "logbooks.SelfTestRun",
        "logbooks.SystemLogEntry",
        "meters.Consumer",
        "meters.Meter",
        "tariffs.EvaluationProfile",
        "tariffs.MarketParticipant",
        "tariffs.OutboxRow",
    }


@pytest.mark.req("R89", "R91")
def test_no_page_shows_a_reading_a_consumers_log_or_a_credential(
    secrets: tuple[Visitor, list[str]],
) -> None:
    """R89: lists, pages of one, forms, previews of deletion, from link to link."""
    visitor, words = secrets
    pages = every_page(visitor)
    for path in (
        f"evaluation-profiles/{PROFILE}/delete/",
        f"meters/{METER}/key/",
        "consumers/meier/credentials/",
        "deliveries/00000000-0000-4000-8000-000000000001/",
        "logs/calibration/1/",
        "certificates/import/",
        "firmware/upload/",
        "keys/request/",
    ):
        assert PREFIX + path in pages, path
    for path, text in pages.items():
        assert [word for word in words if word in text] == [], path


def all_admins() -> list[ListAdmin]:
    return [one for one in site._registry.values() if isinstance(one, ListAdmin)]


@pytest.mark.req("R89")
def test_no_search_finds_by_what_is_hidden(secrets: tuple[Visitor, list[str]]) -> None:
    """R89: no list has a row for a hidden word, or the beginning of it."""
    visitor, words = secrets
    for admin in all_admins():
        expected = 200 if admin.search_fields else 400
        for word in words if admin.search_fields else words[:1]:
            page = visitor("GET", admin.path, params={"q": word[:12]})
            assert page.status_code == expected
            assert "<tbody>" not in page.text, (admin.path, word)


def fields_searched(admin: ListAdmin) -> Iterator[tuple[type[models.Model], str]]:
    """Model and column behind each search field."""
    for text in admin.search_fields:
        model: Any = admin.model
        *steps, column = text.lstrip("=^@").split("__")
        for step in steps:
            model = model._meta.get_field(step).related_model
        yield model, column


def test_searches_are_for_names_and_codes_only() -> None:
    shown = {"id", "name", "server_id", "metering_point", "event_id", "message_id"}
    shown |= {"subject_cn", "holder_id", "ski"}
    for admin in all_admins():
        for model, column in fields_searched(admin):
            assert model not in FORBIDDEN
            assert column in shown, (admin.path, column)


def ways_to_the_hidden(
    model: Any, before: tuple[str, ...] = (), depth: int = 3
) -> Iterator[str]:
    """Lookups from a model to each column of a forbidden one, over its relations."""
    for field in model._meta.get_fields():
        if not field.is_relation or not field.related_model or depth == 0:
            continue
        related = field.related_model
        way = (*before, field.name)
        if related in FORBIDDEN:
            for column in related._meta.concrete_fields:
                yield "__".join((*way, column.name))
        yield from ways_to_the_hidden(related, way, depth - 1)


@pytest.mark.req("R89")
def test_no_lookup_order_or_popup_is_taken_from_the_address(
    secrets: tuple[Visitor, list[str]],
) -> None:
    """R89: what Django's admin takes elsewhere is 400 here, for every hidden column."""
    visitor, _words = secrets
    for admin in all_admins():
        lookups = list(ways_to_the_hidden(admin.model))
        assert not any(admin.lookup_allowed(one, "1") for one in lookups)
        own = [field.name for field in admin.model._meta.concrete_fields]
        asked = {"o", "e", "all", "_to_field", "_popup", own[-1], *lookups[-1:]}
        asked |= {f"{one}__startswith" for one in (own[-1], *lookups[:1])}
        for name in sorted(asked - admin.filter_names()):
            answer = visitor("GET", admin.path, params={name: "1"})
            assert answer.status_code == 400, (admin.path, name)
    by_consumer = list(ways_to_the_hidden(Consumer))
    assert "account__password" in by_consumer
    assert "meter__originalrecord__registers" in by_consumer


def test_values_of_filters_are_those_that_are_offered(
    secrets: tuple[Visitor, list[str]],
) -> None:
    visitor, _words = secrets
    for admin in all_admins():
        for name in admin.filter_names():
            answer = visitor("GET", admin.path, params={name: "anything"})
            assert answer.status_code == 400, (admin.path, name)
    for params in ({"q": "a\0"}, {"q": "a" * 65}):
        assert visitor("GET", "meters/", params=params).status_code == 400, params


@pytest.mark.req("R89")
def test_the_admins_own_pages_are_not_there(secrets: tuple[Visitor, list[str]]) -> None:
    """R89: no history, autocomplete, jump, login, password page, script catalogue."""
    visitor, _words = secrets
    for path in (
        f"meters/{METER}/history/",
        f"meters/{METER}/change/",
        "meters/autocomplete/",
        "autocomplete/?app_label=meters&model_name=account&field_name=consumer",
        "r/1/1/",
        "login/",
        "logout/",
        "password_change/",
        "jsi18n/",
        "meters/meter/",
        "meters/account/",
        "meters/originalrecord/",
        "logbooks/consumerlogentry/",
    ):
        assert visitor("GET", path).status_code == 404, path
    for name in ("login", "autocomplete", "view_on_site", "jsi18n", "app_list"):
        with pytest.raises(NoReverseMatch):
            reverse(f"console:{name}", urlconf="gwa_api.urls")


@pytest.mark.req("R89")
def test_the_console_is_on_no_other_listener() -> None:
    """R89: neither the consumers' nor the technician's paths lead there."""
    for paths in ("portal.urls", "portal.service_urls"):
        with pytest.raises(Resolver404):
            resolve(PREFIX, paths)


def test_the_console_is_loaded_with_its_first_request_only() -> None:
    """What the supervisor imports for all processes holds nothing of it."""
    script = (
        "import os, sys, django; os.environ['DJANGO_SETTINGS_MODULE']="
        "'casa_site.settings'; django.setup()\n"
        "import casa_site.gwa_server, casa_site.roles, gwa_api.urls, portal.urls\n"
        "sys.exit(any(name.startswith('gwa_api.console') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0
