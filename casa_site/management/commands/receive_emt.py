"""`./casa manage receive_emt --state DIR --port N`: a recipient of deliveries."""

import threading
from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from gwa_api.peers.emt import PATH, Emt
from gwa_api.peers.https_server import PeerServer
from gwa_api.peers.peer_keys import KeysMissing, PeerKeys, certificate_in
from hardware.clock import GatewayClock
from hardware.simulator.process import stop_on_signals


def add_trust(parser: ArgumentParser) -> None:
    """The options of both partners: state, address, keys, whom to trust."""
    parser.add_argument("--state", required=True, metavar="DIR", type=Path)
    parser.add_argument("--host", default="127.0.0.1", metavar="ADDRESS")
    parser.add_argument(
        "--keys", metavar="FOLDER", type=Path, help="take the keys from here once"
    )
    for option, who in (
        ("--client", "TLS certificate of somebody who may call"),
        ("--signer", "SIG certificate of a gateway"),
    ):
        parser.add_argument(
            option, action="append", default=[], metavar="FILE", type=Path, help=who
        )


def peer_keys(state: Path, options: dict[str, Any]) -> PeerKeys:
    """The keys in `state`, with what the options add; raises CommandError."""
    keys = PeerKeys(state)
    try:
        if options["keys"] is not None:
            keys.take_keys(options["keys"])
        for path in options["client"]:
            certificate = certificate_in(path)
            keys.trust_client(_name_of(certificate), certificate)
        for path in options["signer"]:
            certificate = certificate_in(path)
            keys.trust_signer(_name_of(certificate), certificate)
        keys.tls_identity()
    except (KeysMissing, OSError) as error:
        raise CommandError(f"{error}") from None
    return keys


def _name_of(certificate: x509.Certificate) -> str:
    """A file name of its own: files of a PKI are all called tls.pem."""
    return certificate.fingerprint(SHA256()).hex()[:16]


def host_time() -> datetime:
    """The time of this machine, moved by CASA_CLOCK_OFFSET (D39)."""
    return GatewayClock(settings.CLOCK_OFFSET).now()


class Command(BaseCommand):
    """Receives until Ctrl-C."""

    requires_system_checks: list[str] = []  # noqa: RUF012
    help = (
        "Receives deliveries over HTTPS with mutual TLS, checks, decrypts and stores "
        "them once in DIR: received/*.json, csv/*.csv, receipts/*.json."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where and with which keys."""
        add_trust(parser)
        parser.add_argument("--port", required=True, type=int, help="0: a free one")
        parser.add_argument(
            "--any-content",
            action="store_true",
            help="keep what can be opened and is no delivery too: other/*.bin",
        )

    def handle(self, *args: Any, state: Path, **options: Any) -> None:
        """Serve until a signal."""
        keys = peer_keys(state, options)
        emt = Emt(keys, host_time, self.stdout.write, options["any_content"])
        emt.received.prepare()
        address = options["host"], options["port"]
        try:
            keys.key("enc")
            server = PeerServer(keys, address, {PATH: emt.take}, clock=host_time)
        except (KeysMissing, OSError) as error:
            raise CommandError(f"{error}") from None
        stop = stop_on_signals()
        with server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            self.stdout.write(f"receiving on {options['host']}:{server.port}{PATH}")
            self.stdout.flush()
            stop.wait()
            server.shutdown()
