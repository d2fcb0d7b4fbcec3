"""A gateway and the parties of a lab PKI: they get to know each other."""

from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from casa_site.lab_pki import LabFolder, answer_request
from hardware.certificate_path import Purpose
from hardware.gateway import Gateway
from hardware.module_state import LifeCycle
from hardware.root_certificates import install_initial_root, root_certificates
from logbooks.certificate_store import (
    Holder,
    Kind,
    Stage,
    import_authority,
    import_partner_certificate,
)
from logbooks.key_renewal import KIND_OF, first_requests, import_own_certificate
from logbooks.models import Certificate


def trust(gateway: Gateway, lab: LabFolder, *, now: datetime) -> None:
    """Put root and sub-CA into the gateway; what is there stays."""
    if not root_certificates(gateway.security_module):
        root = x509.load_pem_x509_certificate(lab.root.read_bytes())
        install_initial_root(gateway.security_module, root.public_bytes(Encoding.DER))
    import_authority(gateway, lab.sub.read_bytes(), now=now)


def personalise(gateway: Gateway, lab: LabFolder, *, now: datetime) -> None:
    """Give the gateway its certificates: of the maker first, then for operation."""
    if gateway.security_module.state().life_cycle is LifeCycle.INITIAL:
        _certify(gateway, lab, Stage.QUALITY_SEAL, now)
    _certify(gateway, lab, Stage.OPERATIONAL, now)


def know_partner(
    gateway: Gateway, lab: LabFolder, party: str, holder: Holder, *, now: datetime
) -> None:
    """Let the gateway know all certificates of a party."""
    for purpose in Purpose:
        import_partner_certificate(
            gateway,
            lab.certificate(party, purpose).read_bytes(),
            kind=Kind(purpose.value),
            holder=holder,
            holder_id=party,
            now=now,
        )


def _certify(
    gateway: Gateway, lab: LabFolder, stage: Certificate.Stage, now: datetime
) -> None:
    """The sub-CA answers the gateway's requests, for its keys in force."""
    authority = lab.authority()
    for purpose, request in first_requests(gateway).items():
        answer = answer_request(
            authority,
            request,
            common_name=f"{gateway.huid}.smgw",
            purpose=Purpose(KIND_OF[purpose].value),
            quality_seal=stage == Stage.QUALITY_SEAL,
            now=now,
        )
        import_own_certificate(gateway, answer, stage=stage, now=now)
