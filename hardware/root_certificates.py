"""The root certificates in the security module: the gateway's trust anchors (R69).

The first root is put in while the module is new; later ones only with a link
certificate that the root in force signed, and none goes while it is the only one.
"""

from dataclasses import replace
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from hardware.certificate_path import (
    CertificateRefused,
    check_issued_by,
    check_root,
    read_certificate,
)
from hardware.module_state import LifeCycle, ModuleState
from hardware.security_faults import LifeCycleRefused, RootRefused
from hardware.security_protocol import SecurityModule

ROOT_SLOTS = range(1, 5)
"""The slots for root certificates."""

ALREADY_INSTALLED = 1600268
LINK_INVALID = 1600238
SLOT_TAKEN = 1600237
SLOT_INVALID = 1600244
LAST_ROOT = 1600245
NOT_FOUND = 1600250
NOT_INITIAL = 1600026


def root_certificates(module: SecurityModule) -> list[x509.Certificate]:
    """The installed roots, in the order of their slots."""
    return [
        x509.load_der_x509_certificate(der)
        for _slot, der in sorted(module.state().roots)
    ]


def install_initial_root(module: SecurityModule, der: bytes) -> x509.Certificate:
    """Put the first root into a new module; returns it.

    Raises RootRefused, or CertificateRefused when it is no root of the SM-PKI.
    """
    root = check_root(read_certificate(der))

    def installed(state: ModuleState) -> ModuleState:
        _refuse_installed(state, root)
        if state.roots or state.life_cycle is not LifeCycle.INITIAL:
            raise RootRefused("there is an initial root already", code=NOT_INITIAL)
        return replace(state, roots=((ROOT_SLOTS[0], _der(root)),))

    module.change(installed)
    return root


def install_root(
    module: SecurityModule, der: bytes, *, link: bytes, slot: int | None = None
) -> x509.Certificate:
    """Put in a further root; `link` is its certificate signed by an installed root.

    Into `slot`, else into the first that is free. Raises RootRefused or
    CertificateRefused.
    """
    root = check_root(read_certificate(der))

    def installed(state: ModuleState) -> ModuleState:
        _refuse_installed(state, root)
        _check_link(state, root, link)
        at = _free_slot(state, slot)
        return replace(state, roots=(*state.roots, (at, _der(root))))

    module.change(installed)
    return root


def delete_root(module: SecurityModule, fingerprint: str) -> None:
    """Give up a root (SHA-256 of the certificate, hex); raises RootRefused."""

    def deleted(state: ModuleState) -> ModuleState:
        kept = tuple(each for each in state.roots if _print(each[1]) != fingerprint)
        if len(kept) == len(state.roots):
            raise RootRefused("there is no such root certificate", code=NOT_FOUND)
        if not kept:
            raise RootRefused("it is the only root certificate", code=LAST_ROOT)
        return replace(state, roots=kept)

    module.change(deleted)


def refuse_unless_new(module: SecurityModule) -> None:
    """Gütesiegel certificates are put in before the gateway operates; then no more."""
    if module.state().life_cycle.rank >= LifeCycle.OPERATIONAL.rank:
        raise LifeCycleRefused("the gateway is in operation already", code=1600080)


def _refuse_installed(state: ModuleState, root: x509.Certificate) -> None:
    if any(der == _der(root) for _slot, der in state.roots):
        raise RootRefused("this root is installed already", code=ALREADY_INSTALLED)


def _check_link(state: ModuleState, root: x509.Certificate, link: bytes) -> None:
    """The link certifies the new root's key and name, signed by an installed root."""
    try:
        linked = read_certificate(link)
    except CertificateRefused:
        raise RootRefused("the link certificate is none", code=LINK_INVALID) from None
    if linked.subject != root.subject or linked.public_key() != root.public_key():
        raise RootRefused("the link is for another root", code=LINK_INVALID)
    installed = (x509.load_der_x509_certificate(der) for _slot, der in state.roots)
    if not any(_signed(linked, each) for each in installed):
        raise RootRefused("no installed root signed the link", code=LINK_INVALID)


def _signed(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        check_issued_by(certificate, issuer)
    except CertificateRefused:
        return False
    return True


def _free_slot(state: ModuleState, wanted: int | None) -> int:
    taken = {slot for slot, _der in state.roots}
    if wanted is not None and wanted not in ROOT_SLOTS:
        raise RootRefused(f"there is no root slot {wanted}", code=SLOT_INVALID)
    if wanted is not None and wanted in taken:
        raise RootRefused(f"root slot {wanted} is taken", code=SLOT_TAKEN)
    free = [slot for slot in ROOT_SLOTS if slot not in taken]
    if not free:
        raise RootRefused("every root slot is taken", code=SLOT_TAKEN)
    return free[0] if wanted is None else wanted


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def _print(der: bytes) -> str:
    return sha256(der).hexdigest()
