"""`<state>/demo.json`: all that a client needs to try the demo (decisions.md, 3)."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from casa_site.demo import parties
from casa_site.demo.plan import CONSUMERS, EMTS, GWA, peer_folder
from gwa_api.peers.alarm_book import FOLDER as ALARMS
from gwa_api.peers.received import DOCUMENTS
from hardware.gateway import Gateway
from hardware.han_certificate import GWA_LISTENER, server_files
from logbooks.certificates import signature_certificate
from meters.selectors import meters_of
from tariffs.selectors import contract_name, profiles_of

DEMO_FILE = "demo.json"
_CERTIFICATE_FILE = "demo/signature.pem"


def write(
    gateway: Gateway, *, han_url: str, service_url: str, passwords: Mapping[str, str]
) -> None:
    """Write the file with mode 0600; what does not exist yet has no key in it."""
    gateway_files = server_files(gateway, GWA_LISTENER)
    text = {
        "huid": gateway.huid,
        "han_url": han_url,
        "service_url": service_url,
        "consumers": [
            {
                "user": consumer.id,
                "password": passwords[consumer.id],
                **parties.described(gateway.state, consumer.id),
                "meters": [meter.id for meter in meters_of(consumer.id)],
                "contracts": [
                    contract_name(gateway.huid, profile)
                    for profile in profiles_of(consumer.id)
                ],
            }
            for consumer in CONSUMERS
        ],
        "technician": parties.described(gateway.state, parties.TECHNICIAN),
        "gwa": {
            **parties.described_partner(gateway.state, GWA),
            "ca": str(gateway_files.certificate),
            "alarms": str(peer_folder(gateway.state, GWA) / ALARMS),
        },
        "emts": described_emts(gateway.state),
        "signature_certificate": str(_write_certificate(gateway)),
    }
    _write_private(gateway.state / DEMO_FILE, json.dumps(text, indent=1) + "\n")


def described_emts(state: Path) -> list[dict[str, str]]:
    """The market participants, and where what they got lies decrypted."""
    return [
        {"id": name, "inbox": str(peer_folder(state, name) / DOCUMENTS)}
        for name in EMTS
    ]


def _write_certificate(gateway: Gateway) -> Path:
    certificate = x509.load_der_x509_certificate(bytes(signature_certificate().der))
    path = gateway.state / _CERTIFICATE_FILE
    path.write_bytes(certificate.public_bytes(Encoding.PEM))
    return path


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
