"""The demo's PKI and its parties: gateway, GWA, EMT, technician, consumers.

The keys of the others lie in `<state>/demo/` only; the gateway has its own in its
security module and knows the others by their certificates. Made once: what is there
stays, so that a first start that broke off goes on.
"""

import secrets
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from casa_site import lab_gateway
from casa_site.demo.plan import CONSUMERS, DEMO_FOLDER, EMTS, GWA
from casa_site.lab_pki import LabFolder, add_party, make_lab_pki
from hardware.certificate_path import Purpose
from hardware.gateway import Gateway
from hardware.private_files import replace
from logbooks.certificate_store import Holder
from meters.account_certificates import (
    IssuedCertificate,
    issue_consumer_certificate,
    issue_technician_certificate,
)
from meters.accounts import create_account
from meters.models import Account

TECHNICIAN = "techniker"
_PIN_BYTES = 6


def lab_folder(state: Path) -> LabFolder:
    """Where the PKI and the keys of GWA and EMT are."""
    return LabFolder(state / DEMO_FOLDER / "pki")


def made_lab(state: Path, *, now: datetime) -> LabFolder:
    """The same; the PKI is made when there is none."""
    lab = lab_folder(state)
    if not lab.root.exists():
        make_lab_pki(lab.folder, gwa=GWA, emts=EMTS, now=now)
    return lab


def party_folder(state: Path, name: str) -> Path:
    """Where certificate, key and .p12 of a consumer or the technician are."""
    return state / DEMO_FOLDER / "certificates" / name


def install(gateway: Gateway, *, now: datetime) -> None:
    """Give the gateway its certificates, and everybody else his; accounts exist."""
    lab = made_lab(gateway.state, now=now)
    introduce(gateway, lab, now=now)
    _issue_to_people(gateway, now)


def introduce(gateway: Gateway, lab: LabFolder, *, now: datetime) -> None:
    """Give a gateway its certificates by this PKI, and those of its partners."""
    lab_gateway.trust(gateway, lab, now=now)
    lab_gateway.personalise(gateway, lab, now=now)
    _know_partners(gateway, lab, now)


def complete(gateway: Gateway, *, now: datetime) -> None:
    """Give a demo of an older version the market participants that it lacks."""
    lab = lab_folder(gateway.state)
    for emt in EMTS:
        if not lab.certificate(emt, Purpose.SIG).exists():
            curve = ec.BrainpoolP256R1()
            add_party(lab, lab.authority(), emt, f"{emt}.emt", tls_curve=curve, now=now)
    _know_partners(gateway, lab, now)


def _know_partners(gateway: Gateway, lab: LabFolder, now: datetime) -> None:
    lab_gateway.know_partner(gateway, lab, GWA, Holder.GWA, now=now)
    for name in EMTS:
        lab_gateway.know_partner(gateway, lab, name, Holder.EMT, now=now)


def _issue_to_people(gateway: Gateway, now: datetime) -> None:
    role = Account.Role.TECHNICIAN
    technician = Account.objects.filter(username=TECHNICIAN).first() or create_account(
        gateway, username=TECHNICIAN, role=role
    )
    issued = issue_technician_certificate(gateway, technician, now=now)
    _hand_over(gateway.state, TECHNICIAN, issued)
    for planned in CONSUMERS:
        account = Account.objects.select_related("consumer").get(username=planned.id)
        pin = secrets.token_urlsafe(_PIN_BYTES)
        issued = issue_consumer_certificate(gateway, account, pin=pin, now=now)
        _hand_over(gateway.state, planned.id, issued)


def _hand_over(state: Path, name: str, issued: IssuedCertificate) -> None:
    folder = party_folder(state, name)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace(folder / "client.pem", issued.certificate)
    replace(folder / "client.key", issued.key)
    replace(folder / "client.p12", issued.p12)
    replace(folder / "client.pin", issued.pin.encode())


def described(state: Path, name: str) -> dict[str, str]:
    """The members of demo.json that tell where somebody's certificate is."""
    folder = party_folder(state, name)
    if not (folder / "client.p12").exists():
        return {}
    return {
        "certificate": str(folder / "client.pem"),
        "key": str(folder / "client.key"),
        "p12": str(folder / "client.p12"),
        "p12_pin": (folder / "client.pin").read_text(),
    }


def described_partner(state: Path, party: str) -> dict[str, str]:
    """The same for GWA or EMT: TLS certificate and key."""
    lab = lab_folder(state)
    return {
        "certificate": str(lab.certificate(party, Purpose.TLS)),
        "key": str(lab.key(party, Purpose.TLS)),
    }
