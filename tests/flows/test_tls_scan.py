"""A scan of every port that a running gateway listens on (wan.md 2, decisions D30)."""

import http.client
import json
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from casa_site.up import PORTS
from hardware import pki
from hardware.certificate_path import Purpose
from tests import tls_hello
from tests.flows.listening_ports import listening_ports, without_frames
from tests.flows.running import RunningGateway, free_port
from tests.tls_hello import Hello, Taken, all_but, answer_to

pytestmark = pytest.mark.slow

NAME = "steuerbox"
GWA = "gwa-0001"
DATAGRAMS = {"--wakeup-port"}
"""No TLS: the messages are signed."""
WITH_SOCKS = "--cls-port"
MUTUAL = {"--service-port", "--gwa-port", "--cls-port", "--cls-sni-port"}
ROLES = {
    "--han-port": "han",
    "--service-port": "service",
    "--gwa-port": "gwa",
    "--cls-port": "cls",
    "--cls-sni-port": "cls",
}
WITH_TLS_13 = {"--han-port", "--service-port", "--gwa-port"}


@dataclass
class Place:
    """A running gateway; `ports` are where TLS can be had, `people` who has a key.

    That of SOCKS-TLS is one in front of `socks_port`, which takes the frames away.
    """

    running: RunningGateway
    authority: pki.Authority
    folder: Path
    socks_port: int
    ports: dict[str, int] = field(default_factory=dict)
    people: dict[str, Path] = field(default_factory=dict)

    def person(self, name: str, certificate: x509.Certificate, key: Any) -> Path:
        """A file with certificate and key."""
        path = self.folder / f"{name.replace(' ', '-')}.pem"
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.write_bytes(certificate.public_bytes(Encoding.PEM) + pem)
        self.people[name] = path
        return path

    def issued(
        self, name: str, common_name: str, curve: ec.EllipticCurve, **more: Any
    ) -> Path:
        """Somebody with a certificate of the gateway's own PKI."""
        key = ec.generate_private_key(curve)
        options = {"purpose": Purpose.TLS, "now": datetime.now(UTC), **more}
        authority = options.pop("authority", self.authority)
        made = pki.issue(
            authority, key.public_key(), common_name=common_name, **options
        )
        return self.person(name, made, key)

    def ask(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, Any]:
        """The answer of the administrator's interface."""
        context = _client(self.people["gwa"], ssl.TLSVersion.TLSv1_3)
        port = self.ports["--gwa-port"]
        connection = http.client.HTTPSConnection(
            "127.0.0.1", port, timeout=30, context=context
        )
        connection.request(
            method,
            f"/gwa/v1{path}",
            None if body is None else json.dumps(body),
            {"Content-Type": "application/json", **headers},
        )
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, json.loads(content or b"null")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """With a CLS, so that every listener of the gateway is open."""
    folder = tmp_path_factory.mktemp("scan")
    cls_ports = {"--cls-port": free_port(), "--cls-sni-port": free_port()}
    options = [word for name in cls_ports for word in (name, str(cls_ports[name]))]
    settings = {"CASA_GWA_RATE": "0"}
    started = RunningGateway(
        folder / "state", "--history-days", "0", *options, settings=settings
    )
    with started as running, ExitStack() as stack:
        running.wait_for("CASA ready", within_s=240)
        found = _furnished(running, folder, cls_ports)
        _with_cls(found, stack.enter_context(_emt(found.people["emt-0001 tls"])))
        socks = stack.enter_context(without_frames(cls_ports[WITH_SOCKS]))
        found.ports[WITH_SOCKS] = socks
        yield found


def _furnished(
    running: RunningGateway, folder: Path, cls_ports: dict[str, int]
) -> Place:
    lab = running.state / "demo" / "pki"
    sub = x509.load_pem_x509_certificate((lab / "sub.pem").read_bytes())
    key = load_pem_private_key((lab / "sub.key").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    found = Place(running, pki.Authority(sub, key), folder, cls_ports[WITH_SOCKS])
    found.ports = {
        "--han-port": running.port,
        "--service-port": running.service_port,
        "--gwa-port": running.gwa_port,
        **cls_ports,
    }
    demo = json.loads((running.state / "demo.json").read_text())
    known = {
        "gwa": demo["gwa"],
        "technician": demo["technician"],
        "consumer": demo["consumers"][0],
    }
    for who, files in known.items():
        _take_over(found, who, Path(files["certificate"]), Path(files["key"]))
    for who, kind in (("emt-0001", "tls"), (GWA, "enc"), (GWA, "sig")):
        files = lab / who
        _take_over(found, f"{who} {kind}", files / f"{kind}.pem", files / f"{kind}.key")
    return found


def _take_over(place: Place, who: str, certificate: Path, key: Path) -> None:
    place.person(
        who,
        x509.load_pem_x509_certificate(certificate.read_bytes()),
        load_pem_private_key(key.read_bytes(), None),
    )


@contextmanager
def _emt(person: Path) -> Iterator[int]:
    """A market participant who takes calls and waits for what comes."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(person)

    def wait(plain: socket.socket) -> None:
        with suppress(OSError), plain, context.wrap_socket(plain, True) as secured:
            secured.recv(1)

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def take() -> None:
            with suppress(OSError):
                while True:
                    plain, _address = listener.accept()
                    threading.Thread(target=wait, args=(plain,), daemon=True).start()

        threading.Thread(target=take, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def _with_cls(place: Place, emt_port: int) -> None:
    """A proxy profile: from the first on the CLS ports are open."""
    own = place.issued("cls", "steuerbox.CLS", ec.SECP256R1())
    body = {
        "scenario": "HKS3",
        "consumer": "hks2",
        "emt": "emt-0001",
        "local_server_name": NAME,
        "wan_addresses": [f"127.0.0.1:{emt_port}"],
        "cls_certificate": own.read_text().partition("-----BEGIN PRIVATE")[0],
    }
    status, answer = place.ask(
        "PUT", "/proxy-profiles/wallbox", body, **{"If-None-Match": "*"}
    )
    assert status == 201, answer
    place.running.wait_until(
        lambda: len(listening_ports(place.running).get("cls", ())) == 2,
        "the CLS ports are open",
    )


def _client(person: Path | None, version: ssl.TLSVersion) -> ssl.SSLContext:
    """A client that would do anything, of one version."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    if person is not None:
        context.load_cert_chain(person)
    return context


def lets_in(port: int, person: Path | None, version: ssl.TLSVersion) -> bool:
    """Whether a client comes through.

    In TLS 1.3 a server refuses a certificate behind the handshake: there an answer
    to a request is what counts.
    """
    context = _client(person, version)
    try:
        with (
            socket.create_connection(("127.0.0.1", port), 20) as plain,
            context.wrap_socket(plain, server_hostname=NAME) as secured,
        ):
            if version is ssl.TLSVersion.TLSv1_2:
                return True
            secured.sendall(b"GET / HTTP/1.0\r\n\r\n")
            return bool(secured.recv(1))
    except (ConnectionError, ssl.SSLError):
        return False


@pytest.mark.req("R69")
def test_no_process_listens_where_the_scan_does_not_look(place: Place) -> None:
    """Each port of the gateway's own table is scanned, and there is no other."""
    assert set(ROLES) | DATAGRAMS == set(PORTS) | {"--han-port"}
    ports = {**place.ports, WITH_SOCKS: place.socks_port}
    expected: dict[str, set[int]] = {}
    for option, role in ROLES.items():
        expected.setdefault(role, set()).add(ports[option])
    found = listening_ports(place.running)
    own = {role: of for role, of in found.items() if not role.startswith("demo-")}
    assert own == expected


def scanned(place: Place) -> dict[str, int]:
    """Every port with TLS: the gateway's, and those of its partners of the demo."""
    partners = {
        f"{role} {port}": port
        for role, ports in listening_ports(place.running).items()
        if role.startswith("demo-")
        for port in ports
    }
    return {**place.ports, **partners}


TOO_OLD = {
    "SSL 2": bytes.fromhex("802e0100020015000000100100800200800600400400800700c003")
    + bytes.fromhex("0080")
    + bytes(20),
    "SSL 3": Hello(
        legacy_version=tls_hello.SSL3, record_version=tls_hello.SSL3
    ).records,
    "TLS 1.0": Hello(legacy_version=tls_hello.TLS10).records,
    "TLS 1.1": Hello(legacy_version=tls_hello.TLS11).records,
    "TLS 1.1 by extension": Hello(versions=[tls_hello.TLS11]).records,
    "no TLS": b"GET / HTTP/1.1\r\nHost: gateway\r\n\r\n",
}
EACH_VERSION = ((), (tls_hello.TLS13,))


def _hello(**offered: Any) -> Hello:
    return Hello(name=NAME, **offered)


def _forbidden() -> Iterator[tuple[str, bytes]]:
    """What no port may answer but by refusing it."""
    yield from TOO_OLD.items()
    yield "compression only", _hello(compressions=b"\x01").records
    for versions in EACH_VERSION:
        suites = tls_hello.SUITES_13 if versions else tls_hello.SUITES_12
        for part in all_but(suites | tls_hello.SIGNALLING):
            yield (
                f"suites {part[0]:04x}-",
                _hello(suites=part, versions=versions).records,
            )
        for part in all_but(tls_hello.GROUPS):
            yield f"groups {part[0]}-", _hello(groups=part, versions=versions).records
        for part in all_but(tls_hello.SIGNATURES):
            hello = _hello(signatures=part, versions=versions)
            yield f"signatures {part[0]:04x}-", hello.records


@pytest.mark.req("R69", "R159")
def test_no_port_takes_what_the_profile_forbids(place: Place) -> None:
    """All numbers of the registries but those of wan.md 2: versions, suites, curves,
    signatures, compression, each with all else as it should be."""
    taken = [
        (option, what)
        for option, port in scanned(place).items()
        for what, sent in _forbidden()
        if not answer_to(port, sent).is_refused
    ]
    assert taken == []


@pytest.mark.req("R69", "R159")
def test_every_port_takes_what_the_profile_needs(place: Place) -> None:
    """So that the refusals mean something; and no extension that is forbidden."""
    for option, port in scanned(place).items():
        for suite in tls_hello.SUITES_12:
            _check_taken(option, suite, answer_to(port, _wishing(suite).records))
        if option in WITH_TLS_13:
            for group in (23, 24, 29):
                hello = _hello(groups=[group], versions=[tls_hello.TLS13])
                taken = answer_to(port, hello.records)
                assert (taken.version, taken.group) == (tls_hello.TLS13, group), option


def _wishing(suite: int) -> Hello:
    """One suite, and all that must not be taken along with it."""
    return _hello(
        suites=[suite],
        compressions=b"\x01\0",
        more=[
            (tls_hello.TRUNCATED_MAC, b""),
            (tls_hello.HEARTBEAT, b"\x01"),
            (tls_hello.TICKET, b""),
            (tls_hello.ENCRYPT_THEN_MAC, b""),
            (tls_hello.MASTER_SECRET, b""),
            (tls_hello.RENEGOTIATION, b"\0"),
        ],
    )


def _check_taken(option: str, suite: int, taken: Taken) -> None:
    assert not taken.is_refused, (option, hex(suite))
    assert (taken.version, taken.suite) == (tls_hello.TLS12, suite), option
    assert taken.compression == 0, option
    assert taken.group in tls_hello.GROUPS, option
    assert taken.signature in tls_hello.SIGNATURES, option
    needed = {tls_hello.MASTER_SECRET, tls_hello.RENEGOTIATION}
    if suite == tls_hello.CBC_SUITE:
        needed.add(tls_hello.ENCRYPT_THEN_MAC)
    barred = {tls_hello.TRUNCATED_MAC, tls_hello.HEARTBEAT, tls_hello.TICKET}
    assert needed <= taken.extensions.keys(), option
    assert not barred & taken.extensions.keys(), option
    if option in MUTUAL:
        assert taken.client_signatures, f"{option} asks for no certificate"
    assert set(taken.client_signatures or ()) <= tls_hello.SIGNATURES, option


@pytest.mark.req("R69", "R159")
@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl")
def test_no_port_shakes_hands_a_second_time(place: Place) -> None:
    """Renegotiation, asked for by the client who is let in."""
    owner = {"--service-port": "technician", "--gwa-port": "gwa"}
    for option, port in place.ports.items():
        who = owner.get(option, "cls" if option in MUTUAL else "consumer")
        assert _renegotiated(port, place.people[who]) == "refused", option


def _renegotiated(port: int, person: Path) -> str:
    words = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-tls1_2"]
    words += ["-servername", NAME, "-cert", str(person), "-key", str(person)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(words, stderr=subprocess.STDOUT, text=True, **pipes) as run:
        late = threading.Timer(30, run.kill)
        late.start()
        assert run.stdin is not None and run.stdout is not None
        run.stdin.write("R\n")
        run.stdin.flush()
        said = ""
        for line in run.stdout:
            said += line
            if "no renegotiation" in line:
                break
        late.cancel()
        run.kill()
    if "RENEGOTIATING" not in said:
        return f"no connection: {said}"
    return "refused" if "no renegotiation" in said else f"accepted: {said}"


def _strangers(place: Place) -> list[str]:
    """Certificates that open nothing, most of them of the gateway's own PKI."""
    now, p256 = datetime.now(UTC), ec.SECP256R1()
    alien = pki.make_pki(now).sub
    issued: dict[str, dict[str, Any]] = {
        "of the same name": {},
        "foreign PKI": {"authority": alien},
        "expired": {"now": now - timedelta(days=900)},
        "not yet valid": {"now": now + timedelta(days=9)},
        "for encryption": {"purpose": Purpose.ENC},
        "for signatures": {"purpose": Purpose.SIG},
    }
    for name, more in issued.items():
        place.issued(name, f"{GWA}.GWA", p256, **more)
    for curve in (ec.SECP384R1(), ec.SECP521R1(), ec.BrainpoolP256R1(), ec.SECP224R1()):
        place.issued(curve.name, f"{GWA}.GWA", curve)
    return [*issued, "secp384r1", "secp521r1", "brainpoolP256r1", "secp224r1"]


def _is_shown(person: Path, version: ssl.TLSVersion) -> bool:
    """Whether a client can show it at all; without, it is nobody on the HAN port.

    TLS 1.3 knows three curves, and keys that may sign.
    """
    certificate = x509.load_pem_x509_certificate(person.read_bytes())
    key = certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    known = {"secp256r1", "secp384r1", "secp521r1"}
    return version is ssl.TLSVersion.TLSv1_2 or (
        usage.digital_signature and key.curve.name in known
    )


@pytest.mark.req("R69", "R95", "R99", "R159")
def test_each_port_lets_in_nobody_but_its_own_clients(place: Place) -> None:
    """Nobody, strangers of every kind, and the others' good certificates."""
    strangers = _strangers(place)
    owners = {
        ("--gwa-port", "gwa"),
        ("--service-port", "technician"),
        ("--cls-port", "cls"),
        ("--cls-sni-port", "cls"),
        ("--han-port", "consumer"),
    }
    versions = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
    let_in = {
        (option, who)
        for option, port in place.ports.items()
        for who, person in place.people.items()
        for version in versions
        if option in MUTUAL or _is_shown(person, version)
        if lets_in(port, person, version)
    }
    assert let_in == owners
    assert set(strangers) < set(place.people)
    for option in MUTUAL:
        for version in versions:
            assert not lets_in(place.ports[option], None, version), option


@pytest.mark.req("R69", "R97", "R159")
@pytest.mark.parametrize("way", ["taken out of force", "revoked by its issuer"])
def test_a_certificate_that_is_withdrawn_opens_the_port_no_more(
    place: Place, way: str
) -> None:
    """The administrator's second certificate: in, and after its end out."""
    port = place.ports["--gwa-port"]
    person = place.issued(way, f"{GWA}.GWA", ec.SECP256R1(), number=7)
    pem = person.read_text().partition("-----BEGIN PRIVATE")[0]
    body = {"holder": "GWA", "holder_id": GWA, "kind": "TLS", "certificate": pem}
    key = {"Idempotency-Key": f"scan-{len(place.people)}-import"}
    status, made = place.ask("POST", "/certificates", body, **key)
    assert status == 201, made
    version = ssl.TLSVersion.TLSv1_2
    wait_until = place.running.wait_until
    wait_until(lambda: lets_in(port, person, version), "it opens the port")
    if way == "taken out of force":
        assert place.ask("DELETE", f"/certificates/{made['id']}")[0] == 204
    else:
        _revoke(place, x509.load_pem_x509_certificate(pem.encode()))
    wait_until(lambda: not lets_in(port, person, version), "it is refused")
    again = replace(place, people={**place.people, "gwa": person})
    with pytest.raises((ssl.SSLError, ConnectionError)):
        again.ask("GET", "/healthz")


def _revoke(place: Place, certificate: x509.Certificate) -> None:
    now = datetime.now(UTC)
    made = pki.revocation_list(place.authority, [certificate], now=now, number=999)
    body = {"revocation_list": made.public_bytes(Encoding.PEM).decode()}
    key = {"Idempotency-Key": "scan-revocation"}
    status, answer = place.ask("POST", "/trust-anchors", body, **key)
    assert status == 201, answer
