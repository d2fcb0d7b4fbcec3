"""`apply`: one document configures the gateway, all of it or nothing."""

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from gwa_api.apply import apply
from gwa_api.json_object import DocumentInvalid, document_of
from hardware.gateway import Gateway
from logbooks.selectors import consumer_log, system_log
from meters.accounts import ha1
from meters.models import Account, Consumer, Meter
from tariffs.models import EvaluationProfile, MarketParticipant
from tests.tariffs.builders import utc

pytestmark = pytest.mark.django_db

NOW = utc("2026-02-10 09:07")

DOCUMENT: dict[str, Any] = {
    "consumers": [{"id": "meier", "password": "Geheim123", "auth": ["password"]}],
    "meters": [
        {
            "id": "1emh0010599732",
            "consumer": "meier",
            "medium": 1,
            "source": "sml_push",
            "port": "/dev/ttyUSB0",
            "baudrate": 9600,
            "server_id": "0a01454d480000a1bd34",
            "allow_unsecured_billing": True,
        }
    ],
    "participants": [{"id": "emt-1", "name": "Netz"}],
    "profiles": [
        {
            "id": "meier-taf7",
            "taf": 7,
            "consumer": "meier",
            "metering_point": "DE0000000000000000000000000000001",
            "inputs": [{"meter": "1emh0010599732", "obis": "1-0:1.8.0*255"}],
            "valid_from": "2026-01-01T00:00:00+01:00",
            "registration_period": "PT15M",
            "billing_period": {"unit": "month", "count": 1, "day": 1},
            "delivery": {"recipients": [{"participant": "emt-1"}]},
        }
    ],
}
SMALLEST: dict[str, Any] = {
    "consumers": [{"id": "meier"}],
    "meters": [
        {
            "id": "1EMH0010599732",
            "consumer": "meier",
            "source": "sml_push",
            "port": "/dev/ttyUSB0",
        }
    ],
    "profiles": [
        {
            "id": "p",
            "taf": 1,
            "inputs": [{"meter": "0a01454d480000a1bd34", "obis": "1.8.0"}],
        }
    ],
}


def changed(path: str, value: object) -> dict[str, Any]:
    """The document with one member set; `path` is a JSON pointer."""
    document = deepcopy(DOCUMENT)
    place: Any = document
    *parts, last = path.lstrip("/").split("/")
    for part in parts:
        place = place[int(part)] if isinstance(place, list) else place[part]
    place[int(last) if isinstance(place, list) else last] = value
    return document


def counts() -> list[int]:
    models = (Consumer, Account, Meter, MarketParticipant, EvaluationProfile)
    return [model.objects.count() for model in models]


def test_a_document_makes_consumers_meters_participants_and_profiles(
    gateway: Gateway,
) -> None:
    result = apply(gateway, DOCUMENT, now=NOW)
    assert result.created == {
        "consumers": ["meier"],
        "meters": ["1emh0010599732"],
        "participants": ["emt-1"],
        "profiles": ["meier-taf7"],
    }
    assert (result.unchanged, result.passwords, result.warnings) == ({}, {}, [])
    account = Account.objects.get(username="meier")
    assert account.check_password("Geheim123")
    assert len(ha1(gateway, account, "MD5")) == 32
    profile = EvaluationProfile.objects.get()
    assert (profile.valid_from, profile.state) == (NOW, "active")
    assert profile.metering_point == "DE0000000000000000000000000000001"
    assert [one.id for one in profile.recipients.all()] == ["emt-1"]
    ids = [line.event_id for line in consumer_log("meier")]
    assert ids[:2] == [4294946295, 20010]


def test_what_is_left_out_has_its_default(gateway: Gateway) -> None:
    result = apply(gateway, SMALLEST, now=NOW)
    meter = Meter.objects.get()
    assert (meter.id, meter.server_id) == ("1emh0010599732", "0a01454d480000a1bd34")
    assert (meter.medium, meter.baudrate, meter.name) == (1, 9600, "-")
    assert not meter.allow_unsecured_billing
    profile = EvaluationProfile.objects.get()
    assert (profile.consumer_id, profile.name, profile.supplier_id) == (
        "meier",
        "-",
        "-",
    )
    assert (profile.valid_from, profile.valid_to) == (NOW, None)
    assert profile.registration_period_s == 900
    assert (profile.billing_unit, profile.billing_count) == ("month", 1)
    assert "allow_unsecured_billing" in result.warnings[0]
    password = result.passwords["meier"]
    assert len(password) >= 12
    assert Account.objects.get().check_password(password)


@pytest.mark.parametrize("document", [DOCUMENT, SMALLEST], ids=["full", "smallest"])
def test_applying_again_changes_nothing(
    gateway: Gateway, document: dict[str, Any]
) -> None:
    first = apply(gateway, document, now=NOW)
    before, logged = counts(), len(consumer_log("meier"))
    again = apply(gateway, document, now=NOW + timedelta(days=3))
    assert again.created == {}
    assert again.unchanged == first.created
    assert again.passwords == {}
    assert (counts(), len(consumer_log("meier"))) == (before, logged)


def test_a_planned_begin_stays_equal_when_applied_again(gateway: Gateway) -> None:
    document = changed("/profiles/0/valid_from", "2026-03-01T00:00:00+01:00")
    apply(gateway, document, now=NOW)
    assert apply(gateway, document, now=NOW).created == {}
    for day in ("2026-02-01", "2026-04-01"):
        other = changed("/profiles/0/valid_from", f"{day}T00:00:00+01:00")
        with pytest.raises(DocumentInvalid, match="another valid_from"):
            apply(gateway, other, now=NOW)


@pytest.mark.parametrize(
    ("path", "value", "member"),
    [
        ("/consumers/0/name", "Meier", "name"),
        ("/consumers/0/password", "another", "password"),
        ("/meters/0/port", "/dev/ttyUSB1", "port"),
        ("/meters/0/baudrate", 2400, "baudrate"),
        ("/meters/0/medium", 7, "medium"),
        ("/meters/0/name", "Keller", "name"),
        ("/meters/0/server_id", "0a01454d480000a1bd35", "server_id"),
        ("/meters/0/registers", ["1.8.0"], "registers"),
        ("/meters/0/allow_unsecured_billing", False, "allow_unsecured_billing"),
        ("/participants/0/name", "Vertrieb", "name"),
        ("/profiles/0/taf", 1, "taf"),
        ("/profiles/0/name", "Strom", "name"),
        ("/profiles/0/metering_point", "-", "metering_point"),
        ("/profiles/0/supplier_id", "x", "supplier_id"),
        ("/profiles/0/registration_period", "PT1H", "registration_period"),
        ("/profiles/0/billing_period/unit", "week", "billing_period"),
        ("/profiles/0/inputs/0/obis", "2.8.0", "inputs"),
        ("/profiles/0/inputs/0/obis", "x", "inputs"),
        ("/profiles/0/delivery", {}, "delivery"),
        ("/profiles/0/valid_to", "2027-01-01T00:00:00Z", "valid_to"),
    ],
)
def test_what_exists_otherwise_is_refused(
    gateway: Gateway, path: str, value: object, member: str
) -> None:
    apply(gateway, DOCUMENT, now=NOW)
    before = counts()
    with pytest.raises(DocumentInvalid) as refusal:
        apply(gateway, changed(path, value), now=NOW)
    (problem,) = refusal.value.problems
    assert problem.pointer == "/".join(path.split("/")[:3])
    assert f"exists already with another {member};" in problem.message
    assert counts() == before


BAD = [
    ("/extra", 1),
    ("/consumers", {}),
    ("/consumers/0", "meier"),
    ("/consumers/0/id", None),
    ("/consumers/0/id", ""),
    ("/consumers/0/id", 7),
    ("/consumers/0/id", "mei er"),
    ("/consumers/0/id", "x" * 33),
    ("/consumers/0/mail", "x"),
    ("/consumers/0/password", ""),
    ("/consumers/0/password", 1),
    ("/consumers/0/auth", []),
    ("/consumers/0/auth", "password"),
    ("/consumers/0/auth", ["finger"]),
    ("/consumers/0/auth", ["certificate"]),
    ("/consumers/0/name", "x\u0000y"),
    ("/meters/0/id", "1emh001"),
    ("/meters/0/id", None),
    ("/meters/0/consumer", "nobody"),
    ("/meters/0/consumer", None),
    ("/meters/0/source", "carrier_pigeon"),
    ("/meters/0/source", None),
    ("/meters/0/port", None),
    ("/meters/0/port", "COM1"),
    ("/meters/0/baudrate", 9601),
    ("/meters/0/baudrate", "9600"),
    ("/meters/0/baudrate", True),
    ("/meters/0/medium", 99),
    ("/meters/0/server_id", "zz"),
    ("/meters/0/registers", ["x"]),
    ("/meters/0/registers", [1]),
    ("/meters/0/allow_unsecured_billing", "yes"),
    ("/meters/0/colour", "red"),
    ("/participants/0/id", "emt 1"),
    ("/participants/0/name", "x" * 65),
    ("/participants/0/key", "x"),
    ("/profiles/0/id", None),
    ("/profiles/0/id", "a.b"),
    ("/profiles/0/taf", None),
    ("/profiles/0/taf", "7"),
    ("/profiles/0/taf", 0),
    ("/profiles/0/taf", 8),
    ("/profiles/0/taf", 3),
    ("/profiles/0/consumer", "nobody"),
    ("/profiles/0/metering_point", "DE1"),
    ("/profiles/0/valid_from", "2026-01-01"),
    ("/profiles/0/valid_from", "2026-01-01T00:00:00"),
    ("/profiles/0/valid_from", 1767222000),
    ("/profiles/0/valid_to", "2026-01-01T00:00:00+01:00"),
    ("/profiles/0/inputs", None),
    ("/profiles/0/inputs", []),
    ("/profiles/0/inputs", "1.8.0"),
    ("/profiles/0/inputs/0", []),
    ("/profiles/0/inputs/0/meter", "1emh0000000001"),
    ("/profiles/0/inputs/0/meter", "x"),
    ("/profiles/0/inputs/0/obis", "x"),
    ("/profiles/0/inputs/0/obis", "16.7.0"),
    ("/profiles/0/inputs/0/sign", 0),
    ("/profiles/0/inputs/0/sign", 1.0),
    ("/profiles/0/inputs/0/phase", 1),
    ("/profiles/0/registration_period", "15M"),
    ("/profiles/0/registration_period", "PT"),
    ("/profiles/0/registration_period", "PT1M"),
    ("/profiles/0/registration_period", 900),
    ("/profiles/0/billing_period", "month"),
    ("/profiles/0/billing_period/unit", "year"),
    ("/profiles/0/billing_period/count", 0),
    ("/profiles/0/billing_period/count", 1.5),
    ("/profiles/0/billing_period/day", 31),
    ("/profiles/0/billing_period/hour", 6),
    ("/profiles/0/tariff", {"stages": []}),
    ("/profiles/0/pseudonym", "x"),
    ("/profiles/0/delivery", []),
    ("/profiles/0/delivery/schedule", "0 1 1 *"),
    ("/profiles/0/delivery/recipients/0/participant", "emt-2"),
    ("/profiles/0/delivery/recipients/0/route", "direct"),
    ("/profiles/0/triggers", []),
]


@pytest.mark.parametrize(("path", "value"), BAD)
def test_a_bad_document_changes_nothing_and_says_where(
    gateway: Gateway, path: str, value: object
) -> None:
    with pytest.raises(DocumentInvalid) as refusal:
        apply(gateway, changed(path, value), now=NOW)
    pointers = [problem.pointer for problem in refusal.value.problems]
    assert any(pointer.startswith(path) for pointer in pointers), refusal.value
    assert counts() == [0, 0, 0, 0, 0]
    assert consumer_log("meier") == []


def test_all_problems_of_form_are_said_at_once(gateway: Gateway) -> None:
    document = changed("/meters/0/baudrate", "fast")
    document["profiles"][0]["a/b~"] = 1
    document["consumers"].append({})
    with pytest.raises(DocumentInvalid) as refusal:
        apply(gateway, document, now=NOW)
    pointers = [problem.pointer for problem in refusal.value.problems]
    assert pointers == ["/consumers/1/id", "/meters/0/baudrate", "/profiles/0/a~1b~0"]


@pytest.mark.req("R38")
def test_a_refused_profile_is_fault_600104(gateway: Gateway) -> None:
    """R38: a use case that is not supported is refused at load, clearly."""
    with pytest.raises(DocumentInvalid, match="TAF3 is not supported"):
        apply(gateway, changed("/profiles/0/taf", 3), now=NOW)
    assert [line.event_id for line in system_log()] == [600104]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "7", '{"meters": [], "meters": []}', "[" * 100_000, '{"a": NaN'],
)
def test_what_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(DocumentInvalid):
        document_of(text)


@pytest.fixture
def run(
    gateway: Gateway, settings: Any, tmp_path: Path
) -> Callable[..., tuple[str, str]]:
    """Runs the command on the state folder of the gateway; its two outputs."""
    settings.STATE, settings.HUID = gateway.state, ""

    def command(document: object) -> tuple[str, str]:
        file = tmp_path / "document.json"
        file.write_text(json.dumps(document), encoding="utf-8")
        out, err = StringIO(), StringIO()
        call_command("apply", str(file), stdout=out, stderr=err)
        return out.getvalue(), err.getvalue()

    return command


def test_the_command_prints_a_new_password_once(
    run: Callable[..., tuple[str, str]],
) -> None:
    out, err = run(SMALLEST)
    assert "created: meters 1emh0010599732\n" in out
    assert "TAF1, TAF2 and TAF7 leave its values out" in err
    password = out.split("password of meier, shown only now: ")[1].strip()
    assert Account.objects.get().check_password(password)
    out, err = run(SMALLEST)
    assert "password" not in out
    assert "unchanged: profiles p\n" in out


def test_the_command_fails_with_the_pointers(
    run: Callable[..., tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CommandError, match=r"nothing was changed\n/extra: unknown"):
        run({"extra": 1})
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("apply", "/does/not/exist.json")
    monkeypatch.setattr("sys.stdin", StringIO("[]"))
    with pytest.raises(CommandError, match="must be a JSON object"):
        call_command("apply", "-")
