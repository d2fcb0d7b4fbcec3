"""The TLS profile: who connects, with what, and who does not."""

import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from hardware import pki
from hardware.certificate_path import CertificateRefused, Purpose, Refusal
from hardware.device_key import DeviceKey
from hardware.security_module import SoftSecurityModule
from hardware.shown_certificate import ShownCertificates
from hardware.tls_profile import (
    Clients,
    FileIdentity,
    ModuleIdentity,
    client_context,
    peer_certificate,
    server_context,
    tls_fault,
)

NOW = datetime.now(UTC)
PKI = pki.make_pki(NOW)
P256, BRAINPOOL = ec.SECP256R1(), ec.BrainpoolP256R1()
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Party:
    """Somebody with a TLS certificate and its key, as files."""

    certificate: x509.Certificate
    files: FileIdentity


def a_party(
    folder: Path, name: str, curve: ec.EllipticCurve = P256, **more: object
) -> Party:
    key = ec.generate_private_key(curve)
    options = {"common_name": name, "purpose": Purpose.TLS, "now": NOW, **more}
    made = pki.issue(PKI.sub, key.public_key(), **options)  # type: ignore[arg-type]
    files = FileIdentity(folder / f"{name}.pem", folder / f"{name}.key")
    files.certificate.write_bytes(made.public_bytes(Encoding.PEM))
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    files.key.write_bytes(pem)
    return Party(made, files)


@contextmanager
def connection() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.settimeout(5)
    with ours, theirs:
        yield ours, theirs


@dataclass
class Outcome:
    """What the server saw: cipher and certificate, or its error."""

    version: str | None = None
    cipher: str = ""
    peer: bytes = b""
    error: Exception | None = None
    shown: x509.Certificate | None = None


def shake(server: ssl.SSLContext, client: ssl.SSLContext) -> Outcome:
    """One handshake, and one byte each way, as TLS 1.3 refuses clients late."""
    shown = ShownCertificates()
    shown.watch(server)

    def serve(plain: socket.socket) -> Outcome:
        tls = server.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
        try:
            tls.do_handshake()
            tls.sendall(tls.recv(1))
            cipher = tls.cipher()
            return Outcome(
                tls.version(), cipher[0] if cipher else "", tls.getpeercert(True) or b""
            )
        except OSError as error:
            return Outcome(error=error, shown=shown.of(tls))
        finally:
            tls.close()

    with connection() as (ours, theirs), ThreadPoolExecutor(1) as pool:
        result = pool.submit(serve, ours)
        try:
            with client.wrap_socket(theirs) as tls:
                tls.sendall(b"x")
                tls.recv(1)
        except OSError as error:
            outcome = result.result()
            return outcome if outcome.error else Outcome(error=error)
        return result.result()


@pytest.fixture
def gateway(tmp_path: Path) -> Party:
    return a_party(tmp_path, "gateway")


@pytest.fixture
def gwa(tmp_path: Path) -> Party:
    return a_party(tmp_path, "gwa")


def a_client(party: Party | None, **settings: object) -> ssl.SSLContext:
    """A client that accepts any server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if party is not None:
        context.load_cert_chain(party.files.certificate, party.files.key)
    for name, value in settings.items():
        if name == "ciphers":
            context.set_ciphers(str(value))
        else:
            setattr(context, name, value)
    return context


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_the_pinned_client_comes_in(
    gateway: Party, gwa: Party, version: ssl.TLSVersion
) -> None:
    server = server_context(
        gateway.files, clients=Clients.REQUIRED, pins=[gwa.certificate]
    )
    client = a_client(gwa, minimum_version=version, maximum_version=version)
    outcome = shake(server, client)
    assert outcome.error is None
    assert outcome.peer == gwa.certificate.public_bytes(Encoding.DER)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_another_client_of_the_same_pki_does_not_and_is_known_by_name(
    gateway: Party, gwa: Party, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    """Its chain is good, but it is not the pinned one: 2200044, with its subject."""
    stranger = a_party(tmp_path, "stranger")
    server = server_context(
        gateway.files, clients=Clients.REQUIRED, pins=[gwa.certificate]
    )
    client = a_client(stranger, minimum_version=version, maximum_version=version)
    outcome = shake(server, client)
    assert outcome.error is not None and tls_fault(outcome.error) == 2200044
    assert outcome.shown == stranger.certificate


def test_without_a_certificate_nobody_comes_in_where_it_is_required(
    gateway: Party, gwa: Party
) -> None:
    pins = [gwa.certificate]
    required = server_context(gateway.files, clients=Clients.REQUIRED, pins=pins)
    outcome = shake(required, a_client(None))
    assert outcome.error is not None and tls_fault(outcome.error) == 2200044
    optional = server_context(gateway.files, clients=Clients.OPTIONAL, pins=pins)
    assert shake(optional, a_client(None)).error is None
    nobody = server_context(gateway.files, clients=Clients.REQUIRED)
    assert shake(nobody, a_client(gwa)).error is not None


@pytest.mark.req("R69")
@pytest.mark.parametrize(
    "forbidden",
    [
        {"ciphers": "ECDHE-RSA-AES128-GCM-SHA256"},
        {"ciphers": "ECDHE-ECDSA-AES256-SHA384"},
        {"ciphers": "ECDHE-ECDSA-CHACHA20-POLY1305"},
        {"ciphers": "ECDHE-ECDSA-AES128-SHA"},
        {"ciphers": "AES128-GCM-SHA256"},
        {"maximum_version": ssl.TLSVersion.TLSv1_1},
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_the_profile_forbids_is_not_spoken(
    gateway: Party, forbidden: dict[str, object]
) -> None:
    """R69: older versions and other suites than those of wan.md 2 fail."""
    limits = {"maximum_version": ssl.TLSVersion.TLSv1_2, **forbidden}
    server = server_context(gateway.files, clients=Clients.ANONYMOUS)
    assert shake(server, a_client(None, **limits)).error is not None


@pytest.mark.parametrize(
    "suite",
    [
        "ECDHE-ECDSA-AES128-SHA256",
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
    ],
)
def test_each_suite_of_the_profile_is_spoken(gateway: Party, suite: str) -> None:
    client = a_client(None, maximum_version=ssl.TLSVersion.TLSv1_2, ciphers=suite)
    outcome = shake(server_context(gateway.files, clients=Clients.ANONYMOUS), client)
    assert outcome.cipher == suite


def test_a_channel_of_the_gateway_uses_the_key_in_the_security_module(
    tmp_path: Path,
) -> None:
    """Brainpool on both sides, TLS 1.2, and the key is in no file."""
    module = SoftSecurityModule(tmp_path, DeviceKey(bytes(32)))
    key = module.generate("tls", "brainpoolP256r1")
    own = pki.issue(PKI.sub, key, common_name="g.smgw", purpose=Purpose.TLS, now=NOW)
    emt = a_party(tmp_path, "emt", BRAINPOOL)
    server = server_context(emt.files, clients=Clients.REQUIRED, pins=[own])
    identity = ModuleIdentity(module, [own, *PKI.chain])
    before = sorted(tmp_path.iterdir())
    outcome = shake(server, client_context(identity, pins=[emt.certificate]))
    assert (outcome.error, outcome.version) == (None, "TLSv1.2")
    assert outcome.peer == own.public_bytes(Encoding.DER)
    assert sorted(tmp_path.iterdir()) == before
    with pytest.raises(ValueError):
        client_context(ModuleIdentity(module, PKI.chain), pins=[emt.certificate])


def test_a_channel_to_another_server_than_the_pinned_one_is_refused(
    gateway: Party, gwa: Party
) -> None:
    server = server_context(gwa.files, clients=Clients.ANONYMOUS)
    assert shake(server, client_context(None, pins=[gwa.certificate])).error is None
    client = client_context(None, pins=[gateway.certificate])
    with connection() as (ours, theirs), ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(server.wrap_socket, ours, server_side=True)
        with pytest.raises(ssl.SSLCertVerificationError) as refused:
            client.wrap_socket(theirs)
        assert waiting.exception() is not None
    assert tls_fault(refused.value) == 2200044


def test_validity_is_left_to_the_check_by_gateway_time(
    gateway: Party, tmp_path: Path
) -> None:
    """The host's clock may differ from the gateway's: the handshake ignores it."""
    old = a_party(tmp_path, "old", now=NOW - timedelta(days=900))
    server = server_context(
        gateway.files, clients=Clients.REQUIRED, pins=[old.certificate]
    )
    assert shake(server, a_client(old)).error is None


def test_renegotiation_compression_and_tickets_are_off(gateway: Party) -> None:
    context = server_context(gateway.files, clients=Clients.ANONYMOUS)
    for option in (ssl.OP_NO_RENEGOTIATION, ssl.OP_NO_COMPRESSION, ssl.OP_NO_TICKET):
        assert context.options & option
    assert context.num_tickets == 0


def test_a_peer_without_a_certificate_is_refused_after_the_handshake(
    gateway: Party,
) -> None:
    class Nobody:
        def getpeercert(self, binary_form: bool) -> None:
            assert binary_form

    with pytest.raises(CertificateRefused) as refused:
        peer_certificate(Nobody())  # type: ignore[arg-type]
    assert refused.value.refusal is Refusal.NOT_PINNED


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CertificateRefused(Refusal.EXPIRED, ""), 2200041),
        (CertificateRefused(Refusal.NOT_YET_VALID, ""), 2200042),
        (ssl.SSLError(1, "[SSL: NO_SHARED_CIPHER]"), 2300098),
        (ConnectionResetError(), 2300098),
        (MemoryError(), 2300097),
    ],
)
def test_each_failure_has_its_fault_code(error: Exception, code: int) -> None:
    assert tls_fault(error) == code


MIXED = """
import sys; from pathlib import Path
sys.path.insert(0, {root!r})
from tests.hardware.test_tls_profile import *
folder = Path({folder!r})
gateway, emt = a_party(folder, "mixed-g", BRAINPOOL), a_party(folder, "mixed-e")
server = server_context(emt.files, clients=Clients.REQUIRED, pins=[gateway.certificate])
print(shake(server, client_context(gateway.files, pins=[emt.certificate])))
"""


def test_with_the_configured_groups_brainpool_and_p256_meet(tmp_path: Path) -> None:
    """decisions D47: one file of groups for the whole process tree."""
    settings = {"OPENSSL_CONF": str(ROOT / "deploy" / "openssl.cnf")}
    ran = subprocess.run(
        [sys.executable, "-c", MIXED.format(root=str(ROOT), folder=str(tmp_path))],
        env={**os.environ, **settings},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "error=None" in ran.stdout and "TLSv1.2" in ran.stdout
