"""The time server over TLS, as the gateway meets it."""

import socket
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from hardware import ntp_tls
from hardware.ntp_tls import (
    TimeServer,
    TimeServerLost,
    TimeServerSilent,
    TimeServerUnreachable,
    TimeServiceFailed,
)
from hardware.simulator.time_server import Mischief, TimeServerState, running

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
Files = tuple[Path, Path]


def pair(folder: Path, name: str, curve: ec.EllipticCurve | None = None) -> Files:
    """A self-signed certificate that is valid for a year around NOW."""
    key = ec.generate_private_key(curve or ec.SECP256R1())
    subject = x509.Name.from_rfc4514_string(f"CN={name}")
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=180))
        .not_valid_after(NOW + timedelta(days=180))
        .sign(key, SHA256())
    )
    paths = folder / f"{name}.pem", folder / f"{name}.key"
    paths[0].write_bytes(certificate.public_bytes(Encoding.PEM))
    form = PrivateFormat.PKCS8
    paths[1].write_bytes(key.private_bytes(Encoding.PEM, form, NoEncryption()))
    return paths


def der(files: Files) -> bytes:
    certificate = x509.load_pem_x509_certificate(files[0].read_bytes())
    return certificate.public_bytes(Encoding.DER)


def refusal(state: TimeServerState, shown: Files, wanted: bytes) -> TimeServiceFailed:
    """Why a server with the files `shown` gives no time to who wants `wanted`."""
    with running(state, shown) as address, pytest.raises(TimeServiceFailed) as failure:
        ntp_tls.ask(TimeServer(*address, wanted), now=NOW, is_valid=True)
    return failure.value


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return pair(tmp_path_factory.mktemp("time"), "gwa.time")


@pytest.mark.req("R155")
@pytest.mark.parametrize("error", [0 * SECOND, 26 * SECOND, -3600 * SECOND])
def test_the_difference_to_the_server_is_found(files: Files, error: timedelta) -> None:
    """A good server over TLS: offset within the round trip."""
    state = TimeServerState(lambda: NOW, error)
    with running(state, files) as (host, port):
        server = TimeServer(host, port, der(files))
        sample = ntp_tls.ask(server, now=NOW, is_valid=True)
    assert abs(sample.offset - error) < SECOND
    assert sample.round_trip < SECOND


@pytest.mark.req("R155")
@pytest.mark.parametrize(
    "mischief", [one for one in Mischief if one not in {Mischief.NONE, Mischief.SILENT}]
)
def test_an_answer_that_is_wrong_is_no_time(files: Files, mischief: Mischief) -> None:
    """Each wrong answer ends in fault 1500042."""
    failure = refusal(
        TimeServerState(lambda: NOW, mischief=mischief), files, der(files)
    )
    assert isinstance(failure, TimeServerLost)
    assert failure.code == 1500042


@pytest.mark.req("R155")
def test_a_server_with_another_certificate_is_not_believed(
    files: Files, tmp_path: Path
) -> None:
    """Same name, another key: 1500014, and it is asked nothing."""
    other = pair(tmp_path, "gwa.time")
    state = TimeServerState(lambda: NOW)
    failure = refusal(state, other, der(files))
    assert "verify failed" in str(failure)
    assert failure.code == 1500014
    assert state.asked == 0


@pytest.mark.req("R155")
def test_a_certificate_out_of_date_counts_only_without_a_valid_time(
    files: Files,
) -> None:
    """DS Handshake.160: the validity time may be skipped while no time is valid."""
    much_later = NOW + timedelta(days=400)
    with running(TimeServerState(lambda: NOW), files) as address:
        server = TimeServer(*address, der(files))
        with pytest.raises(TimeServerUnreachable, match="out of date"):
            ntp_tls.ask(server, now=much_later, is_valid=True)
        sample = ntp_tls.ask(server, now=much_later, is_valid=False)
    assert abs(sample.offset + timedelta(days=400)) < SECOND


def test_a_port_where_nobody_listens_is_said_so(files: Files) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with pytest.raises(TimeServerUnreachable, match="refused"):
        ntp_tls.ask(TimeServer("127.0.0.1", port, der(files)), now=NOW, is_valid=True)


def test_a_server_that_says_nothing_is_left_after_the_round_trip_time(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nine seconds in the field; here the limit is a twentieth of a second."""
    monkeypatch.setattr(ntp_tls.ntp, "LONGEST_ROUND_TRIP", timedelta(seconds=0.05))
    state = TimeServerState(lambda: NOW, mischief=Mischief.SILENT)
    failure = refusal(state, files, der(files))
    assert isinstance(failure, TimeServerSilent)
    assert failure.code == 1500016


def test_a_server_that_speaks_no_tls_is_not_believed(files: Files) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        port = deaf.getsockname()[1]

        def hang_up() -> None:
            peer, _address = deaf.accept()
            peer.sendall(b"hello\r\n")
            peer.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(TimeServerUnreachable, match="TLS"):
            server = TimeServer("127.0.0.1", port, der(files))
            ntp_tls.ask(server, now=NOW, is_valid=True)
        thread.join()
