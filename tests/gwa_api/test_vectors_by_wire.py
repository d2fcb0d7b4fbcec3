"""The vectors of another maker over HTTPS and UDP, through the partners' programs.

`receive_emt` has the EMT's key of the vectors, `simulate_gwa` the GWA's; the vectors
go in, and what the gateway makes with the same keys goes the same way.
"""

import asyncio
import base64
import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from casa_site.gwa_server import facts_about
from gwa_api.models import ManagementState
from gwa_api.peers import https_client
from gwa_api.peers.delivery_request import FORWARDED, digest_field
from gwa_api.peers.https_client import HttpAnswer
from gwa_api.peers.peer_keys import PeerKeys, certificate_in
from gwa_api.wake_up_service import WakeUpService
from gwa_api.wsgi import GwaApplication
from hardware import cms, wake_up
from hardware.certificate_path import Purpose
from hardware.cms_enveloped import with_content_info
from hardware.cms_signed import unchecked_content
from hardware.cms_suite import EnvelopeSuite
from hardware.gateway import Gateway
from hardware.pki import issue
from hardware.security_module import key_identifier
from logbooks.certificate_store import Holder, Kind, import_partner_certificate
from tests.gwa_api.peer_programs import run_once, running
from tests.gwa_api.wan_parties import GWA, KINDS, Wan, write_pair
from tests.hardware.test_cms import EMT as EMT_KEY
from tests.hardware.test_cms import PLAIN, VECTORS
from tests.hardware.test_wake_up import AT, HUID, VECTOR
from tests.hardware.test_wake_up import KEY as WAKING_KEY
from tests.logbooks.pki_gateway import Lab

pytestmark = pytest.mark.slow

SIGNED = (
    'application/cms+json; encapsulatingContent="signedData , authEnvelopedData , '
    'compressedData"'
)
EMT = "emt-0001"
SIG_KEY = ec.derive_private_key(
    int(VECTORS["gateway_sig_scalar"], 16), ec.BrainpoolP256R1()
)


@dataclass
class Partners:
    """Both programs, where they listen, and a client that both let in."""

    folder: Path
    client: PeerKeys
    emt_port: int
    gwa_port: int

    def to_emt(self, body: bytes, kind: str = FORWARDED) -> tuple[UUID, HttpAnswer]:
        """A delivery directly."""
        return self._posted(EMT, self.emt_port, body, kind, {})

    def to_gwa(self, body: bytes) -> tuple[UUID, HttpAnswer]:
        """A delivery that he shall forward."""
        more = {"X-Recipient": EMT}
        return self._posted(GWA, self.gwa_port, body, SIGNED, more)

    def opened(self, message_id: UUID) -> bytes:
        """What the EMT's program found inside."""
        return (self.folder / EMT / "other" / f"{message_id}.bin").read_bytes()

    def _posted(
        self, name: str, port: int, body: bytes, kind: str, more: dict[str, str]
    ) -> tuple[UUID, HttpAnswer]:
        message_id = uuid4()
        headers = {
            "Content-Type": kind,
            "Idempotency-Key": str(message_id),
            "X-Correlation-Id": str(uuid4()),
            "Repr-Digest": digest_field(sha256(body).hexdigest()),
            **more,
        }
        pin = certificate_in(self.folder / name / "own" / "tls.pem")
        answer = https_client.post(
            self.client,
            *("127.0.0.1", port, pin, "/deliveries"),
            body,
            headers,
            now=AT,
        )
        return message_id, answer


def keys_of(
    folder: Path, name: str, lab: Lab, **own: ec.EllipticCurvePrivateKey
) -> Path:
    """A folder of keys and certificates; `own` are those that are given."""
    made = folder / f"{name}-keys"
    made.mkdir()
    for purpose, kind in KINDS.items():
        key = own.get(kind) or ec.generate_private_key(ec.BrainpoolP256R1())
        certificate = issue(
            lab.pki.sub,
            key.public_key(),
            common_name=f"{name}.test",
            purpose=purpose,
            now=lab.now,
        )
        write_pair(made, kind, certificate.public_bytes(Encoding.DER), key)
    return made


def serving(*more: str, folder: Path, name: str, keys: Path) -> tuple[str, ...]:
    """The options that both programs have."""
    clients = (folder / f"{one}-keys" / "tls.pem" for one in ("gateway", GWA))
    trusted = [word for path in clients for word in ("--client", str(path))]
    (folder / "vector-sig.pem").write_text(VECTORS["gateway_sig_certificate"])
    words = ["--state", str(folder / name), "--port", "0", "--keys", str(keys)]
    return *words, *trusted, "--signer", str(folder / "vector-sig.pem"), *more


def port_of(said: str) -> int:
    return int(said.rpartition(":")[2].partition("/")[0])


@pytest.fixture(scope="module")
def partners(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Partners]:
    """The programs with the keys of the vectors, at the time of the vectors."""
    folder = tmp_path_factory.mktemp("vectors")
    lab = Lab(AT)
    emt_keys = keys_of(folder, EMT, lab, enc=EMT_KEY)
    gwa_keys = keys_of(folder, GWA, lab, sig=WAKING_KEY)
    client = PeerKeys(folder / "gateway")
    client.take_keys(keys_of(folder, "gateway", lab))
    receiving = serving("--any-content", folder=folder, name=EMT, keys=emt_keys)
    with running(folder, "receive_emt", *receiving, at=AT) as emt:
        emt_port = port_of(emt.line("receiving on "))
        recipient = (EMT, f"127.0.0.1:{emt_port}", str(emt_keys / "tls.pem"))
        words = serving(
            "--recipient", *recipient, folder=folder, name=GWA, keys=gwa_keys
        )
        with running(folder, "simulate_gwa", *words, at=AT) as gwa:
            gwa_port = port_of(gwa.line("listening on "))
            yield Partners(folder, client, emt_port, gwa_port)


@pytest.mark.req("R59", "R61")
@pytest.mark.parametrize(
    "vector", ["v1_full_nest", "v2_interop_content_info", "v3_cbc_cmac_content_info"]
)
def test_the_recipients_program_opens_the_vector(
    partners: Partners, vector: str
) -> None:
    """R59, R61: V1 signed, V2 and V3 as a GWA forwards them; a changed byte is not."""
    body = base64.b64decode(VECTORS[vector])
    kind = SIGNED if vector.startswith("v1") else FORWARDED
    message_id, answer = partners.to_emt(body, kind)
    assert (answer.status, answer.content["sha256"]) == (200, sha256(body).hexdigest())
    assert partners.opened(message_id) == PLAIN
    for position in (len(body) // 2, len(body) - 1):
        changed = bytearray(body)
        changed[position] ^= 1
        message_id, answer = partners.to_emt(bytes(changed), kind)
        assert answer.status == 422
        assert answer.content["type"] == "urn:casa:problem:cms"
        assert answer.content["fault_code"] in (2300033, 2300151, 2300171)


@pytest.mark.req("R59", "R62", "R63")
def test_the_administrators_program_strips_and_forwards_the_vector(
    partners: Partners,
) -> None:
    """R59, R62, R63: V1 through both programs; what is passed on is the envelope."""
    body = base64.b64decode(VECTORS["v1_full_nest"])
    message_id, answer = partners.to_gwa(body)
    assert (answer.status, answer.content["sha256"]) == (200, sha256(body).hexdigest())
    assert partners.opened(message_id) == PLAIN
    passed = (partners.folder / GWA / "passed" / f"{message_id}.cms").read_bytes()
    assert passed == with_content_info(unchecked_content(body))
    changed = body[:-1] + bytes([body[-1] ^ 1])
    _id, answer = partners.to_gwa(changed)
    assert (answer.status, answer.content["fault_code"]) == (422, 2300171)


class VectorModule:
    """Signs with the gateway's key of the vectors."""

    def sign(self, slot: str, message: bytes) -> bytes:
        return SIG_KEY.sign(message, ec.ECDSA(SHA256()))

    def key_identifier(self, slot: str) -> str:
        return key_identifier(SIG_KEY.public_key())


@pytest.mark.req("R59", "R61", "R62")
@pytest.mark.parametrize("suite", list(EnvelopeSuite), ids=lambda one: one.name)
@pytest.mark.parametrize("compressed", [True, False])
def test_what_the_gateway_seals_opens_in_the_programs_too(
    partners: Partners, suite: EnvelopeSuite, compressed: bool
) -> None:
    """R59, R61, R62: the same keys the other way, directly and by the GWA."""
    body = cms.seal(
        VectorModule(),  # type: ignore[arg-type]
        PLAIN,
        EMT_KEY.public_key(),
        suite=suite,
        compressed=compressed,
    )
    for message_id, answer in (partners.to_emt(body, SIGNED), partners.to_gwa(body)):
        assert answer.status == 200, answer
        assert partners.opened(message_id) == PLAIN


@pytest.mark.req("R163")
def test_the_administrators_program_sends_the_wake_up_vector(
    partners: Partners,
) -> None:
    """R163: byte for byte up to the signature, which fits the vector's key."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gateway:
        gateway.bind(("127.0.0.1", 0))
        gateway.settimeout(60)
        address = f"127.0.0.1:{gateway.getsockname()[1]}"
        state = ("--state", str(partners.folder / GWA))
        wake = ("--wake", HUID, address, "--at", "2026-01-01T00:00:00Z")
        said = run_once(partners.folder, "simulate_gwa", *state, *wake)
        data = gateway.recv(4096)
    assert f"108 bytes sent to {address}" in said
    assert data[:44] == VECTOR[:44]
    assert len(data) == len(VECTOR)
    wake_up.check_signature(wake_up.read(data), WAKING_KEY.public_key())


@pytest.mark.req("R163")
@pytest.mark.django_db(transaction=True)
def test_the_wake_up_vector_opens_the_channel_to_the_administrators_program(
    gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R163: the vector as a datagram; the program asks over the gateway's channel."""
    monkeypatch.setattr(type(gateway.clock), "now", lambda _self: AT)
    wan = Wan.around(gateway, tmp_path / "wan", AT)
    known = wan.party(GWA, Holder.GWA)
    der, _key = issued_for_vector(wan)
    import_partner_certificate(
        gateway, der, kind=Kind.SIG, holder=Holder.GWA, holder_id=GWA, now=AT
    )
    ManagementState.objects.create(pk=1, last_opened_at=AT - timedelta(minutes=1))
    words = ("--state", str(known.state), "--port", "0", "--management-port", "0")
    with running(tmp_path, "simulate_gwa", *words, at=AT) as gwa:
        gwa.line("listening on ")
        port = port_of(gwa.line("listening on "))
        wan.way(1, management_addresses=(f"127.0.0.1:{port}",))
        asyncio.run(woken_by_vector(gateway))
    kept = known.state / "last-channel.json"
    assert kept.exists(), gwa.said
    seen = json.loads(kept.read_text())
    assert (seen["status"], seen["device"]["huid"]) == (200, HUID)
    assert ManagementState.objects.get().last_wake_up == AT


def issued_for_vector(wan: Wan) -> tuple[bytes, ec.EllipticCurvePrivateKey]:
    """The GWA's SIG certificate for the key of the vector."""
    made = issue(
        wan.lab.pki.sub,
        WAKING_KEY.public_key(),
        common_name=f"{GWA}.gwa",
        purpose=Purpose.SIG,
        now=AT,
    )
    assert isinstance(made, x509.Certificate)
    return made.public_bytes(Encoding.DER), WAKING_KEY


async def woken_by_vector(gateway: Gateway) -> None:
    """Listen, get the vector, and serve the channel until it ends."""
    application = GwaApplication(gateway, per_minute=0, facts=facts_about(gateway))
    service = WakeUpService(gateway, application, host="127.0.0.1", port=0)
    stop = asyncio.Event()
    serving = asyncio.create_task(service.run(stop))
    async with asyncio.timeout(120):
        await service.listens.wait()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(VECTOR, ("127.0.0.1", service.port))
        await service.opened.acquire()
    stop.set()
    await serving
