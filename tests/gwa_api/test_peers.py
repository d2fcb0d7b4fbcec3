"""What the partners refuse, and that limits hold; the gateway's own client asks."""

import base64
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from gwa_api.partners import peer_of
from gwa_api.peers.delivery_check import DocumentRefused, checked_document
from gwa_api.peers.emt import Emt
from gwa_api.peers.https_server import (
    LARGEST_BODY,
    Answer,
    PeerServer,
    Request,
)
from gwa_api.peers.peer_keys import PeerKeys
from gwa_api.wan_client import ConnectionFailed, WanClient
from hardware import cms
from hardware.certificate_path import Purpose
from hardware.gateway import Gateway
from hardware.pki import issue
from hardware.security_module import key_identifier
from logbooks.certificate_store import Kind
from tariffs.participants import create_participant
from tests.gwa_api.wan_parties import Wan, own
from tests.tariffs.builders import utc

NOW = utc("2026-02-27 23:00")
EMT = "emt-0001"
TYPE = 'application/cms+json; encapsulatingContent="signedData , authEnvelopedData"'

pytestmark = pytest.mark.django_db


@pytest.fixture
def wan(gateway: Gateway, tmp_path: Path) -> Wan:
    """A gateway with certificates of the PKI."""
    return Wan.around(gateway, tmp_path / "wan", NOW)


@pytest.fixture
def served(wan: Wan) -> Iterator[tuple[Emt, PeerServer, WanClient]]:
    """A recipient, and a client that it lets in."""
    create_participant(EMT)
    emt = wan.emt(EMT)
    with wan.listening(emt.keys, deliveries=emt.take) as server:
        way = wan.way(server.port, EMT)
        client = WanClient(peer_of(wan.gateway, way, now=NOW))
        yield emt, server, client
        client.close()


Served = tuple[Emt, PeerServer, WanClient]


def headers_for(body: bytes, **changed: str) -> dict[str, str]:
    digest = base64.b64encode(sha256(body).digest()).decode()
    fields = {
        "Content-Type": TYPE,
        "Idempotency-Key": str(uuid4()),
        "X-Correlation-Id": str(uuid4()),
        "Repr-Digest": f"sha-256=:{digest}:",
    }
    return {**fields, **{k.replace("_", "-"): v for k, v in changed.items()}}


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"Repr_Digest": "sha-256=:AAAA:"}, 400),
        ({"Repr_Digest": ""}, 400),
        ({"Idempotency_Key": "1"}, 400),
        ({"Idempotency_Key": "6ba7b810-9dad-11d1-80b4-00c04fd430c8"}, 400),
        ({"X_Correlation_Id": "x"}, 400),
        ({"Content_Type": "application/json"}, 415),
        ({"Content_Encoding": "gzip"}, 415),
        ({}, 422),
    ],
)
def test_what_is_no_delivery_is_refused_and_nothing_is_stored(
    served: Served, changed: dict[str, str], status: int
) -> None:
    emt, _server, client = served
    answer = client.post("/deliveries", b"x", headers_for(b"x", **changed))
    assert answer.status == status
    assert json.loads(answer.body)["status"] == status
    assert not list((emt.keys.state / "received").iterdir())


def test_other_paths_other_methods_and_large_bodies_are_refused(
    served: Served, wan: Wan
) -> None:
    _emt, server, client = served
    assert client.post("/other", b"", headers_for(b"")).status == 404
    head = f"POST /deliveries HTTP/1.1\r\nHost: x\r\nContent-Length: {LARGEST_BODY + 1}"
    assert b" 413 " in raw(wan, server, head)
    for request, status in (
        ("GET /deliveries HTTP/1.1\r\nHost: x", b" 405 "),
        ("POST /deliveries HTTP/1.1\r\nHost: x", b" 400 "),
        ("POST /deliveries HTTP/1.1\r\nTransfer-Encoding: chunked", b" 415 "),
    ):
        assert status in raw(wan, server, request)


def raw(wan: Wan, server: PeerServer, head: str) -> bytes:
    """The first line of the answer to a head alone."""
    peer = peer_of(wan.gateway, wan.way(server.port, EMT), now=NOW)
    plain = socket.create_connection(("127.0.0.1", server.port), 10)
    with peer.context().wrap_socket(plain) as secured:
        secured.sendall(f"{head}\r\n\r\n".encode())
        return secured.recv(64)


@pytest.mark.req("R159")
def test_nobody_without_a_known_certificate_is_answered(
    served: Served, wan: Wan
) -> None:
    """R159: none, and one that is not in the folder."""
    emt, server, client = served
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", server.port), 10) as plain,
        pytest.raises(OSError),
        context.wrap_socket(plain) as secured,
    ):
        secured.sendall(b"POST / HTTP/1.1\r\n\r\n")
        assert secured.recv(10) == b""
        raise ConnectionError("closed")
    (emt.keys.state / "clients" / "gateway.pem").unlink()
    with pytest.raises(ConnectionFailed):
        client.post("/deliveries", b"x", headers_for(b"x"))


def sealed(wan: Wan, emt: Emt, content: bytes) -> bytes:
    return cms.seal(
        wan.gateway.security_module, content, emt.keys.key("enc").public_key()
    )


def test_a_sealed_content_that_is_no_delivery_is_refused(
    served: Served, wan: Wan
) -> None:
    emt, _server, client = served
    for content in (b"", b"[]", b"{}", b"1.5", b"[" * 100_000, b"\xff"):
        body = sealed(wan, emt, content)
        assert client.post("/deliveries", body, headers_for(body)).status == 422
    assert not list((emt.keys.state / "received").iterdir())


def document(**changed: object) -> dict[str, object]:
    record = {
        "t": "2026-01-01T00:15:00Z",
        "c": "2026-01-01T00:15:01Z",
        "s": "0000000500000004",
        "p": 0,
        "values": [{"obis": "0100010800ff", "v": 1, "scaler": -1, "unit": 30}],
    }
    return {
        "schema": "casa-delivery-v1",
        "delivery_id": str(ID),
        "kind": "periodic",
        "taf": 9,
        "source": {"pseudonym": "Quitte"},
        "from": "2026-01-01T00:00:00Z",
        "to": "2026-01-01T00:15:00Z",
        "records": [{**record, **changed}],
    }


ID = uuid4()


def value(**changed: object) -> dict[str, object]:
    one = {"obis": "0100010800ff", "v": 1, "scaler": -1, "unit": 30}
    return {"values": [{**one, **changed}]}


@pytest.mark.req("R64")
@pytest.mark.parametrize(
    "spoilt",
    [
        document(t="2026-01-01 00:15"),
        document(s="5"),
        document(p="0"),
        {name: one for name, one in document().items() if name != "kind"},
        {**document(), "from": 3},
        document(id="1emh0000000001"),
        document(sig="AA=="),
        document(**value(v=1.5)),
        document(**value(v=True)),
        document(**value(v=1 << 64)),
        document(**value(scaler=200)),
        document(**value(obis="1-0:1.8.0")),
        {**document(), "taf": 7},
        {**document(), "taf": 7, "source": {"gateway": "g"}},
        {**document(), "profile": "haus"},
        {**document(), "delivery_id": str(uuid4())},
        {**document(), "schema": "other"},
        {**document(), "records": {}},
    ],
)
def test_a_document_that_does_not_hold_together_is_refused(
    spoilt: dict[str, object],
) -> None:
    """R64: also values for billing without a signature, or under a pseudonym."""
    good = json.dumps(document()).encode()
    assert checked_document(good, ID, lambda _ski, _huid: None)["taf"] == 9
    with pytest.raises(DocumentRefused):
        checked_document(json.dumps(spoilt).encode(), ID, lambda _ski, _huid: None)


@pytest.mark.req("R64")
@pytest.mark.parametrize(
    ("huid", "status"), [("eemh0009264154", 200), ("eemh0009264199", 422)]
)
def test_a_document_names_the_gateway_that_sent_it_or_is_refused(
    wan: Wan, served: Served, huid: str, status: int
) -> None:
    """R64: also where the records carry no signature of their own."""
    emt, _server, client = served
    named = {**document(), "profile": "haus", "source": {"gateway": huid}}
    body = cms.seal(
        wan.gateway.security_module,
        json.dumps(named).encode(),
        emt.keys.key("enc").public_key(),
    )
    answer = client.post(
        "/deliveries", body, headers_for(body, Idempotency_Key=str(ID))
    )
    assert answer.status == status
    if status == 422:
        assert b"another gateway" in answer.body


@pytest.mark.req("R64")
def test_a_record_counts_only_when_the_gateway_it_names_has_signed_it(
    wan: Wan, tmp_path: Path
) -> None:
    """R64: a trusted key of somebody else is not enough."""
    key = own(Kind.SIG).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    emt = wan.emt(EMT)
    ski = key_identifier(key)
    assert emt.keys.gateway_of(ski) == wan.gateway.huid
    assert emt.keys.signer_of_gateway(ski, wan.gateway.huid) is not None
    assert emt.keys.signer_of_gateway(ski, "eemh0009264199") is None
    assert emt.keys.signer_of_gateway("00", wan.gateway.huid) is None
    for name in ("eemh0009264199.smgw", f"{wan.gateway.huid}.gwa", "smgw"):
        made = issue(
            wan.lab.pki.sub, key, common_name=name, purpose=Purpose.SIG, now=NOW
        )
        keys = PeerKeys(tmp_path / name)
        keys.trust_signer("gateway", made)
        assert keys.signer(ski) is not None
        assert keys.signer_of_gateway(ski, wan.gateway.huid) is None
        with pytest.raises(DocumentRefused, match="not signed by the gateway"):
            checked_document(billed(wan, ski), ID, keys.signer_of_gateway)


def billed(wan: Wan, ski: str) -> bytes:
    """A document for billing with one record that says who signed it."""
    content = document(id="1emh0000000001", ski=ski, sig="AA==")
    source = {"gateway": wan.gateway.huid}
    return json.dumps({**content, "taf": 7, "source": source}).encode()


def test_a_receiver_that_thinks_too_long_is_given_up(wan: Wan) -> None:
    """The whole exchange has one limit, and is not tried twice at once."""
    create_participant(EMT)
    asked: list[Request] = []
    thinks = threading.Event()

    def slow(request: Request) -> Answer:
        asked.append(request)
        thinks.wait(20)
        return Answer(200)

    with wan.listening(wan.party(EMT), deliveries=slow) as server:
        peer = peer_of(wan.gateway, wan.way(server.port, EMT), now=NOW)
        client = WanClient(peer, within_s=0.3)
        with pytest.raises(ConnectionFailed, match="no answer in time"):
            client.post("/deliveries", b"x", {})
        thinks.set()
    assert len(asked) == 1


def test_a_kept_connection_that_the_peer_has_closed_is_opened_again(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    _emt, server, client = served
    monkeypatch.setattr("gwa_api.peers.https_server.SILENCE_S", 0.1)
    ended, answer_on = threading.Event(), server.answer_on

    def noted(secured: ssl.SSLSocket, client_address: object) -> None:
        answer_on(secured, client_address)
        secured.close()
        ended.set()

    monkeypatch.setattr(server, "answer_on", noted)
    assert client.post("/deliveries", b"x", headers_for(b"x")).status == 422
    assert ended.wait(20)
    assert client.post("/deliveries", b"x", headers_for(b"x")).status == 422
