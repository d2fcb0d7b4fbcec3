"""A gateway with trust anchors and certificates of a test PKI, and its partners."""

from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from hardware.certificate_path import Purpose
from hardware.gateway import Gateway
from hardware.pki import LabPki, issue, make_pki
from hardware.root_certificates import install_initial_root
from logbooks.certificate_store import Stage, import_authority
from logbooks.key_renewal import (
    first_requests,
    import_own_certificate,
)

PURPOSE_OF = {"tls": Purpose.TLS, "enc": Purpose.ENC, "sig": Purpose.SIG}


@dataclass
class Lab:
    """The PKI, and what it issues."""

    now: datetime
    pki: LabPki = field(init=False)

    def __post_init__(self) -> None:
        self.pki = make_pki(self.now)

    def issued(self, request: str, name: str, purpose: str, **more: object) -> bytes:
        """The certificate (PEM) that answers a PKCS#10 request."""
        csr = x509.load_pem_x509_csr(request.encode())
        assert csr.is_signature_valid
        key = csr.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        made = issue(
            self.pki.sub,
            key,
            common_name=name,
            purpose=PURPOSE_OF[purpose],
            now=more.pop("now", self.now),  # type: ignore[arg-type]
            **more,  # type: ignore[arg-type]
        )
        return made.public_bytes(Encoding.PEM)

    def partner(
        self, name: str, purpose: Purpose = Purpose.TLS, **more: object
    ) -> tuple[bytes, ec.EllipticCurvePrivateKey]:
        """A partner's certificate (DER) and key, on P-256."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = issue(
            self.pki.sub,
            key.public_key(),
            common_name=name,
            purpose=purpose,
            now=more.pop("now", self.now),  # type: ignore[arg-type]
            **more,  # type: ignore[arg-type]
        )
        return made.public_bytes(Encoding.DER), key


def trusting(gateway: Gateway, lab: Lab) -> None:
    """Put root and sub-CA into the gateway."""
    root = lab.pki.root.certificate.public_bytes(Encoding.DER)
    install_initial_root(gateway.security_module, root)
    sub = lab.pki.sub.certificate.public_bytes(Encoding.DER)
    import_authority(gateway, sub, now=lab.now)


def personalised(gateway: Gateway, lab: Lab, stage: Stage = Stage.OPERATIONAL) -> None:
    """Give the gateway certificates of the PKI for its first keys."""
    for purpose, request in first_requests(gateway).items():
        data = lab.issued(request, f"{gateway.huid}.smgw", purpose)
        import_own_certificate(gateway, data, now=lab.now, stage=stage)
