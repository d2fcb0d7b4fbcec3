"""The REST service below /smgw/con/v1/: resources, exports, actions, limits."""

import json
import subprocess
from base64 import b64decode
from datetime import timedelta
from pathlib import Path
from shutil import which
from typing import Any

import pytest
import time_machine
from django.http import HttpResponse
from django.test import Client

from hardware.cms_error import CmsRefused
from hardware.cms_signed import open_signed
from hardware.gateway import Gateway
from logbooks.certificates import public_key, signature_certificate
from meters.models import Consumer
from portal import con_documents
from portal.con_query import DETACHED
from tests.portal.certificates import issued_der, showing
from tests.portal.conftest import NOW
from tests.portal.digest_client import answer_to, challenge_of, parameters
from tests.portal.installation import IMPORT, PASSWORDS

CON = "/smgw/con/v1"
HUID = "eemh0009264154"
METER, FOREIGN = "1emh0000000001", "1emh0000000003"
READINGS = f"{CON}/rts/readings/{METER}"
EXPORT = f"{CON}/exp/readings/{METER}"
FROM, TO = "2026-06-22T12:00:00Z", "2026-06-22T12:45:00Z"
RANGE = f"q.fromtime={FROM}&q.totime={TO}"
SELF_TEST = f"{CON}/fas/selftest"


def ask(
    client: Client, path: str, user: str = "hks2", *, post: bool = False, **more: Any
) -> HttpResponse:
    """One request with a digest login by SHA-256."""
    method = "POST" if post else "GET"
    challenge = challenge_of(client, path.partition("?")[0])
    header = answer_to(challenge, user, PASSWORDS[user], path, method=method)
    headers = {"Authorization": header, **more.pop("headers", {})}
    if post:
        more = {"data": b"", "content_type": "application/json"} | more
    call = client.post if post else client.get
    return call(path, headers=headers, RAW_URI=path, **more)


def document(client: Client, path: str, status: int = 200, user: str = "hks2") -> Any:
    answer = ask(client, path, user)
    assert answer.status_code == status, answer.getvalue()
    assert answer["Content-Type"] == "application/json; charset=utf-8"
    assert answer["Cache-Control"] == "no-store"
    return json.loads(answer.getvalue())


def times(records: list[dict[str, Any]]) -> list[str]:
    return [record["timestamp"][11:16] for record in records]


def test_every_prefix_lists_what_stands_below_it(browser: Client) -> None:
    """From GET /smgw/ a program finds every resource by following the names."""
    found, new = set(), ["/smgw/"]
    while new:
        path = new.pop()
        found.add(path)
        if path.endswith("/") and path != f"{CON}/rts/log/":
            new += [path + name for name in document(browser, path)]
    assert f"{CON}/rts/device/{HUID}" in found
    assert SELF_TEST not in found or found.discard(SELF_TEST) is None
    for path in found:
        assert document(browser, path) is not None
    assert {EXPORT, READINGS, f"{CON}/exp/contracts/hks2-taf7"} <= found
    assert FOREIGN not in str(found)


def test_resources_give_what_json_gives(browser: Client) -> None:
    assert document(browser, f"{CON}/rts/device/{HUID}")["huid"] == HUID
    latest = document(browser, f"{CON}/rts/meters/{METER}")
    assert (latest["id"], latest["medium"], len(latest["values"])) == (METER, 1, 4)
    contract = document(browser, f"{CON}/rts/contracts/hks2-taf7")
    assert contract["taf_type"] == "TAF-7"
    assert document(browser, f"{CON}/rts/contracts/?q.type=TAF-1") == ["hks2-taf1"]


def test_the_begin_is_inclusive_and_the_end_is_not(browser: Client) -> None:
    records = document(browser, f"{READINGS}?{RANGE}")
    assert times(records) == ["14:00", "14:15", "14:30"]
    assert records[0]["signed_text"].startswith(f"casa-record-v1 {HUID} {METER} ")


def test_a_list_that_was_cut_says_so(browser: Client) -> None:
    """206 when there is more; q.count=0 is no limit."""
    assert len(document(browser, f"{READINGS}?q.count=2", 206)) == 2
    everything = document(browser, f"{READINGS}?q.count=0")
    assert len(everything) > 10
    assert document(browser, f"{READINGS}?q.count={len(everything)}") == everything


def test_one_register_can_be_asked_for(browser: Client) -> None:
    for obis in ("1-0:1.8.0", "1-0:1.8.0*255"):
        for record in document(browser, f"{READINGS}?{RANGE}&q.obis={obis}"):
            (value,) = record["values"]
            assert value["logical_name"] == f"{IMPORT}.{METER}.sm"
    assert document(browser, f"{READINGS}?q.obis=1-0:9.9.9") == []
    latest = document(browser, f"{CON}/rts/meters/{METER}?q.obis=1-0:16.7.0")
    assert [value["value"] for value in latest["values"]] == ["4484"]


def test_the_log_is_filtered_by_level_and_event(browser: Client) -> None:
    everything = document(browser, f"{CON}/rts/log/?q.count=0")
    assert times(everything) == sorted(times(everything))
    fatal = document(browser, f"{CON}/rts/log/?q.level=F")
    assert {entry["level"] for entry in fatal} == {"FATAL"}
    assert document(browser, f"{CON}/rts/log/?q.type=15001") == fatal
    assert document(browser, f"{CON}/rts/log/?q.totime=2020-01-01T00:00:00Z") == []


def test_an_export_has_an_envelope(browser: Client) -> None:
    export = document(browser, f"{EXPORT}?{RANGE}&q.count=2")
    assert (export["format"], export["type"]) == ("casa-export-v1", "readings")
    assert (export["huid"], export["id"]) == (HUID, METER)
    assert times(export["data"]) == ["14:00", "14:15"]
    contract = document(browser, f"{CON}/exp/contracts/hks2-taf7?{RANGE}")
    assert times(contract["data"]) == ["14:00", "14:15", "14:30"]
    log = document(browser, f"{CON}/exp/log/consumer?q.level=F")
    assert [entry["event_id"] for entry in log["data"]] == [15001]


@pytest.mark.parametrize(
    "path", ["readings/1emh0000000001", "contracts/hks2-taf7", "log/consumer"]
)
def test_an_export_can_be_signed_as_a_whole(browser: Client, path: str) -> None:
    """The detached CMS signature covers the bytes of `content`."""
    plain = ask(browser, f"{CON}/exp/{path}").getvalue()
    signed = document(browser, f"{CON}/exp/{path}?q.signed={DETACHED}")
    content, signature = (b64decode(signed[n]) for n in ("content", "signature"))
    assert json.loads(content)["format"] == "casa-export-v1"
    assert path.startswith("log") or content == plain
    certificate = signature_certificate()
    assert signed["certificate"].startswith("-----BEGIN CERTIFICATE-----")
    found = open_signed(signature, lambda ski: public_key(certificate), content=content)
    assert found.signer_ski == certificate.ski
    with pytest.raises(CmsRefused):
        open_signed(signature, lambda ski: public_key(certificate), content=b"{}")


@pytest.mark.skipif(which("openssl") is None, reason="openssl is not installed")
def test_openssl_verifies_a_signed_export(browser: Client, tmp_path: Path) -> None:
    """As docs/con-rest.md says; a changed byte is found."""
    signed = document(browser, f"{EXPORT}?{RANGE}&q.signed={DETACHED}")
    data, signature, pem = (tmp_path / n for n in ("d.json", "d.p7s", "cert.pem"))
    data.write_bytes(b64decode(signed["content"]))
    signature.write_bytes(b64decode(signed["signature"]))
    pem.write_text(signed["certificate"])
    command: list[str | Path] = [
        "openssl",
        "cms",
        "-verify",
        "-binary",
        "-inform",
        "DER",
        "-noverify",
    ]
    command += ["-in", signature, "-content", data, "-certfile", pem]
    command += ["-out", tmp_path / "out"]
    assert subprocess.run(command, capture_output=True).returncode == 0
    data.write_bytes(data.read_bytes().replace(b"14:15", b"14:16"))
    assert subprocess.run(command, capture_output=True).returncode != 0


def test_a_signed_export_that_is_too_long_is_refused(
    browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(con_documents, "MOST_SIGNED", 2)
    problem = document(browser, f"{EXPORT}?q.signed={DETACHED}", 413)
    assert "q.fromtime" in problem["detail"]
    assert len(document(browser, f"{EXPORT}?{RANGE}")["data"]) == 3


@pytest.mark.parametrize(
    "query",
    [
        "q.fromtime=yesterday",
        "q.fromtime=2026-06-22T12:00:00",
        "q.fromtime=0001-01-01T00:00:00Z",
        "q.fromtime=9999-12-31T23:59:59-14:00",
        f"q.fromtime={TO}&q.totime={FROM}",
        "q.count=-1",
        "q.count=1e3",
        "q.count=9999999999",
        "q.count=1&q.count=2",
        "q.obis=1.8.0",
        "q.obis=1-0:1.8.300",
        "q.level=I",
        "q.signed=yes",
        "from=1",
        "q.obis=" + "1" * 256,
        "q." + "x" * 60 + "=1",
    ],
)
def test_a_query_that_is_not_understood_is_an_error(
    browser: Client, query: str
) -> None:
    problem = document(browser, f"{READINGS}?{query}", 400)
    assert problem["status"] == 400
    assert problem["detail"]


@pytest.mark.req("R93")
@pytest.mark.parametrize(
    "path",
    [
        f"{CON}/rts/meters/{FOREIGN}",
        f"{CON}/rts/readings/{FOREIGN}",
        f"{CON}/exp/readings/{FOREIGN}",
        f"{CON}/rts/contracts/nb-taf7",
        f"{CON}/exp/contracts/nb-taf7",
        f"{CON}/exp/log/nachbar",
    ],
)
def test_what_is_somebody_elses_does_not_exist(browser: Client, path: str) -> None:
    """R93: the same answer, byte for byte, as for what nobody has."""
    none = path.replace(FOREIGN, "1emh9999999999").replace("nb-taf7", "nb-taf8")
    foreign, missing = ask(browser, path), ask(browser, none.replace("nachbar", "no"))
    assert foreign.status_code == missing.status_code == 404
    assert foreign.content == missing.content


@pytest.mark.req("R97")
def test_only_digest_by_sha256_logs_in(browser: Client, han: Gateway) -> None:
    """R97, D26: one challenge, SHA-256; an answer by MD5 is none."""
    challenge = challenge_of(browser, READINGS)
    assert challenge["algorithm"] == "SHA-256"
    md5 = challenge | {"algorithm": "MD5"}
    header = answer_to(md5, "hks2", PASSWORDS["hks2"], READINGS)
    answer = browser.get(READINGS, headers={"Authorization": header})
    assert answer.status_code == 401
    assert parameters(answer["WWW-Authenticate"])["algorithm"] == "SHA-256"
    assert json.loads(answer.content)["status"] == 401


def test_json_goes_on_speaking_md5_and_takes_nothing_else(browser: Client) -> None:
    path = "/json/metering/origin"
    challenge = challenge_of(browser, path)
    assert challenge["algorithm"] == "MD5"
    sha = challenge | {"algorithm": "SHA-256"}
    header = answer_to(sha, "hks2", PASSWORDS["hks2"], path)
    assert browser.get(path, headers={"Authorization": header}).status_code == 401


@pytest.mark.req("R100")
def test_who_may_use_no_password_cannot_use_digest_here_either(
    browser: Client,
) -> None:
    """R100."""
    Consumer.objects.filter(pk="hks2").update(password_login=False)
    assert ask(browser, READINGS).status_code == 401


def test_the_cookie_of_the_portal_counts_not(browser: Client) -> None:
    login = {"username": "hks2", "password": PASSWORDS["hks2"]}
    assert browser.post("/anmelden/", login).status_code == 303
    assert browser.get(READINGS).status_code == 401


@pytest.mark.req("R99")
def test_a_client_certificate_logs_in(han: Gateway) -> None:
    """R99."""
    program = showing(han, issued_der(han, "hks2", now=NOW))
    assert program.get(f"{CON}/rts/meters/").json() == [METER, "1emh0000000002"]


@pytest.mark.req("R104")
def test_the_lock_holds_here_too(browser: Client) -> None:
    """R104: failures of every way add up; 401 with Retry-After, never a page."""
    for _ in range(5):
        header = answer_to(challenge_of(browser, READINGS), "hks2", "x", READINGS)
        browser.get(READINGS, headers={"Authorization": header}, RAW_URI=READINGS)
    answer = ask(browser, READINGS)
    assert (answer.status_code, answer["Retry-After"]) == (401, "300")
    assert json.loads(answer.content)["status"] == 401


@pytest.mark.req("R129")
def test_a_self_test_is_triggered_once_in_24_hours(browser: Client) -> None:
    """R129: 202, then 409 with the manual's sentence and how long to wait."""
    assert ask(browser, SELF_TEST, post=True).status_code == 202
    with time_machine.travel(NOW + timedelta(hours=23), tick=False):
        refused = ask(browser, SELF_TEST, post=True)
    assert (refused.status_code, refused["Retry-After"]) == (409, "3601")
    assert "2026-06-23 um 15:07:52 Uhr" in json.loads(refused.content)["detail"]


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"headers": {"Origin": "https://evil.example"}}, 403),
        ({"headers": {"Transfer-Encoding": "chunked"}}, 411),
        ({"data": b" " * 1025, "content_type": "application/json"}, 413),
        ({"data": b"x=1", "content_type": "text/plain"}, 415),
        ({"data": b'{"x": 1}', "content_type": "application/json"}, 422),
        ({"data": b"{}", "content_type": "application/json"}, 202),
    ],
)
def test_an_action_takes_nothing_and_no_web_page_can_send_it(
    browser: Client, more: dict[str, Any], status: int
) -> None:
    assert ask(browser, SELF_TEST, post=True, **more).status_code == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-Long": "x" * 251}, 431),
        ({f"X-Many-{n}": "x" * 250 for n in range(40)}, 431),
        ({"Accept": "text/html"}, 406),
        ({"Accept": "text/html, application/json;q=0.5"}, 200),
        ({"Accept": "*/*"}, 200),
        ({"Accept": ""}, 200),
    ],
)
def test_headers_have_limits_and_json_is_what_there_is(
    browser: Client, headers: dict[str, str], status: int
) -> None:
    assert ask(browser, f"{CON}/rts/", headers=headers).status_code == status


def test_an_address_has_a_limit(browser: Client) -> None:
    assert browser.get(f"{CON}/{'x' * 2000}").status_code == 414


@pytest.mark.req("R94")
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
@pytest.mark.parametrize("path", [f"{CON}/rts/", READINGS, EXPORT, SELF_TEST])
def test_other_methods_are_refused(han: Gateway, path: str, method: str) -> None:
    """R94: nothing can be changed; the self-test alone is triggered by POST."""
    program = showing(han, issued_der(han, "hks2", now=NOW))
    if (path, method) == (SELF_TEST, "post"):
        path, method = SELF_TEST, "get"
    answer = getattr(program, method)(path)
    assert answer.status_code == 405
    assert answer["Allow"] == ("POST" if path == SELF_TEST else "GET, HEAD")


def test_no_path_here_is_redirected(browser: Client) -> None:
    """A digest names the path that was asked for; entities have no final slash."""
    for path in (f"{READINGS}/", f"{CON}/rts"):
        assert browser.get(path).status_code in (401, 404)
