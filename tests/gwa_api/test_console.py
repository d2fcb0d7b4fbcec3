"""The administrator's console: forms go where the API's requests go."""

import ast
import hashlib
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from gwa_api.console.words import is_known, plain
from gwa_api.models import CommunicationProfile, ProxyProfile
from gwa_api.rest.rate import BURST
from hardware.gateway import Gateway
from logbooks.alarms import AlarmKind, raise_alarm
from logbooks.catalogue import GWA_ACCESS
from logbooks.models import Alarm, ConsumerLogEntry, SelfTestRun, SystemLogEntry
from logbooks.services import log_fault
from meters.credential_store import is_master_key
from meters.models import Account, Consumer, Meter
from tariffs.models import EvaluationProfile, MarketParticipant
from tests.gwa_api.console_visitor import Visitor
from tests.gwa_api.head_end import head_end
from tests.gwa_api.test_rest_resources import METER, METER_BODY, PROFILE_BODY
from tests.gwa_api.test_rest_security import pem_of

ROOT = Path(__file__).parents[2]
PROFILE = {
    "id": "haus-taf7",
    "taf": "7",
    "inputs": f"{METER} 1-0:1.8.0*255",
}
PAGE = "evaluation-profiles/haus-taf7/"
LOCKING = 1500069


@pytest.fixture
def visitor(gateway: Gateway, db: None) -> Visitor:
    """The administrator; the gateway knows a consumer with a meter."""
    gwa = head_end(gateway)
    gwa.create("/consumers/meier", {"auth": ["password"]})
    gwa.create(f"/meters/{METER}", METER_BODY)
    gwa.create("/market-participants/emt-1", {})
    return Visitor(gwa)


@pytest.fixture
def profile(visitor: Visitor) -> EvaluationProfile:
    """A profile that runs."""
    answer = visitor.send("new/evaluation-profiles/", **PROFILE)
    assert answer.status_code == 302, answer.text
    return EvaluationProfile.objects.get()


def told(event: int) -> int:
    """How often the consumer was told of an event."""
    return ConsumerLogEntry.objects.filter(event_id=event).count()


@pytest.mark.req("R91")
def test_a_profile_is_made_by_the_form_and_starts(
    visitor: Visitor, profile: EvaluationProfile
) -> None:
    """R91: the form makes what a PUT of the API makes, and it stands in the list."""
    assert (profile.taf, profile.state, profile.consumer_id) == (7, "active", "meier")
    assert "Gespeichert." in visitor.get(f"{PAGE}?erledigt=saved")
    assert "haus-taf7" in visitor.get("evaluation-profiles/?q=haus&taf=7")
    assert "haus-taf7" not in visitor.get("evaluation-profiles/?taf=2")
    assert told(20010) == 1


@pytest.mark.req("R91")
def test_what_is_wrong_with_a_profile_is_said_in_plain_words_at_its_field(
    visitor: Visitor,
) -> None:
    """The services' own rules, in German and English; fault 600104 is logged."""
    wrong = {
        **PROFILE,
        "inputs": "1emh0000000009 1-0:1.8.0*255",
        "valid_to": "2020-01-01T00:00",
    }
    answer = visitor.send("new/evaluation-profiles/", **wrong)
    assert answer.status_code == 422
    assert "Zeile 1, Zähler: Einen Zähler 1emh0000000009 gibt es nicht." in answer.text
    assert "Das Ende muss nach dem Beginn liegen." in answer.text
    assert not EvaluationProfile.objects.exists()
    assert SystemLogEntry.objects.filter(event_id=600104).exists()
    visitor.language = "en"
    english = visitor.send("new/evaluation-profiles/", **wrong)
    assert "there is no meter 1emh0000000009" in english.text


@pytest.mark.parametrize(
    "change",
    [
        {"taf": 3},
        {"inputs": []},
        {"inputs": [{"meter": METER, "obis": "1-0:1.7.0*255", "sign": 1}]},
        {"inputs": [{"meter": METER, "obis": "1-0:1.8.0*255", "sign": -1}]},
        {"registration_period": "PT10M"},
        {"billing_period": {"unit": "week", "count": 99, "day": 1}},
        {"metering_point": "DE1"},
        {"delivery": {"schedule": "often", "recipients": []}},
        {"consumer": "meier", "pseudonym": "haus-1234"},
        {"taf": 2},
    ],
)
def test_the_console_refuses_what_the_api_refuses(
    visitor: Visitor, change: dict[str, Any]
) -> None:
    """The same profile by both ways: refused by both, by the same sentences."""
    body = {**PROFILE_BODY, "delivery": {"recipients": []}, **change}
    by_api = visitor.gwa.create("/evaluation-profiles/haus-taf7", body)
    assert by_api.status_code == 422
    sent = {"id": "haus-taf7", **fields_of(body)}
    page = visitor.send("new/evaluation-profiles/", **sent)
    assert page.status_code == 422
    for problem in by_api.json().get("errors", []):
        message = problem["message"]
        if not message.startswith("the value") and message != "is needed":
            assert plain(message).split("{")[0] in unescape(page.text), message
    assert not EvaluationProfile.objects.exists()


def fields_of(body: dict[str, Any]) -> dict[str, Any]:
    """A body as somebody would type it."""
    signs = {1: "", -1: " -"}
    lines = [f"{i['meter']} {i['obis']}{signs[i['sign']]}" for i in body["inputs"]]
    billing = body["billing_period"]
    return {
        "taf": str(body["taf"]),
        "consumer": body["consumer"],
        "metering_point": body["metering_point"],
        "inputs": "\n".join(lines),
        "registration_period": body["registration_period"][2:-1],
        "billing_period__unit": billing["unit"],
        "billing_period__count": str(billing["count"]),
        "billing_period__day": str(billing["day"]),
        "delivery__schedule": body["delivery"].get("schedule", ""),
        "pseudonym": body.get("pseudonym") or "",
    }


@pytest.mark.req("R91")
def test_a_change_is_shown_before_it_is_made(
    visitor: Visitor, profile: EvaluationProfile
) -> None:
    """Old and new value, nothing changed until it is confirmed; then 20011, once."""
    preview = visitor.send(PAGE, name="Neu & alt", valid_to="2099-12-31T00:00:00")
    assert preview.status_code == 200, preview.text
    assert "Neu &amp; alt" in preview.text
    assert "31.12.2099 00:00:00" in preview.text
    profile.refresh_from_db()
    assert (profile.name, profile.version, told(20011)) == ("-", 1, 0)
    done = visitor.confirm(PAGE, preview.text, bestaetigt="1")
    assert done.status_code == 302, done.text
    profile.refresh_from_db()
    assert (profile.name, profile.version, told(20011)) == ("Neu & alt", 2, 1)
    same = visitor.send(PAGE)
    assert same.headers["Location"].endswith("?erledigt=unchanged")


def test_a_change_of_what_has_changed_meanwhile_is_refused(
    visitor: Visitor, profile: EvaluationProfile
) -> None:
    page = visitor.get(PAGE)
    visitor.gwa.patch("/evaluation-profiles/haus-taf7", {"name": "B"}, '"1"')
    late = visitor.confirm(PAGE, page, name="A")
    assert late.status_code == 422
    assert "inzwischen ein anderer" in late.text
    profile.refresh_from_db()
    assert profile.name == "B"


def test_what_does_not_change_while_a_profile_runs_is_no_field(
    visitor: Visitor, profile: EvaluationProfile
) -> None:
    """Neither offered nor taken when it is sent all the same."""
    page = visitor.get(PAGE)
    assert 'name="taf"' not in page
    assert 'name="inputs"' not in page
    forced = visitor.confirm(PAGE, page, taf="1", felder="taf", **{"initial-taf": "7"})
    assert forced.status_code == 422
    assert "solange das Profil läuft" in forced.text


@pytest.mark.req("R91")
def test_deleting_says_what_will_happen_and_wants_the_id(
    visitor: Visitor, profile: EvaluationProfile
) -> None:
    """Manual 4.2.1; a profile that runs is not deleted, one that has ended is."""
    page = visitor.get(f"{PAGE}delete/")
    assert "Das geschieht:" in page
    assert "bis ihre Aufbewahrung endet" in page
    wrong = visitor.confirm(f"{PAGE}delete/", page, confirmed="haus")
    assert wrong.status_code == 422
    assert "nicht diese ID" in wrong.text
    running = visitor.send(f"{PAGE}delete/", confirmed="haus-taf7")
    assert running.status_code == 422
    assert visitor.send(f"{PAGE}end/", at="2020-01-01T00:00:00").status_code == 422
    assert EvaluationProfile.objects.get().state == "active"


def test_a_planned_profile_is_deleted(visitor: Visitor) -> None:
    """20013 is told; its lists stay the consumer's, so its name stays taken."""
    visitor.send(
        "new/evaluation-profiles/", **PROFILE, valid_from="2099-01-01T00:00:00"
    )
    done = visitor.send(f"{PAGE}delete/", confirmed="haus-taf7")
    assert done.headers["Location"].endswith("evaluation-profiles/?erledigt=deleted")
    assert EvaluationProfile.objects.get().state == "deleted"
    assert told(20013) == 1


@pytest.mark.req("R91")
def test_opening_a_profile_or_meter_is_told_and_a_list_is_not(
    visitor: Visitor, profile: EvaluationProfile
) -> None:
    """20029 and 20030, as for the API; the page of its deletion tells nothing."""
    visitor.get("evaluation-profiles/")
    visitor.get("meters/")
    visitor.get(f"{PAGE}delete/")
    assert (told(20029), told(20030)) == (0, 0)
    visitor.get(PAGE)
    visitor.get(f"meters/{METER}/")
    assert (told(20029), told(20030)) == (1, 1)


def test_consumers_get_credentials_that_nobody_reads(visitor: Visitor) -> None:
    """Made, given a password (20033), kept when he has meters, deleted when not."""
    made = visitor.send("new/consumers/", id="schulz", auth=["password"])
    assert made.status_code == 302, made.text
    path = "consumers/schulz/credentials/"
    assert visitor.send(path).status_code == 422
    short = visitor.send(path, password="kurz!")
    assert short.status_code == 422
    assert "kurz!" not in short.text
    given = visitor.send(path, password="sehr geheimes Wort")
    assert given.status_code == 302, given.text
    assert Account.objects.get(username="schulz").check_password("sehr geheimes Wort")
    assert visitor.send("consumers/meier/delete/", confirmed="meier").status_code == 422
    assert (
        visitor.send("consumers/schulz/delete/", confirmed="schulz").status_code == 302
    )
    assert list(Consumer.objects.values_list("pk", flat=True)) == ["meier"]


def test_the_log_of_a_consumer_cannot_be_kept_too_short(visitor: Visitor) -> None:
    short = visitor.send("consumers/meier/", log_retention_months="14")
    assert short.status_code == 422
    assert "Mindestens 15 Monate, nicht 14." in short.text
    assert "1400523" in short.text


def test_a_meter_is_made_changed_and_given_another_key(
    visitor: Visitor, gateway: Gateway
) -> None:
    """The key goes in and never comes out, not even in the preview."""
    key, other = "0" * 31 + "1", "0" * 31 + "2"
    id_ = "1emh0000000002"
    given = {"consumer": "meier", "source": "hdlc", "port": "/dev/lmn"}
    made = visitor.send("new/meters/", id=id_, master_key=key, **given)
    assert made.status_code == 302, made.text
    page = visitor.get(f"meters/{id_}/")
    assert key not in page
    assert "master_key" not in page
    preview = visitor.confirm(f"meters/{id_}/", page, name="Keller", is_active="false")
    assert (
        visitor.confirm(f"meters/{id_}/", preview.text, bestaetigt="1").status_code
        == 302
    )
    meter = Meter.objects.get(pk=id_)
    assert (meter.name, meter.is_active) == ("Keller", False)
    changed = visitor.send(f"meters/{id_}/key/", master_key=other)
    assert changed.status_code == 302, changed.text
    assert is_master_key(gateway, meter, other)
    assert visitor.send(f"meters/{id_}/delete/", confirmed=id_).status_code == 302


def test_partners_ways_and_proxies_are_made(visitor: Visitor) -> None:
    """With the rules of their services, said at the lines that break them."""
    assert (
        visitor.send("new/market-participants/", id="emt-2", name="E").status_code
        == 302
    )
    assert MarketParticipant.objects.filter(pk="emt-2", name="E").exists()
    way = {"id": "emt", "participant": "emt-1"}
    wrong = visitor.send("new/communication-profiles/", addresses="a:1\nnowhere", **way)
    assert "Zeile 2: Das muss die Form name:port haben." in wrong.text
    good = visitor.send("new/communication-profiles/", addresses="a:1\nb:2", **way)
    assert good.status_code == 302, good.text
    assert CommunicationProfile.objects.get().addresses == ["a:1", "b:2"]
    proxy = {
        "id": "wallbox",
        "scenario": "HKS3",
        "consumer": "meier",
        "emt": "emt-1",
        "local_server_name": "wallbox.cls",
        "wan_addresses": "emt.example:443",
    }
    der, _key = visitor.gwa.lab.partner("wallbox")
    made = visitor.send("new/proxy-profiles/", cls_certificate=pem_of(der), **proxy)
    assert made.status_code == 302, made.text
    assert ProxyProfile.objects.get().wan_addresses == ["emt.example:443"]
    for path, id_ in (("proxy-profiles", "wallbox"), ("communication-profiles", "emt")):
        assert visitor.send(f"{path}/{id_}/delete/", confirmed=id_).status_code == 302


@pytest.mark.req("R138", "R139")
def test_the_lock_down_is_shown_and_released_here(
    visitor: Visitor, gateway: Gateway
) -> None:
    """With its cause in words; the release runs the self-test first."""
    log_fault(gateway, LOCKING, now=gateway.clock.now())
    page = visitor.get("")
    assert "Soft Lock-Down" in page
    assert str(LOCKING) in page
    answer = visitor.send("device/lockdown-release/")
    assert SelfTestRun.objects.exists()
    assert answer.status_code == 302, answer.text
    assert "Soft Lock-Down" not in visitor.get("")


@pytest.mark.req("R162")
def test_alarms_are_shown_and_acknowledged(visitor: Visitor, gateway: Gateway) -> None:
    """With the catalogue's words; the start page counts them."""
    raise_alarm(AlarmKind.TIME_SERVICE, code=LOCKING, now=gateway.clock.now())
    assert "1 Alarm steht an" in visitor.get("")
    assert str(LOCKING) in visitor.get("alarms/?welche=neu")
    number = Alarm.objects.get().pk
    assert visitor.send(f"alarms/{number}/ack/").status_code == 302
    assert str(LOCKING) not in visitor.get("alarms/?welche=neu")
    assert visitor.send(f"alarms/{number}/ack/").status_code == 422


@pytest.mark.req("R132")
def test_the_self_test_is_started_and_its_run_is_listed(visitor: Visitor) -> None:
    """Started whenever he wants, never two at once."""
    assert visitor.send("selftests/start/").status_code == 302
    assert "läuft" in visitor.get("selftests/")
    second = visitor.send("selftests/start/")
    assert second.status_code == 422
    assert "1900502" in second.text


@pytest.mark.req("R147")
def test_a_package_is_uploaded_and_one_that_is_not_genuine_is_refused(
    visitor: Visitor,
) -> None:
    """1300800 in the list; a digest that does not fit takes nothing in."""
    content = bytes(range(256)) * 64
    page = visitor.get("firmware/upload/")
    token = page.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]

    def upload(digest: str) -> Any:
        data = {"csrfmiddlewaretoken": token, "sha256": digest}
        return visitor(
            "POST",
            "firmware/upload/",
            data=data,
            files={"package": ("p.casa", content)},
        )

    wrong = upload("0" * 64)
    assert wrong.status_code == 422
    assert "Prüfsumme passt nicht" in wrong.text
    taken = upload(hashlib.sha256(content).hexdigest())
    assert taken.status_code == 302, taken.text
    assert "1300800" in visitor.get("firmware/")


@pytest.mark.req("R69", "R99")
def test_certificates_are_imported_shown_and_ended(visitor: Visitor) -> None:
    """A foreign one is refused with its code; his own cannot be ended by him."""
    der, _key = visitor.gwa.lab.partner("emt-1")
    given = {"holder": "EMT", "holder_id": "emt-1", "kind": "TLS"}
    made = visitor.send("certificates/import/", certificate=pem_of(der), **given)
    assert made.status_code == 302, made.text
    id_ = hashlib.sha256(der).hexdigest()
    assert "BEGIN CERTIFICATE" in visitor.get(f"certificates/{id_}/")
    assert visitor.send(f"certificates/{id_}/end/", confirmed=id_).status_code == 302
    own = hashlib.sha256(visitor.gwa.certificate).hexdigest()
    kept = visitor.send(f"certificates/{own}/end/", confirmed=own)
    assert "Mit diesem sind Sie gerade verbunden." in kept.text
    foreign, _key = type(visitor.gwa.lab)(visitor.gwa.lab.now).partner("emt-1")
    refused = visitor.send("certificates/import/", certificate=pem_of(foreign), **given)
    assert refused.status_code == 422
    assert "2300306" in refused.text


@pytest.mark.req("R69")
def test_new_keys_are_asked_for_and_need_a_test_connection(visitor: Visitor) -> None:
    """PKCS#10 is shown, once; no private key is."""
    requests = visitor.send("keys/request/")
    assert requests.text.count("BEGIN CERTIFICATE REQUEST") == 3
    assert "PRIVATE" not in requests.text
    again = visitor.send("keys/request/")
    assert (again.status_code, "1600122" in again.text) == (422, True)
    assert visitor.send("keys/activate/").status_code == 422
    page = visitor.get("keys/")
    anchors = page.split("keys/anchors/")[1:]
    root = next(a for a in anchors if a[:64].isalnum())[:64]
    last = visitor.send(f"keys/anchors/{root}/delete/", confirmed=root)
    assert (last.status_code, "1600245" in last.text) == (422, True)


@pytest.mark.req("R90")
def test_the_change_of_the_administrator_is_announced_and_cancelled(
    visitor: Visitor,
) -> None:
    """Announced with his certificate, cancelled with 700034."""
    der, _key = visitor.gwa.lab.partner("gwa-0002")
    announced = visitor.send(
        "administrator-change/announce/", holder_id="gwa-0002", certificate=pem_of(der)
    )
    assert announced.status_code == 302, announced.text
    assert "angekündigt" in visitor.get("administrator-change/")
    assert visitor.send("administrator-change/cancel/").status_code == 302
    assert SystemLogEntry.objects.filter(event_id=700034).exists()


@pytest.mark.req("R45")
def test_a_delivery_on_demand_to_a_stranger_is_refused(
    visitor: Visitor,
) -> None:
    """16004/4, as by the API."""
    visitor.send("new/evaluation-profiles/", **{**PROFILE, "taf": "6"})
    answer = visitor.send(f"{PAGE}order/", recipient="emt-1")
    assert answer.status_code == 422
    assert "steht nicht im Profil" in answer.text
    assert told(16004) == 1


@pytest.mark.req("R91")
def test_every_access_stands_in_the_system_log_and_names_nobody(
    visitor: Visitor, profile: EvaluationProfile
) -> None:
    """Method, path with names in place of ids, result; refusals too (D32)."""
    visitor.get(PAGE)
    visitor("GET", "evaluation-profiles/nobody/")
    visitor("POST", f"{PAGE}delete/")
    lines = [
        entry.arguments[:3]
        for entry in SystemLogEntry.objects.filter(event_id=GWA_ACCESS).order_by(
            "-number"
        )[:3]
    ]
    path = "/gwa/console/evaluation-profiles/{profile}/"
    assert lines == [
        ["POST", f"{path}delete/", "403"],
        ["GET", path, "404"],
        ["GET", path, "200"],
    ]
    everything = str(list(SystemLogEntry.objects.values_list("arguments", flat=True)))
    assert "haus-taf7" not in everything
    assert "meier" not in everything


@pytest.mark.req("R97", "R99")
def test_only_the_certificate_in_force_opens_a_page(visitor: Visitor) -> None:
    """No login, no session: without it each page, and each style sheet, is 403."""
    visitor.get("new/consumers/")
    assert set(visitor.cookies) == {"__Host-csrf"}
    known, visitor.gwa.certificate = visitor.gwa.certificate, b""
    for path in ("", "meters/", "static/casa.css", "new/consumers/"):
        answer = visitor("GET", path)
        assert answer.status_code == 403, path
        assert "Konfiguration" not in answer.text
    visitor.gwa.certificate = known
    assert visitor("GET", "static/casa.css").status_code == 200
    assert visitor("GET", "static/live.js").status_code == 404


def test_a_form_without_its_token_changes_nothing(visitor: Visitor) -> None:
    """Nor one with another visitor's."""
    forged = visitor("POST", "new/market-participants/", data={"id": "emt-9"})
    assert forged.status_code == 403
    assert "Formular" in forged.text
    other = {"id": "emt-9", "csrfmiddlewaretoken": "a" * 64}
    assert visitor("POST", "new/market-participants/", data=other).status_code == 403
    assert not MarketParticipant.objects.filter(pk="emt-9").exists()


def test_pages_may_load_nothing_but_their_own_style_sheets(visitor: Visitor) -> None:
    """The portal's policy on pages and refusals, no script, nothing kept."""
    for path in ("", "new/evaluation-profiles/", "consumers/nobody/"):
        answer = visitor("GET", path)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "<script" not in answer.text
        assert "style=" not in answer.text


def test_too_many_pages_are_refused_and_style_sheets_do_not_count(
    gateway: Gateway, db: None
) -> None:
    visitor = Visitor(head_end(gateway, per_minute=1))
    for _ in range(BURST):
        assert visitor("GET", "static/console.css").status_code == 200
    for _ in range(BURST):
        assert visitor("GET", "alarms/").status_code == 200
    late = visitor("GET", "alarms/")
    assert late.status_code == 429
    assert int(late.headers["Retry-After"]) > 0


def test_pages_speak_english_too(visitor: Visitor) -> None:
    visitor.language = "en"
    page = visitor.get("new/evaluation-profiles/")
    assert 'lang="en"' in page
    assert "Evaluation profiles" in page
    assert "Auswerteprofil" not in page


SERVICES = (
    "gwa_api/communication_profiles.py",
    "gwa_api/json_object.py",
    "gwa_api/proxy_profiles.py",
    "gwa_api/schemas.py",
    "gwa_api/tariff_schema.py",
    "meters/configuration.py",
    "meters/meter_changes.py",
    "meters/wireless_configuration.py",
    "tariffs/instant_check.py",
    "tariffs/lifecycle.py",
    "tariffs/profile_spec.py",
    "tariffs/send_schedule.py",
    "tariffs/switch_calendar.py",
    "tariffs/tariff_check.py",
)
REFUSING = {
    "Problem",
    "TariffProblem",
    "MeterInvalid",
    "ConsumerInvalid",
    "ScheduleInvalid",
    "refuse",
}


@pytest.mark.parametrize("file", SERVICES)
def test_every_sentence_of_the_services_has_its_german(file: str) -> None:
    """A new rule without plain words for the console fails here."""
    missing = [text for text in sentences_of(ROOT / file) if not is_known(text)]
    assert missing == [], "give them their German in gwa_api/console/german.py"


def sentences_of(path: Path) -> Iterator[str]:
    """What a service may refuse with; what changes in a sentence is a number."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and node.args:
            name = node.func.id if isinstance(node.func, ast.Name) else ""
            name = node.func.attr if isinstance(node.func, ast.Attribute) else name
            if name in REFUSING:
                yield from _text_of(node.args[-1])


def _text_of(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(
            str(part.value) if isinstance(part, ast.Constant) else "7"
            for part in node.values
        )
