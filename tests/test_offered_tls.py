"""What the gateway offers where it is the client, and that no context is forgotten."""

import ast
import ssl
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from hardware import ntp_tls, pki
from hardware.certificate_path import Purpose
from hardware.lmn_certificates import LMN_CURVES, new_identity
from hardware.lmn_tls import pinned_context
from hardware.ntp_tls import TimeServer
from hardware.tls_profile import client_context
from tests import tls_hello
from tests.tls_hello import Offered, offered_in

ROOT = Path(__file__).parents[1]
NOW = datetime.now(UTC)
PROGRAM = (
    "casa_site",
    "gwa_api",
    "hardware",
    "logbooks",
    "meters",
    "portal",
    "tariffs",
)

MAKERS = {
    "hardware/tls_profile.py": "the profile: listeners, and channels over the WAN",
    "hardware/lmn_tls.py": "to meters: offers below",
    "hardware/simulator/tls_meter.py": "the meter of the other end, simulated",
    "portal/house_publisher.py": "to a broker that the consumer chose",
    "portal/house_push.py": "reads a certificate, connects nowhere",
    "casa_site/firmware.py": "downloads from a maker's web server",
    "casa_site/doctor/curves.py": "tries what OpenSSL can, connects nowhere",
}
"""Who makes TLS contexts, and for what."""


def _pin(curve: ec.EllipticCurve) -> x509.Certificate:
    key = ec.generate_private_key(curve)
    return pki.issue(
        pki.make_pki(NOW).sub,
        key.public_key(),
        common_name="server",
        purpose=Purpose.TLS,
        now=NOW,
    )


def _time_service() -> ssl.SSLContext:
    der = _pin(ec.SECP256R1()).public_bytes(Encoding.DER)
    return ntp_tls._context(TimeServer("time.example", 1, der))


def _meter() -> ssl.SSLContext:
    own, meter = (
        new_identity(name, LMN_CURVES[0], now=NOW)
        for name in ("eemh0009264154", "1emh0000000001")
    )
    return pinned_context(ssl.PROTOCOL_TLS_CLIENT, own, meter.certificate)


CLIENTS: dict[str, Callable[[], ssl.SSLContext]] = {
    "to the GWA, an EMT or a CLS": lambda: client_context(
        None, pins=[_pin(ec.BrainpoolP256R1())]
    ),
    "to one with a key on P-256": lambda: client_context(
        None, pins=[_pin(ec.SECP256R1())]
    ),
    "to the time service": _time_service,
    "to a meter": _meter,
}


def hello_of(context: ssl.SSLContext) -> Offered:
    """What a client with this context sends first."""
    outgoing = ssl.MemoryBIO()
    channel = context.wrap_bio(ssl.MemoryBIO(), outgoing)
    with pytest.raises(ssl.SSLWantReadError):
        channel.do_handshake()
    return offered_in(outgoing.read())


@pytest.mark.req("R69", "R159")
@pytest.mark.parametrize("who", CLIENTS)
def test_a_channel_of_the_gateway_offers_nothing_that_is_forbidden(who: str) -> None:
    """R69: versions, suites, compression and extensions of wan.md 2."""
    offered = hello_of(CLIENTS[who]())
    assert offered.versions <= {tls_hello.TLS12, tls_hello.TLS13}
    suites = set(offered.suites) - tls_hello.SIGNALLING
    with_13 = tls_hello.TLS13 in offered.versions
    expected = tls_hello.SUITES_12 | (tls_hello.SUITES_13 if with_13 else set())
    assert suites - {0x1303} <= expected
    assert suites >= tls_hello.SUITES_12
    assert offered.compressions == b"\0"
    assert tls_hello.TRUNCATED_MAC not in offered.extensions
    assert tls_hello.HEARTBEAT not in offered.extensions
    assert tls_hello.ENCRYPT_THEN_MAC in offered.extensions
    assert tls_hello.MASTER_SECRET in offered.extensions


CONFIGURED = """
import ssl, sys
sys.path.insert(0, {root!r})
from tests.test_offered_tls import *
for who, context in CLIENTS.items():
    offered = hello_of(context())
    suites = set(offered.suites) - tls_hello.SIGNALLING
    assert suites <= tls_hello.SUITES_12 | tls_hello.SUITES_13, who
    assert set(offered.groups) <= tls_hello.GROUPS, who
    ecdsa = {{one for one in offered.signatures if one & 0xFF == 3}}
    assert ecdsa == tls_hello.SIGNATURES, who
    weak = {{one for one in offered.signatures if one >> 8 in (1, 2, 3)}}
    assert not weak, who
print(len(CLIENTS))
"""


@pytest.mark.req("R69", "R159")
def test_with_the_gateways_settings_nothing_weak_is_offered() -> None:
    """deploy/openssl.cnf: no ChaCha20, no SHA-1 or SHA-224 with any key."""
    ran = subprocess.run(
        [sys.executable, "-c", CONFIGURED.format(root=str(ROOT))],
        env={"OPENSSL_CONF": str(ROOT / "deploy" / "openssl.cnf")},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert (ran.returncode, ran.stdout.strip()) == (0, str(len(CLIENTS))), ran.stderr


@pytest.mark.req("R69")
def test_no_other_place_makes_a_tls_context() -> None:
    """A new one has to be looked at: it stands in the table, or uses the profile."""
    found = {
        str(path.relative_to(ROOT))
        for app in PROGRAM
        for path in (ROOT / app).rglob("*.py")
        if _makes_contexts(path)
    }
    assert found and not found - set(MAKERS)


def _makes_contexts(path: Path) -> bool:
    calls = (
        node.func
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
    )
    names = {getattr(func, "attr", getattr(func, "id", "")) for func in calls}
    return bool(names & {"SSLContext", "create_default_context"})
