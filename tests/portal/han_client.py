"""Reading the HAN JSON interface in tests: its paths, and a client with digest."""

import json
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.test import Client

from tariffs.calendar import BERLIN, last_on_grid
from tests.portal.conftest import NOW
from tests.portal.digest_client import answer_to, challenge_of
from tests.portal.installation import PASSWORDS

HUID = "eemh0009264154"
METER = "1emh0000000001"
TAF1, TAF7 = (f"hks2-taf{n}.{HUID}.sm" for n in (1, 7))
LAST = last_on_grid(NOW)
RECORD = f"/json/metering/origin/{METER}/record/{LAST:%Y-%m-%dT%H:%M:%SZ}"
PATHS = [
    "/json/systeminformations",
    "/json/metering/origin",
    f"/json/metering/origin/{METER}",
    f"/json/metering/origin/{METER}/0",
    f"/json/metering/origin/{METER}/1",
    f"/json/metering/origin/{METER}/24",
    f"/json/metering/origin/{METER}/extended",
    RECORD,
    "/json/metering/derived",
    *(
        f"/json/metering/derived/{contract}{end}"
        for contract in (TAF1, TAF7)
        for end in (
            "",
            "/billingperiods",
            "/billingperiods/0",
            "/billingperiods/1",
            "/daily",
        )
    ),
    "/json/conlogbook/0",
    "/json/conlogbook/17",
    "/json/certificate/signature",
    "/json/realtimedata",
]
MISSING = [
    "/json/",
    "/json/nothing",
    "/json/metering",
    "/json/metering/origin/1emh9999999999",
    "/json/metering/origin/unreadable/0",
    f"/json/metering/origin/{METER}/-1",
    f"/json/metering/origin/{METER}/x",
    f"/json/metering/origin/{METER}/record/2026-06-22T13:01:00Z",
    f"/json/metering/origin/{METER}/record/yesterday",
    f"/json/metering/derived/none.{HUID}.sm",
    "/json/metering/derived/hks2-taf7",
    f"/json/metering/derived/hks2%00.{HUID}.sm",
    "/json/metering/origin/1emh%00",
    f"/json/metering/derived/{TAF7}/billingperiods/99",
    "/json/conlogbook",
]


def fetch(client: Client, path: str, user: str = "hks2") -> HttpResponse:
    """GET with a digest login."""
    header = answer_to(challenge_of(client, path), user, PASSWORDS[user], path)
    return client.get(path, headers={"Authorization": header}, RAW_URI=path)


def document(client: Client, path: str, user: str = "hks2") -> Any:
    answer = fetch(client, path, user)
    assert answer.status_code == 200, path
    assert answer["Content-Type"] == "application/json; charset=utf-8"
    assert answer["Cache-Control"] == "no-store"
    return json.loads(body(answer))


def body(answer: HttpResponse) -> bytes:
    return answer.getvalue()  # type: ignore[no-any-return]


def local(instant: datetime) -> str:
    return instant.astimezone(BERLIN).isoformat(timespec="seconds")
