"""How a document says that a wired meter is secured: the key goes in, never out."""

from copy import deepcopy
from typing import Any

import pytest

from gwa_api.apply import apply
from gwa_api.json_object import DocumentInvalid
from gwa_api.schemas import configuration
from hardware.gateway import Gateway
from meters.models import Meter, MeterKey
from tests.tariffs.builders import utc

pytestmark = pytest.mark.django_db
NOW = utc("2026-02-10 09:07")
KEY = "000102030405060708090a0b0c0d0e0f"
DOCUMENT: dict[str, Any] = {
    "consumers": [{"id": "meier", "password": "Geheim123"}],
    "meters": [
        {
            "id": "1emh0010599732",
            "consumer": "meier",
            "source": "hdlc",
            "port": "/dev/ttyUSB0",
            "master_key": KEY.upper(),
        }
    ],
}


def with_meter(**members: Any) -> dict[str, Any]:
    document = deepcopy(DOCUMENT)
    document["meters"][0].update(members)
    return document


def pointers(gateway: Gateway, document: dict[str, Any]) -> list[str]:
    with pytest.raises(DocumentInvalid) as refused:
        apply(gateway, document, now=NOW)
    assert KEY not in str(refused.value).lower()
    return [problem.pointer for problem in refused.value.problems]


def test_a_meter_with_a_key_is_secured(gateway: Gateway) -> None:
    apply(gateway, DOCUMENT, now=NOW)
    assert Meter.objects.get().security == "tls"
    assert MeterKey.objects.count() == 1


def test_applying_again_changes_nothing_with_or_without_the_key(
    gateway: Gateway,
) -> None:
    apply(gateway, DOCUMENT, now=NOW)
    for again in (DOCUMENT, with_meter(master_key=KEY, security="tls")):
        result = apply(gateway, again, now=NOW)
        assert result.unchanged["meters"] == ["1emh0010599732"]
    without = deepcopy(DOCUMENT)
    del without["meters"][0]["master_key"]
    assert apply(gateway, without, now=NOW).created == {}


@pytest.mark.parametrize(
    "members", [{"master_key": KEY[::-1]}, {"master_key": "ä"}, {"security": "plain"}]
)
def test_another_key_or_security_differs(
    gateway: Gateway, members: dict[str, str]
) -> None:
    apply(gateway, DOCUMENT, now=NOW)
    assert pointers(gateway, with_meter(**members)) == ["/meters/0"]


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"master_key": "00"}, "/meters/0/master_key"),
        ({"master_key": 7}, "/meters/0/master_key"),
        ({"security": "ssl"}, "/meters/0/security"),
        ({"security": "plain"}, "/meters/0/master_key"),
    ],
)
def test_a_security_that_cannot_be_is_refused(
    gateway: Gateway, members: dict[str, Any], pointer: str
) -> None:
    assert pointers(gateway, with_meter(**members)) == [pointer]


def test_a_wired_meter_without_a_key_has_to_be_called_plain(gateway: Gateway) -> None:
    document = deepcopy(DOCUMENT)
    del document["meters"][0]["master_key"]
    assert pointers(gateway, document) == ["/meters/0/master_key"]
    document["meters"][0]["security"] = "plain"
    result = apply(gateway, document, now=NOW)
    assert "allow_unsecured_billing" in result.warnings[0]
    assert MeterKey.objects.count() == 0


def test_the_key_does_not_show_in_texts() -> None:
    assert KEY not in repr(configuration(DOCUMENT)).lower()
