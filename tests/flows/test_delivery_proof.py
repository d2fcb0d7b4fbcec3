"""The demo as it stands: a profile made with curl, delivered directly and by the GWA.

What the recipients have is what the gateway lists, to the last digit, with signatures
that verify; the GWA cannot open what passes him; under a pseudonym nothing names the
source. Everything is looked at from outside: curl, the HAN interface, the partners'
folders.
"""

import base64
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from gwa_api.peers.peer_keys import PeerKeys
from hardware import cms
from hardware.cms_enveloped import without_content_info
from hardware.cms_error import CmsRefused
from hardware.obis import Obis
from hardware.readings import RegisterValue
from hardware.record import register_lines, signed_text_of
from hardware.security_module import verify
from tests.flows.han_client import HanClient, demo_client
from tests.flows.moved_clock import MovedClock, boundary_in
from tests.flows.running import RunningGateway

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed"),
]

CONSUMER, METER, HEAT_PUMP = "hks2", "1emh0000000001", "1emh0000000002"
BY_GWA, DIRECT, GWA = "emt-0001", "emt-0002", "gwa-0001"
METERING_POINT = "DE" + "4" * 31
POWER = "1-0:16.7.0*255"
BILLED = "probe-taf7"
INSTANT = {9: "probe-taf9", 10: "probe-taf10", 14: "probe-taf14"}
PSEUDONYMS = {9: "Quitte-09", 10: "Quitte-10", 14: "Quitte-14"}
_OBIS = re.compile(r"[0-9a-f]{12}")
LEAD_S, LIMIT_S = 240.0, 1500.0


@dataclass
class Proof:
    """A running demo, and who can be asked about it."""

    gateway: RunningGateway
    clock: MovedClock

    @property
    def state(self) -> Path:
        return self.gateway.state

    def curl(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """What the administrator's interface answers to the demo's certificate."""
        gwa = json.loads((self.state / "demo.json").read_text())["gwa"]
        words = ["--cacert", gwa["ca"], "--cert", gwa["certificate"]]
        words += ["--key", gwa["key"], "-X", method]
        if body is not None:
            words += ["-H", "If-None-Match: *", "-H", "Content-Type: application/json"]
            words += ["-d", json.dumps(body)]
        url = f"https://127.0.0.1:{self.gateway.gwa_port}/gwa/v1{path}"
        done = subprocess.run(
            ["curl", "-sS", *words, url], capture_output=True, text=True, check=True
        )
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def peer(self, name: str) -> PeerKeys:
        """A partner's folder."""
        return PeerKeys(self.state / "demo" / name)

    def received(self, name: str) -> Iterator[dict[str, Any]]:
        """The documents that a recipient has stored."""
        for path in sorted((self.peer(name).state / "received").glob("*.json")):
            with suppress(FileNotFoundError):
                yield json.loads(path.read_text())

    def named(self, name: str, profile: str) -> list[dict[str, Any]]:
        """Those of a profile that is named in them."""
        return [one for one in self.received(name) if one.get("profile") == profile]

    def hidden(self, pseudonym: str) -> list[dict[str, Any]]:
        """Those under a pseudonym, which all go by the GWA."""
        wanted = {"pseudonym": pseudonym}
        return [one for one in self.received(BY_GWA) if one["source"] == wanted]


@pytest.fixture(scope="module")
def proof(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proof]:
    """The demo with the profiles, after the first values have arrived."""
    state = tmp_path_factory.mktemp("proof") / "state"
    clock, _boundary = boundary_in(LEAD_S)
    offset = str(int(clock.offset.total_seconds()))
    settings = {"CASA_CLOCK_OFFSET": offset}
    with RunningGateway(state, "--history-days", "0", settings=settings) as gateway:
        gateway.wait_for("CASA ready", within_s=600)
        made = Proof(gateway, clock)
        for name, body in profiles().items():
            answer = made.curl("PUT", f"/evaluation-profiles/{name}", body)
            assert answer.get("state") == "active", answer
        gateway.wait_until(lambda: has_arrived(made), "delivery", within_s=LIMIT_S)
        yield made


def profiles() -> dict[str, dict[str, Any]]:
    """One for billing to both recipients, three of instantaneous values by the GWA."""
    counters = ("1-0:1.8.0*255", "1-0:2.8.0*255")
    billed = {
        "taf": 7,
        "consumer": CONSUMER,
        "metering_point": METERING_POINT,
        "inputs": [{"meter": METER, "obis": one} for one in counters],
        "delivery": delivery("*/15 * * * *", BY_GWA, DIRECT),
    }
    instant = {
        INSTANT[taf]: {
            "taf": taf,
            "consumer": CONSUMER,
            "metering_point": METERING_POINT,
            "inputs": [{"meter": METER if taf == 9 else HEAT_PUMP, "obis": POWER}],
            "registration_period": "PT1M",
            "pseudonym": PSEUDONYMS[taf],
            "triggers": ["periodic"],
            "delivery": delivery("* * * * *", BY_GWA),
        }
        for taf in INSTANT
    }
    return {BILLED: billed, **instant}


def delivery(schedule: str, *recipients: str) -> dict[str, Any]:
    wanted = [{"participant": one} for one in recipients]
    return {"schedule": schedule, "recipients": wanted}


def has_arrived(proof: Proof) -> bool:
    """Billing values at both, and three deliveries under each pseudonym."""
    billed = all(proof.named(name, BILLED) for name in (BY_GWA, DIRECT))
    return billed and all(len(proof.hidden(one)) >= 3 for one in PSEUDONYMS.values())


@pytest.mark.req("R34", "R35", "R59", "R64", "R91")
def test_both_recipients_have_the_gateways_record_and_its_signature(
    proof: Proof,
) -> None:
    """R34, R35, R59, R64, R91: text, digits and signature as the consumer sees them."""
    consumer = demo_client(proof.gateway, CONSUMER)
    key = signature_key(proof, consumer)
    for name in (BY_GWA, DIRECT):
        for document in proof.named(name, BILLED):
            assert document["source"]["gateway"] == "eemh0009264154"
            for record in document["records"]:
                text = text_of(document, record)
                listed = consumer.json(f"/metering/origin/{METER}/record/{record['t']}")
                assert listed["signed_text"] == text
                signature = base64.b64decode(record["sig"])
                assert listed_signature(listed) == signature.hex()
                verify(key, signature, text.encode())


def signature_key(proof: Proof, consumer: HanClient) -> ec.EllipticCurvePublicKey:
    demo = json.loads((proof.state / "demo.json").read_text())
    pem = Path(demo["signature_certificate"]).read_bytes()
    key = x509.load_pem_x509_certificate(pem).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return key


def listed_signature(listed: dict[str, Any]) -> str:
    return str(listed["signature"]).lower()


def text_of(document: dict[str, Any], record: dict[str, Any]) -> str:
    """The signed text, made again from what arrived."""
    registers = [
        RegisterValue(
            Obis(bytes.fromhex(one["obis"])), one["v"], one["scaler"], one["unit"]
        )
        for one in record["values"]
    ]
    return signed_text_of(
        document["source"]["gateway"],
        record["id"],
        record["t"],
        record["c"],
        int(record["s"], 16),
        register_lines(registers),
    )


@pytest.mark.req("R54", "R63")
@pytest.mark.parametrize("taf", INSTANT)
def test_what_arrives_under_a_pseudonym_is_what_the_consumer_sees_listed(
    proof: Proof, taf: int
) -> None:
    """R54, R63: each value to the last digit."""
    consumer = demo_client(proof.gateway, CONSUMER)
    arrived = amounts_of(proof.hidden(PSEUDONYMS[taf]))
    assert len(arrived) >= 3
    path = f"/metering/derived/{INSTANT[taf]}.eemh0009264154.sm/billingperiods"
    periods = range(len(consumer.json(path)))
    listed = [shown for n in periods for shown in consumer.json(f"{path}/{n}")]
    assert set(arrived) <= set(shown_amounts(listed)), (arrived, listed)


def amounts_of(documents: list[dict[str, Any]]) -> list[tuple[str, Decimal]]:
    return [
        (record["t"], Decimal(one["v"]).scaleb(one["scaler"]))
        for document in documents
        for record in document["records"]
        for one in record["values"]
    ]


def shown_amounts(listed: list[dict[str, Any]]) -> Iterator[tuple[str, Decimal]]:
    """Time (UTC) and amount in W of each value that the consumer is shown."""
    for reading in listed:
        at = datetime.fromisoformat(reading["timestamp_nom"]).astimezone(UTC)
        for register in filter(_OBIS.fullmatch, reading):
            number, unit = reading[register].split(" ")
            assert unit == "W"
            yield f"{at:%Y-%m-%dT%H:%M:%SZ}", Decimal(number)


@pytest.mark.req("R59", "R62", "R63")
def test_the_administrators_keys_open_nothing_of_what_passed_him(
    proof: Proof,
) -> None:
    """R59, R62, R63: tried with each of his keys; the recipient's opens all of it."""
    head, emt = proof.peer(GWA), proof.peer(BY_GWA)
    passed = sorted((head.state / "passed").glob("*.cms"))
    assert len(passed) >= 10
    for path in passed:
        envelope = path.read_bytes()
        for kind in ("tls", "enc", "sig"):
            assert opened(envelope, head.key(kind)) is None
        kept = emt.state / "received" / f"{path.stem}.json"
        if kept.exists():  # else it has just passed
            assert opened(envelope, emt.key("enc")) == kept.read_bytes()


def opened(envelope: bytes, key: ec.EllipticCurvePrivateKey) -> bytes | None:
    """What a key finds inside, None when it opens nothing."""
    try:
        return cms.unseal(
            without_content_info(envelope),
            key.public_key(),
            lambda point: key.exchange(ec.ECDH(), point),
        )
    except (CmsRefused, ValueError):
        return None


@pytest.mark.req("R54", "R61", "R63")
@pytest.mark.parametrize("taf", INSTANT)
def test_nothing_that_was_stored_or_forwarded_under_a_pseudonym_names_the_source(
    proof: Proof, taf: int
) -> None:
    """R54, R61, R63: files of EMT and GWA, byte for byte; the search finds names."""
    names = names_of_the_source(proof)
    ids = [one["delivery_id"] for one in proof.hidden(PSEUDONYMS[taf])]
    assert len(ids) >= 3
    for message_id in ids:
        kept = [*stored(proof.peer(BY_GWA), message_id)]
        kept += stored(proof.peer(GWA), message_id)
        assert len(kept) == 4
        for path in kept:
            data = path.read_bytes() + path.name.encode()
            assert not [name for name in names if name in data], path
    lines = (proof.peer(GWA).state / "passed.jsonl").read_bytes().splitlines()
    mine = [line for line in lines if any(one.encode() in line for one in ids)]
    assert len(mine) >= len(ids)
    assert not [name for name in names if any(name in line for line in mine)]
    billed = proof.named(BY_GWA, BILLED)[0]
    open_content = json.dumps(billed).encode()
    assert len([name for name in names if name in open_content]) >= 3


def stored(peer: PeerKeys, message_id: str) -> Iterator[Path]:
    """The files of a message in a partner's folder."""
    for folder in ("received", "csv", "receipts", "passed"):
        yield from (peer.state / folder).glob(f"{message_id}.*")


def names_of_the_source(proof: Proof) -> list[bytes]:
    """Gateway, meter, consumer, metering point: as text, and as bytes of the ids."""
    ids = (
        "eemh0009264154",
        METER,
        HEAT_PUMP,
        CONSUMER,
        METERING_POINT,
        BILLED,
        *INSTANT.values(),
    )
    numbers = ("0a01454d480000000001", "0a01454d480000000002", "0e454d4800008d5c1a")
    texts = [form for one in (*ids, *numbers) for form in (one, one.upper())]
    raw = [bytes.fromhex(one) for one in numbers]
    return [*(text.encode() for text in texts), *raw]
