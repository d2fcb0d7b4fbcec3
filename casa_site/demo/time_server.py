"""The demo's time server: what a gateway administrator runs, as a process of its own.

Its key, its certificate by the demo's PKI and its port stand in the demo's folder; the
gateway knows address and certificate only. Its time is the host's, moved with the
gateway's (D39).
"""

import random
import socket
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from django.conf import settings

from casa_site import readiness
from casa_site.demo import parties
from casa_site.demo.plan import DEMO_FOLDER
from hardware import pki
from hardware.certificate_path import Purpose
from hardware.clock import GatewayClock
from hardware.gateway import Gateway
from hardware.private_files import make_once
from hardware.simulator.process import stop_on_signals
from hardware.simulator.time_server import TimeServerState, serve
from logbooks.time_service import configure_time_service

ROLE = "demo-time"
HOST = "127.0.0.1"
_PORTS = range(20_000, 32_000)
"""Below those that the system gives to outgoing connections."""
_BEGUN = timedelta(days=1)
"""A gateway whose clock is slow must not hold the certificate for one of tomorrow."""


def install(gateway: Gateway, *, now: datetime) -> None:
    """Make the server's key and let the gateway take its time from it."""
    folder = _folder(gateway.state)
    lab = parties.made_lab(gateway.state, now=now)
    certificate = server_certificate(*_files(folder), now, lab.authority())
    port = int(make_once(folder / "port", str(free_port()).encode()))
    configure_time_service(
        gateway,
        host=HOST,
        port=port,
        certificate=certificate.public_bytes(Encoding.DER),
        now=now,
    )


def is_installed(state: Path) -> bool:
    """A demo of an earlier version has none."""
    return (state / DEMO_FOLDER / "time" / "port").exists()


def serve_time(state: Path) -> None:
    """Answer until SIGTERM."""
    folder = _folder(state)
    clock = GatewayClock(settings.CLOCK_OFFSET)
    stop = stop_on_signals()
    port = int((folder / "port").read_text())
    with socket.create_server((HOST, port)) as listener:
        readiness.announce(state, ROLE)
        serve(TimeServerState(clock.now), listener, _files(folder), stop)


def _folder(state: Path) -> Path:
    folder = state / DEMO_FOLDER / "time"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _files(folder: Path) -> tuple[Path, Path]:
    return folder / "server.pem", folder / "server.key"


def free_port() -> int:
    """A port that nobody uses at the moment."""
    for port in random.sample(_PORTS, 50):
        try:
            with socket.create_server((HOST, port)):
                return port
        except OSError:
            continue
    raise RuntimeError("no port is free for the demo's time server")


def server_certificate(
    path: Path, key_path: Path, now: datetime, authority: pki.Authority | None = None
) -> x509.Certificate:
    """The certificate of the server's key; both made when missing.

    Without an authority one is made for it alone.
    """
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    new = ec.generate_private_key(ec.SECP256R1()).private_bytes(*form)
    key = load_pem_private_key(make_once(key_path, new), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    made = pki.issue(
        authority or pki.make_pki(now).sub,
        key.public_key(),
        common_name="time.gwa",
        purpose=Purpose.TLS,
        now=now.astimezone(UTC) - _BEGUN,
        names=(x509.IPAddress(ip_address(HOST)),),
    )
    return x509.load_pem_x509_certificate(
        make_once(path, made.public_bytes(Encoding.PEM))
    )
