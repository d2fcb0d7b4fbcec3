"""A renewal over the API to its end: the gateway talks with its new keys alone.

The administrator's and a recipient's programs listen on loopback with real TLS; whom
they trust says which of the gateway's keys they have seen.
"""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from gwa_api import sender
from gwa_api.peers.emt import Emt
from gwa_api.peers.https_server import Answer
from gwa_api.peers.peer_keys import PeerKeys, certificate_in
from gwa_api.rest.declaration import PREFIX
from hardware.gateway import Gateway
from hardware.security_module import key_identifier
from logbooks.certificate_store import Holder, Kind
from logbooks.models import Certificate
from tariffs.models import OutboxRow
from tariffs.participants import create_participant
from tariffs.profile_spec import InputSpec
from tariffs.services import evaluate_due
from tests.gwa_api.head_end import HeadEnd
from tests.gwa_api.wan_parties import GWA, Scripted, Wan, own
from tests.tariffs.builders import IMPORT, a_meter, a_profile, course, store, utc

T0 = utc("2026-02-27 23:00")
DAY = timedelta(days=1)
NOW = T0 + DAY + timedelta(minutes=1)
EMT = "emt-0001"

pytestmark = pytest.mark.django_db


@pytest.fixture
def wan(gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wan:
    """A gateway with certificates that owes an EMT a day of values for billing."""
    monkeypatch.setattr(type(gateway.clock), "now", lambda _self: NOW)
    wan = Wan.around(gateway, tmp_path / "wan", T0)
    meter = a_meter(gateway)
    create_participant(EMT)
    a_profile(
        gateway,
        InputSpec(meter.id, IMPORT),
        taf=7,
        now=T0,
        recipients=(EMT,),
        metering_point="DE" + "1" * 31,
    )
    store(gateway, meter, course(T0, T0 + DAY))
    evaluate_due(gateway, now=NOW)
    return wan


@pytest.fixture
def keys(wan: Wan) -> PeerKeys:
    """The administrator's keys, and whom he trusts."""
    return wan.party(GWA, Holder.GWA)


@pytest.fixture
def api(wan: Wan, keys: PeerKeys) -> HeadEnd:
    """The administrator at the gateway's interface."""
    certificate = certificate_in(keys.state / "own" / "tls.pem")
    return HeadEnd(wan.gateway, certificate.public_bytes(Encoding.DER), wan.lab)


def installed(api: HeadEnd) -> dict[str, x509.Certificate]:
    """New keys and their certificates, as the administrator has them issued."""
    requests = api("POST", "/keys/requests")
    assert requests.status_code == 201, requests.text
    made = {}
    for kind, request in requests.json().items():
        pem = api.lab.issued(request, f"{api.gateway.huid}.smgw", kind)
        body = {"holder": "SMGW", "certificate": pem.decode()}
        answer = api("POST", "/certificates", json=body)
        assert answer.json()["state"] == "pending", answer.text
        made[kind] = x509.load_pem_x509_certificate(pem)
    return made


def trust_only(keys: PeerKeys, tls: x509.Certificate, *sig: x509.Certificate) -> None:
    """A partner knows the gateway by these, and by none from before."""
    for kind in ("clients", "signers"):
        for path in (keys.state / kind).glob("*.pem"):
            path.unlink()
    keys.trust_client("gateway-tls", tls)
    for number, one in enumerate(sig):
        keys.trust_signer(f"gateway-{number}", one)


def ski_of(certificate: x509.Certificate) -> str:
    key = certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return key_identifier(key)


def activated(wan: Wan, keys: PeerKeys, api: HeadEnd) -> dict[str, x509.Certificate]:
    """The renewal to its end, with an administrator who knows the new certificate."""
    made = installed(api)
    with wan.listening(keys, alarms=Scripted([Answer(200)]).take) as server:
        wan.way(server.port)
        assert api("POST", "/keys/activate").status_code == 409  # he does not know it
        keys.trust_client("gateway-new", made["tls"])
        answer = api("POST", "/keys/activate")
    assert answer.status_code == 202, answer.text
    operation = api.get(answer.headers["Location"].removeprefix(PREFIX))
    assert operation["state"] == "succeeded"
    return made


@pytest.mark.req("R69", "R64", "R35")
def test_after_an_activation_the_gateway_talks_with_its_new_keys_alone(
    wan: Wan, keys: PeerKeys, api: HeadEnd
) -> None:
    """R69: channel and signatures; R35, R64: what was signed before still verifies."""
    before = {kind: own(Kind(kind.upper())) for kind in ("tls", "enc", "sig")}
    emt = wan.emt(EMT)
    made = activated(wan, keys, api)
    for kind, certificate in made.items():
        assert own(Kind(kind.upper())) == certificate != before[kind]
    trust_only(emt.keys, made["tls"], made["sig"], before["sig"])
    with wan.listening(emt.keys, deliveries=emt.take) as server:
        wan.way(server.port, EMT)
        assert sender.send_due(wan.gateway, now=NOW) == 2
    assert set(OutboxRow.objects.values_list("state", flat=True)) == {"acknowledged"}
    signed = {record["ski"] for one in documents(emt) for record in one["records"]}
    assert signed == {ski_of(before["sig"])}  # these values are from before
    assert wan.gateway.security_module.key_identifier("sig") == ski_of(made["sig"])


@pytest.mark.req("R69", "R159")
def test_the_old_keys_open_no_channel_and_sign_nothing_any_more(
    wan: Wan, keys: PeerKeys, api: HeadEnd
) -> None:
    """R69, R159: who knows only the old certificates gets nothing, not one byte."""
    before = {kind: own(Kind(kind.upper())) for kind in ("tls", "sig")}
    emt = wan.emt(EMT)
    made = activated(wan, keys, api)
    receiver = Scripted([Answer(200)])
    trust_only(emt.keys, before["tls"], before["sig"])
    with wan.listening(emt.keys, deliveries=receiver.take) as server:
        wan.way(server.port, EMT)
        assert sender.send_due(wan.gateway, now=NOW) == 0
    assert receiver.came == []
    later = NOW + timedelta(hours=7)
    trust_only(emt.keys, made["tls"], before["sig"])
    with wan.listening(emt.keys, deliveries=emt.take) as server:
        wan.way(server.port, EMT)
        assert sender.send_due(wan.gateway, now=later) == 0
    assert documents(emt) == []  # the outer signature is that of the new key
    ended = Certificate.objects.filter(holder=Holder.SMGW).exclude(state="active")
    assert ended.filter(ski=ski_of(before["tls"])).exists()


def documents(emt: Emt) -> list[dict[str, Any]]:
    paths = sorted((emt.keys.state / "received").glob("*.json"))
    return [json.loads(path.read_text()) for path in paths]
