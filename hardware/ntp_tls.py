"""Asks the GWA's time server: NTP packets inside a TLS connection (wan.md 6.1).

Opened by the gateway. The answer is authentic when the server proved to have the key
of exactly the certificate that is configured for it.
"""

import hmac
import secrets
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509

from hardware import ntp
from hardware.ntp import NtpAnswerInvalid, TimeSample
from hardware.tls_profile import FileIdentity, client_context

CONNECT_TIMEOUT_S = 5.0


class TimeServiceFailed(Exception):
    """No time could be had; `code` is the fault code of the manual, ch. 9.4."""

    code: int


class TimeServerUnreachable(TimeServiceFailed):
    """The TLS connection could not be built, or not to the right server."""

    code = 1500014


class TimeServerLost(TimeServiceFailed):
    """The connection broke, or what came was not an answer to be used."""

    code = 1500042


class TimeServerSilent(TimeServiceFailed):
    """No answer within nine seconds."""

    code = 1500016


@dataclass(frozen=True, slots=True)
class TimeServer:
    """Where the time comes from and the one certificate (DER) it has to show.

    `own_files` are the PEM files of the gateway's TLS certificate and key for servers
    that ask for one.
    """

    host: str
    port: int
    certificate: bytes
    own_files: tuple[Path, Path] | None = None


def ask(
    server: TimeServer,
    *,
    now: datetime,
    is_valid: bool,
    monotonic: Callable[[], float] = time.monotonic,
) -> TimeSample:
    """One sample of the server's time against the own time `now`.

    While the own time is not valid, the validity of the certificate is not looked at
    (DS Handshake.160). Raises TimeServiceFailed.
    """
    began = monotonic()
    if is_valid:
        _refuse_out_of_date(server.certificate, now)

    def own_time() -> datetime:
        return now + timedelta(seconds=monotonic() - began)

    with _connected(server) as channel:
        cookie = secrets.token_bytes(ntp.COOKIE_BYTES)
        asked_at = own_time()
        packet = _exchange(channel, ntp.request(cookie))
        heard_at = own_time()
        try:
            answer = ntp.answer_of(packet, cookie, own=now)
            return ntp.sample_of(answer, asked_at, heard_at)
        except NtpAnswerInvalid as reason:
            raise TimeServerLost(str(reason)) from None


def _connected(server: TimeServer) -> ssl.SSLSocket:
    """A channel to a server that has the right key; raises TimeServerUnreachable."""
    try:
        plain = socket.create_connection(
            (server.host, server.port), timeout=CONNECT_TIMEOUT_S
        )
    except OSError as error:
        raise TimeServerUnreachable(error.strerror or str(error)) from None
    try:
        channel = _context(server).wrap_socket(plain)
    except (OSError, ValueError) as error:
        plain.close()
        raise TimeServerUnreachable(f"TLS: {error}") from None
    shown = channel.getpeercert(binary_form=True) or b""
    if not hmac.compare_digest(shown, server.certificate):
        channel.close()
        raise TimeServerUnreachable("the certificate is not the configured one")
    return channel


def _context(server: TimeServer) -> ssl.SSLContext:
    """For this server's exact certificate; ValueError when it is none."""
    own = None if server.own_files is None else FileIdentity(*server.own_files)
    pin = x509.load_der_x509_certificate(server.certificate)
    return client_context(own, pins=[pin], tls_max="1.3")


def _exchange(channel: ssl.SSLSocket, request: bytes) -> bytes:
    """Send the request and read one packet; a byte too many shows in its length."""
    deadline = time.monotonic() + ntp.LONGEST_ROUND_TRIP.total_seconds()
    packet = b""
    try:
        channel.sendall(request)
        while len(packet) < ntp.PACKET_BYTES:
            channel.settimeout(max(0.001, deadline - time.monotonic()))
            data = channel.recv(ntp.PACKET_BYTES + 1 - len(packet))
            if not data:
                raise TimeServerLost("the server closed the connection")
            packet += data
    except TimeoutError:
        raise TimeServerSilent("no answer within nine seconds") from None
    except OSError as error:
        raise TimeServerLost(error.strerror or str(error)) from None
    return packet


def _refuse_out_of_date(certificate: bytes, now: datetime) -> None:
    try:
        parsed = x509.load_der_x509_certificate(certificate)
    except ValueError:
        raise TimeServerUnreachable("the configured certificate is none") from None
    if not parsed.not_valid_before_utc <= now <= parsed.not_valid_after_utc:
        raise TimeServerUnreachable("the server's certificate is out of date")
