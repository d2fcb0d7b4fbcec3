"""By the GWA: he checks and forwards, cannot read, and learns nobody's name."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from gwa_api import sender
from gwa_api.delivery_document import document_of
from gwa_api.models import SealedDelivery
from gwa_api.peers.emt import Emt
from gwa_api.peers.head_end import HeadEnd
from gwa_api.peers.https_server import Answer, Request
from hardware import cms
from hardware.cms_enveloped import without_content_info
from hardware.cms_error import CmsRefused
from hardware.gateway import Gateway
from logbooks.alarms import AlarmKind, open_alarms
from tariffs.models import OutboxRow, ProfileVersion
from tariffs.participants import create_participant
from tariffs.profile_spec import InputSpec
from tariffs.services import evaluate_due
from tests.gwa_api.wan_parties import Scripted, Wan
from tests.tariffs.builders import IMPORT, a_meter, a_profile, course, store, utc

T0 = utc("2026-02-27 23:00")
DAY = timedelta(days=1)
NOW = T0 + DAY + timedelta(minutes=1)
EMT = "emt-0001"
METERING_POINT = "DE" + "7" * 31

pytestmark = pytest.mark.django_db


@pytest.fixture
def wan(gateway: Gateway, tmp_path: Path) -> Wan:
    """A gateway that owes an EMT one day of values."""
    wan = Wan.around(gateway, tmp_path / "wan", T0)
    meter = a_meter(gateway)
    create_participant(EMT)
    a_profile(
        gateway,
        InputSpec(meter.id, IMPORT),
        taf=7,
        now=T0,
        recipients=(EMT,),
        metering_point=METERING_POINT,
    )
    store(gateway, meter, course(T0, T0 + DAY))
    evaluate_due(gateway, now=NOW)
    return wan


@pytest.fixture
def parties(wan: Wan) -> Iterator[tuple[HeadEnd, Emt, list[Request], list[Request]]]:
    """GWA and EMT, both listening, and what came to each."""
    head, _book = wan.head_end()
    emt = wan.emt(EMT)
    at_gwa, at_emt = Scripted([head.forward]), Scripted([emt.take])
    with (
        wan.listening(emt.keys, deliveries=at_emt.take) as emt_server,
        wan.listening(head.keys, deliveries=at_gwa.take) as gwa_server,
    ):
        wan.let_forward(head, emt, emt_server.port, EMT)
        wan.way(gwa_server.port)
        wan.way(1, EMT, route="via_gwa")
        yield head, emt, at_gwa.came, at_emt.came


Parties = tuple[HeadEnd, Emt, list[Request], list[Request]]


@pytest.mark.req("R59", "R62", "R63", "R35")
def test_the_recipient_gets_every_value_and_the_administrator_can_read_nothing(
    wan: Wan, parties: Parties
) -> None:
    """R35, R59, R62, R63: the same to the last digit; the GWA's keys open nothing."""
    head, emt, at_gwa, at_emt = parties
    assert sender.send_due(wan.gateway, now=NOW) == 2
    rows = OutboxRow.objects.select_related("profile").order_by("sequence")
    assert {row.state for row in rows} == {"acknowledged"}
    for row in rows:
        kept = emt.keys.state / "received" / f"{row.message_id}.json"
        assert kept.read_bytes() == document_of(wan.gateway, row).content
    assert all(one.headers["x-recipient"] == EMT for one in at_gwa)
    assert all("x-recipient" not in one.headers for one in at_emt)
    for request in at_emt:
        assert request.headers["content-type"].startswith("application/cms;")
        for kind in ("tls", "enc", "sig"):
            assert not opens(request.body, head.keys.key(kind))
        assert opens(request.body, emt.keys.key("enc"))


def opens(envelope: bytes, key: ec.EllipticCurvePrivateKey) -> bool:
    """Whether the key opens it, also when the envelope's addressee is ignored."""
    try:
        inside = without_content_info(envelope)
        cms.unseal(inside, key.public_key(), lambda at: key.exchange(ec.ECDH(), at))
    except (CmsRefused, ValueError):
        return False
    return True


@pytest.mark.req("R54", "R61", "R63")
@pytest.mark.parametrize("taf", [9, 10, 14])
def test_under_a_pseudonym_nothing_that_passes_names_the_source(
    wan: Wan, parties: Parties, taf: int
) -> None:
    """R54, R61, R63: headers, envelope, content, and all that GWA and EMT keep."""
    hide(taf)
    head, emt, at_gwa, at_emt = parties
    assert sender.send_due(wan.gateway, now=NOW) == 2
    names = named(wan)
    for request in (*at_gwa, *at_emt):
        assert not found(names, repr(request.headers).encode())
    for request in at_emt:
        assert not found(names, request.body)
    kept = [
        path
        for folder in (emt.keys.state, head.keys.state)
        for path in folder.rglob("*")
        if path.is_file() and "own" not in path.parts
    ]
    mine = [one for one in kept if one.parent.name not in {"clients", "signers"}]
    assert {"received", "csv", "receipts", "passed"} <= {
        one.parent.name for one in mine
    }
    for path in mine:
        assert not found(names, path.read_bytes() + path.name.encode()), path
    assert not found(names, "\n".join(wan.told).encode())
    content = next((emt.keys.state / "received").iterdir()).read_text()
    assert '"source":{"pseudonym":"Quitte-17"}' in content
    # The search finds what it looks for, where it is.
    assert found(names, document_with_names(wan))


def hide(taf: int) -> None:
    """Make the profile one whose values are sent under a pseudonym."""
    kept = ProfileVersion.objects.get()
    kept.document["taf"] = taf
    kept.save()
    for row in OutboxRow.objects.select_related("profile"):
        row.profile.pseudonym = "Quitte-17"
        row.profile.save()


def named(wan: Wan) -> list[bytes]:
    """Every name of the source, as text and as the bytes of its server id."""
    module = wan.gateway.security_module
    numbers = bytes.fromhex("01454d480000000001"), bytes.fromhex("0e454d4800008d5c1a")
    texts = (wan.gateway.huid, "1emh0000000001", "hks2", METERING_POINT, "profile")
    return [
        *(text.encode() for text in texts if text != "profile"),
        *(text.upper().encode() for text in texts if text != "profile"),
        *numbers,
        *(number.hex().encode() for number in numbers),
        bytes.fromhex(module.key_identifier("sig")),
        bytes.fromhex(module.key_identifier("tls")),
        module.key_identifier("sig").encode(),
    ]


def found(names: list[bytes], data: bytes) -> list[bytes]:
    return [name for name in names if name in data]


def document_with_names(wan: Wan) -> bytes:
    kept = ProfileVersion.objects.get()
    kept.document["taf"] = 7
    kept.save()
    return document_of(wan.gateway, OutboxRow.objects.all()[0]).content


@pytest.mark.req("R61")
def test_a_pseudonym_never_goes_over_the_direct_way(wan: Wan) -> None:
    """R61: the channel itself would name the gateway (wan.md 8)."""
    hide(9)
    receiver = Scripted([Answer(200)])
    with wan.listening(wan.party(EMT), deliveries=receiver.take) as server:
        wan.way(server.port, EMT)
        assert sender.send_due(wan.gateway, now=NOW) == 0
    assert receiver.came == []
    assert not SealedDelivery.objects.exists()
    assert OutboxRow.objects.order_by("sequence")[0].state == "failed"
    assert open_alarms().filter(kind=AlarmKind.DELIVERY_FAILED, subject=EMT).exists()


def test_the_recipients_refusal_comes_back_through_the_administrator(
    wan: Wan, parties: Parties
) -> None:
    _head, emt, _at_gwa, at_emt = parties
    (emt.keys.state / "signers" / "gateway.pem").unlink()
    assert sender.send_due(wan.gateway, now=NOW) == 0
    assert len(at_emt) == 2  # refused content does not hold the next one back
    rows = OutboxRow.objects.order_by("sequence")
    assert [(row.state, row.last_error) for row in rows] == [
        ("failed", "status 422")
    ] * 2
    assert not list((emt.keys.state / "received").iterdir())


@pytest.mark.parametrize("who", ["signature", "recipient", "reached"])
def test_what_the_administrator_cannot_forward_is_not_forwarded(
    wan: Wan, parties: Parties, who: str
) -> None:
    head, _emt, _at_gwa, at_emt = parties
    expected = {"signature": "status 422", "recipient": "status 404"}
    if who == "signature":
        (head.keys.state / "signers" / "gateway.pem").unlink()
    elif who == "recipient":
        (head.keys.state / "recipients.json").write_text("{}")
    else:
        path = head.keys.state / "recipients.json"
        path.write_text(path.read_text().replace('"port": ', '"port": 1, "was": '))
    assert sender.send_due(wan.gateway, now=NOW) == 0
    assert at_emt == []
    row = OutboxRow.objects.order_by("sequence")[0]
    assert row.last_error == expected.get(who, "status 503")


@pytest.mark.req("R64")
def test_a_changed_byte_is_refused_by_the_administrator_and_by_the_recipient(
    wan: Wan, parties: Parties
) -> None:
    """R64: at every 41st byte of the message and of the envelope."""
    head, emt, at_gwa, at_emt = parties
    sender.send_due(wan.gateway, now=NOW)
    for path in (emt.keys.state / "receipts").iterdir():
        path.unlink()
    sent, passed = at_gwa[1].body, at_emt[1].body
    for position in range(0, len(sent), 41):
        with pytest.raises(CmsRefused):
            cms.strip(flipped(sent, position), head.keys.signer)
    key = emt.keys.key("enc")
    assert opens(passed, key)
    for position in range(0, len(passed), 41):
        assert not opens(flipped(passed, position), key)


def flipped(data: bytes, position: int) -> bytes:
    changed = bytearray(data)
    changed[position] ^= 1
    return bytes(changed)
