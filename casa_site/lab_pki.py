"""A PKI with its parties as files, for laboratories and for the demo.

`root.pem`, `sub.pem`, `crl.pem`, and for each party a folder with `tls.pem`,
`tls.key`, `enc.pem`, ... All keys are unprotected files of mode 0600: it is for tests.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ec import (
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from hardware import pki
from hardware.certificate_path import Purpose
from hardware.private_files import make_once, replace

_NAMES: tuple[x509.GeneralName, ...] = (
    x509.DNSName("localhost"),
    x509.IPAddress(ip_address("127.0.0.1")),
    x509.IPAddress(ip_address("::1")),
)


@dataclass(frozen=True, slots=True)
class LabFolder:
    """Where the files of a PKI are."""

    folder: Path

    @property
    def root(self) -> Path:
        """The root certificate."""
        return self.folder / "root.pem"

    @property
    def sub(self) -> Path:
        """The sub-CA's certificate."""
        return self.folder / "sub.pem"

    def certificate(self, party: str, purpose: Purpose) -> Path:
        """A party's certificate."""
        return self.folder / party / f"{purpose.name.lower()}.pem"

    def key(self, party: str, purpose: Purpose) -> Path:
        """A party's private key."""
        return self.folder / party / f"{purpose.name.lower()}.key"

    def authority(self) -> pki.Authority:
        """The sub-CA with its key; raises OSError or ValueError."""
        certificate = x509.load_pem_x509_certificate(self.sub.read_bytes())
        key = load_pem_private_key((self.folder / "sub.key").read_bytes(), None)
        if not isinstance(key, EllipticCurvePrivateKey):
            raise ValueError("the sub-CA's key is not an EC key")
        return pki.Authority(certificate, key)


def make_lab_pki(
    folder: Path, *, gwa: str, emts: Iterable[str], now: datetime
) -> LabFolder:
    """Make the PKI with a GWA and EMTs in an empty folder; ValueError when it has one.

    The GWA's TLS key is on P-256, because browsers and curl cannot do brainpool (D30).
    """
    lab = LabFolder(folder)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if lab.root.exists():
        raise ValueError(f"there is a PKI in {folder} already")
    made = pki.make_pki(now)
    _write_authority(folder, "sub", made.sub)
    add_party(lab, made.sub, gwa, f"{gwa}.gwa", tls_curve=ec.SECP256R1(), now=now)
    for emt in emts:
        add_party(lab, made.sub, emt, f"{emt}.emt", tls_curve=_BRAINPOOL, now=now)
    crl = pki.revocation_list(made.sub, (), now=now.replace(microsecond=0))
    replace(folder / "crl.pem", crl.public_bytes(Encoding.PEM))
    _write_authority(folder, "root", made.root)  # last: it says that all is there
    return lab


_BRAINPOOL = ec.BrainpoolP256R1()


def add_party(
    lab: LabFolder,
    authority: pki.Authority,
    party: str,
    common_name: str,
    *,
    tls_curve: ec.EllipticCurve,
    now: datetime,
) -> None:
    """Write keys and certificates of one party into its folder."""
    (lab.folder / party).mkdir(mode=0o700, exist_ok=True)
    for purpose in Purpose:
        is_tls = purpose is Purpose.TLS
        key = ec.generate_private_key(tls_curve if is_tls else _BRAINPOOL)
        certificate = pki.issue(
            authority,
            key.public_key(),
            common_name=common_name,
            purpose=purpose,
            now=now,
            names=_NAMES if is_tls else (),
        )
        make_once(lab.key(party, purpose), _pem_of(key))
        pem = certificate.public_bytes(Encoding.PEM)
        replace(lab.certificate(party, purpose), pem)


def answer_request(
    authority: pki.Authority,
    request: str,
    *,
    common_name: str,
    purpose: Purpose,
    now: datetime,
    quality_seal: bool = False,
    number: int = 1,
) -> bytes:
    """The certificate (PEM) for a PKCS#10 request (PEM); ValueError for a bad one."""
    csr = x509.load_pem_x509_csr(request.encode())
    key = csr.public_key()
    if not csr.is_signature_valid or not isinstance(key, EllipticCurvePublicKey):
        raise ValueError("the request is not signed by its own EC key")
    life = pki.QUALITY_SEAL_LIFETIME if quality_seal else pki.END_LIFETIME
    made = pki.issue(
        authority,
        key,
        common_name=common_name,
        purpose=purpose,
        now=now,
        lifetime=life,
        number=number,
    )
    return made.public_bytes(Encoding.PEM)


def _write_authority(folder: Path, name: str, authority: pki.Authority) -> None:
    make_once(folder / f"{name}.key", _pem_of(authority.key))
    pem = authority.certificate.public_bytes(Encoding.PEM)
    replace(folder / f"{name}.pem", pem)


def _pem_of(key: EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
