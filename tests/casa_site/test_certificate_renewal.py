"""Certificates are renewed while the gateway runs."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from casa_site import tasks
from casa_site.celery import app, beat_schedule
from casa_site.han_server import CurrentContext
from hardware.gateway import Gateway
from hardware.han_certificate import VALIDITY as HAN_VALIDITY
from hardware.han_certificate import TlsFiles, ensure_han_files
from logbooks import certificates
from logbooks.models import Certificate

NOW = datetime.now(UTC)


@pytest.fixture
def files(gateway: Gateway) -> TlsFiles:
    """A web server's certificate that ends in ten days."""
    made_at = NOW - HAN_VALIDITY + timedelta(days=11)
    return ensure_han_files(gateway, addresses=["192.168.1.9"], now=made_at)


def end_of(path: Path) -> datetime:
    return x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc


def certificate_served(context: ssl.SSLContext) -> bytes | None:
    """What a client gets from a server with these settings, in memory."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE
    client = trusting.wrap_bio(to_client, to_server)
    server = context.wrap_bio(to_server, to_client, server_side=True)
    for side in (client, server, client):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return client.getpeercert(binary_form=True)


def der_of(path: Path) -> bytes:
    return ssl.PEM_cert_to_DER_cert(path.read_text())


@pytest.mark.django_db
def test_the_daily_task_renews_what_ends_soon(
    gateway: Gateway, files: TlsFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_at = NOW - certificates.VALIDITY + timedelta(days=10)
    old = certificates.ensure_signature_certificate(gateway, made_at)
    monkeypatch.setitem(app.gateways, gateway.huid, gateway)
    monkeypatch.setattr(app, "han_addresses", ("192.168.1.9",))
    tasks.renew_certificates(gateway.huid)
    assert end_of(files.certificate) > NOW + timedelta(days=700)
    renewed = certificates.signature_certificate()
    assert renewed.not_after > NOW + timedelta(days=700)
    old.refresh_from_db()
    assert (old.state, old.ski) == (Certificate.State.EXPIRED, renewed.ski)
    names = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    assert "192.168.1.9" in str(names.extensions)


def test_the_task_is_sent_once_a_day() -> None:
    entry = beat_schedule(["x"])["casa_site.tasks.renew_certificates x"]
    assert entry["schedule"] == timedelta(days=1)
    assert entry["task"] == tasks.renew_certificates.name


def test_a_renewed_certificate_is_served_on_the_next_connection(
    gateway: Gateway, files: TlsFiles
) -> None:
    context = CurrentContext(files, tls_max="1.3")
    first = context()
    assert context() is first
    assert certificate_served(first) == der_of(files.certificate)
    old = der_of(files.certificate)
    ensure_han_files(gateway, addresses=["192.168.1.9"], now=NOW)
    assert certificate_served(context()) == der_of(files.certificate) != old


def test_unusable_files_leave_the_certificate_that_is_served(files: TlsFiles) -> None:
    context = CurrentContext(files, tls_max="1.3")
    good = context()
    files.certificate.write_text("torn")
    assert context() is good
    files.certificate.unlink()
    assert context() is good
