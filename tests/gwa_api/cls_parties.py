"""The parties of a proxied connection: certificates, an EMT that echoes, a CLS."""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from gwa_api.cls.framing import SocksTlsFraming, Step
from gwa_api.cls.profile import Profile, Scenario
from hardware.certificate_path import Purpose
from hardware.pki import key_usage

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Party:
    """Somebody with a key pair; `file` holds certificate and key, PEM."""

    certificate: bytes
    file: Path

    @classmethod
    def made(cls, folder: Path, name: str, curve: ec.EllipticCurve) -> "Party":
        """A self-signed one."""
        key = ec.generate_private_key(curve)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = (
            x509.CertificateBuilder(subject, subject, key.public_key(), 1)
            .not_valid_before(NOW - timedelta(days=9))
            .not_valid_after(NOW - timedelta(days=1))  # the time is not checked
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()),
                critical=False,
            )
            .add_extension(x509.BasicConstraints(False, None), critical=True)
            .add_extension(key_usage(Purpose.TLS), critical=True)
            .sign(key, SHA256())
        )
        return cls.of(folder, name, certificate.public_bytes(Encoding.DER), key)

    @classmethod
    def of(
        cls,
        folder: Path,
        name: str,
        certificate: bytes,
        key: ec.EllipticCurvePrivateKey,
    ) -> "Party":
        """One with this certificate (DER)."""
        pem = ssl.DER_cert_to_PEM_cert(certificate).encode() + key.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
        (folder / name).write_bytes(pem)
        return cls(certificate, folder / name)


def context(own: Party, trusted: Sequence[bytes], *, server: bool) -> ssl.SSLContext:
    """Mutual TLS 1.2 with exactly these partners."""
    side = ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT
    made = ssl.SSLContext(side)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_REQUIRED
    made.maximum_version = ssl.TLSVersion.TLSv1_2
    made.verify_flags |= 0x200000  # the time of certificates is not checked
    for certificate in trusted:
        made.load_verify_locations(cadata=certificate)
    made.load_cert_chain(own.file)
    return made


@dataclass
class Contexts:
    """The proxy's contexts: its own certificate on both sides."""

    gateway: Party

    def house(self, profiles: Sequence[Profile]) -> ssl.SSLContext:
        trusted = [profile.cls_certificate for profile in profiles]
        return context(self.gateway, trusted, server=True)

    def device(self, profile: Profile) -> ssl.SSLContext:
        return context(self.gateway, [profile.cls_certificate], server=False)

    def market(self, profile: Profile) -> ssl.SSLContext:
        return context(self.gateway, profile.emt_certificates, server=False)


class Journal:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self._news = asyncio.Event()
        self.opened_of: list[str] = []
        self.closed_of: list[str] = []
        self.reasons: list[str] = []

    async def opened(self, profile: Profile, number: int | None) -> int:
        self.opened_of.append(profile.id)
        self._news.set()
        return len(self.opened_of)

    async def closed(self, number: int, profile: Profile) -> None:
        self.closed_of.append(profile.id)
        self._news.set()

    async def refused(self, reason: str) -> None:
        self.reasons.append(reason)
        self._news.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for entries that make the condition true."""
        while not condition():
            self._news.clear()
            await self._news.wait()


PROFILE = Profile(
    id="wallbox",
    version=1,
    scenario=Scenario.CLS,
    local_server_name="steuerbox",
    cls_certificate=b"",
    cls_address="",
    wan_addresses=(),
    wan_sni="emt.example",
    emt_certificates=(),
    valid_from=NOW - timedelta(days=1),
    valid_to=None,
    max_duration=timedelta(hours=48),
    idle_timeout=timedelta(seconds=300),
    connect_timeout=timedelta(seconds=5),
    max_parallel=1,
    consumer="meier",
)


def profile_of(cls: Party, emt: Party, port: int, **changes: object) -> Profile:
    """A profile between these two; the EMT listens on this port of loopback."""
    made = replace(
        PROFILE,
        cls_certificate=cls.certificate,
        emt_certificates=(emt.certificate,),
        wan_addresses=(f"127.0.0.1:{port}",),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An EMT that sends back what it gets."""
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


class Device:
    """A CLS with SOCKS-TLS, byte by byte; `frames` are the states that it saw."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        tls: ssl.SSLContext,
    ) -> None:
        self.reader, self.writer = reader, writer
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = tls.wrap_bio(self.incoming, self.outgoing)
        self.frames: list[int] = []

    async def greet(self, methods: bytes = b"\x06") -> bytes:
        self.writer.write(bytes((5, len(methods))) + methods)
        return await self.reader.read(2)

    async def shake_hands(self, *, piece: int = 65535) -> None:
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.send(Step.HANDSHAKE, piece)
                await self.receive()
        self.send(Step.HANDSHAKE, piece)

    async def connect(self, request: bytes) -> bytes:
        await self.write(request)
        return await self.read(10)

    async def write(self, data: bytes, *, piece: int = 65535) -> None:
        self.tls.write(data)
        self.send(Step.DATA, piece)
        await self.writer.drain()

    async def read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            try:
                got = self.tls.read(size - len(data))
            except ssl.SSLWantReadError:
                await self.receive()
                continue
            except ssl.SSLZeroReturnError:
                return data
            if not got:
                return data
            data += got
        return data

    def send(self, step: Step, piece: int) -> None:
        records, framing = self.outgoing.read(), SocksTlsFraming()
        for at in range(0, len(records), piece):
            self.writer.write(framing.wrap(records[at : at + piece], step))

    async def receive(self) -> None:
        head = await self.reader.readexactly(4)
        self.frames.append(head[1])
        size = int.from_bytes(head[2:], "big")
        self.incoming.write(await self.reader.readexactly(size))


def request(name: str, *, command: int = 1, kind: int = 3) -> bytes:
    """CONNECT to a name."""
    encoded = name.encode()
    return bytes((5, command, 0, kind, len(encoded))) + encoded + b"\x01\xbb"
