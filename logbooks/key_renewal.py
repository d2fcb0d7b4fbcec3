"""The gateway's own certificates of the SM-PKI, and the renewal of their keys.

A renewal: new keys in the free bank, a PKCS#10 request for each, the certificates
imported as pending, the bank switched, the old keys dropped. Which keys are in force
is written in the security module, in one file; what the database says of its own
certificates follows from that (`settle_certificates`), so that a kill at any point
leaves a gateway that goes on with either the old keys or the new ones.
"""

from collections.abc import Mapping
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.db import transaction

from hardware.certificate_path import (
    CertificateRefused,
    Refusal,
    read_certificate,
)
from hardware.gateway import Gateway
from hardware.key_slots import (
    ENCRYPTION_SLOT,
    PURPOSES,
    SIGNATURE_SLOT,
    TLS_SLOT,
    other_bank,
    slot_in,
)
from hardware.module_state import LifeCycle
from hardware.pki import distinguished_name
from hardware.root_certificates import refuse_unless_new
from hardware.security_faults import BanksOccupied, KeyInUse
from logbooks.certificate_store import (
    Holder,
    Kind,
    Stage,
    State,
    parsed,
    path_of,
    store_certificate,
)
from logbooks.models import Certificate

CURVE = "brainpoolP256r1"
"""For the keys of outbound channels and of encryption (decisions D30)."""
KIND_OF = {TLS_SLOT: Kind.TLS, ENCRYPTION_SLOT: Kind.ENC, SIGNATURE_SLOT: Kind.SIG}

_RANK = {Stage.SELF_SIGNED: 0, Stage.QUALITY_SEAL: 1, Stage.OPERATIONAL: 2}
_GATEWAY = {"holder": Holder.SMGW, "key_slot__in": PURPOSES}


def first_requests(gateway: Gateway) -> dict[str, str]:
    """A PKCS#10 request (PEM) for each key in force, by purpose; made where missing.

    For a gateway that has no certificates of the SM-PKI yet.
    """
    module = gateway.security_module
    for purpose in PURPOSES:
        if not module.has_key(purpose):
            module.generate(purpose, CURVE)
    bank = module.state().active_bank
    return _requests(gateway, bank)


def request_certificates(gateway: Gateway) -> dict[str, str]:
    """New keys in the free bank, and a PKCS#10 request (PEM) for each, by purpose.

    The signature key is on the curve of the one in force. Raises BanksOccupied while
    a renewal is under way, or old keys have not been dropped.
    """
    module = gateway.security_module
    signature_curve = module.public_key(SIGNATURE_SLOT).curve.name
    curves = {TLS_SLOT: CURVE, ENCRYPTION_SLOT: CURVE, SIGNATURE_SLOT: signature_curve}
    module.generate_next_bank(curves)
    return open_requests(gateway)


def open_requests(gateway: Gateway) -> dict[str, str]:
    """The requests of the renewal under way, once more.

    Raises BanksOccupied when none is, or a kill left the keys incomplete.
    """
    _refuse_without_new_keys(gateway)
    return _requests(gateway, other_bank(gateway.security_module.state().active_bank))


def import_own_certificate(
    gateway: Gateway,
    data: bytes,
    *,
    now: datetime,
    stage: Certificate.Stage = Stage.OPERATIONAL,
) -> Certificate:
    """Take a certificate that was issued for one of the gateway's keys.

    For a key in force it is so at once; for a new key it is pending until
    `activate_certificates`. Gütesiegel certificates only while the gateway has no
    Wirk certificates. Raises CertificateRefused or LifeCycleRefused.
    """
    if stage == Stage.QUALITY_SEAL:
        refuse_unless_new(gateway.security_module)
    certificate = read_certificate(data)
    purpose, in_force = _purpose_of(gateway, certificate)
    name = f"{gateway.huid}.smgw"
    kind = KIND_OF[purpose]
    path_of(gateway, certificate, kind=kind, now=now, common_name=name)
    with transaction.atomic():
        entry = store_certificate(
            certificate,
            kind=kind,
            stage=stage,
            holder=Holder.SMGW,
            key_slot=purpose,
            state=State.PENDING,
        )
        if in_force:
            settle_certificates(gateway, now=now)
            entry.refresh_from_db()
    return entry


def check_activation(gateway: Gateway, *, now: datetime) -> Mapping[str, Certificate]:
    """The pending certificates that `activate_certificates` would put in force.

    By purpose; all three must be there and good now. Raises BanksOccupied without a
    renewal, CertificateRefused otherwise.
    """
    _refuse_without_new_keys(gateway)
    return {purpose: _pending(gateway, purpose, now) for purpose in PURPOSES}


def activate_certificates(gateway: Gateway, *, now: datetime) -> None:
    """Switch to the new keys and certificates; raises as `check_activation`.

    The old keys are kept, so that what was encrypted for them opens, until
    `drop_previous_keys`.
    """
    check_activation(gateway, now=now)
    gateway.security_module.switch_bank()
    settle_certificates(gateway, now=now)


@transaction.atomic
def settle_certificates(gateway: Gateway, *, now: datetime) -> None:
    """Let the store say what the security module says: which certificates are in force.

    Of each key in force the best one: Wirk before Gütesiegel before self-signed, then
    the newest. May run at any time, and does at each start.
    """
    for purpose in PURPOSES:
        if gateway.security_module.has_key(purpose):
            _settle(gateway, purpose, now)
    _advance_life_cycle(gateway)


def drop_previous_keys(gateway: Gateway) -> None:
    """Destroy the old keys after a renewal; their bank is free then.

    Raises KeyInUse while the other bank holds the keys of a renewal under way.
    """
    if _holds_new_keys(gateway):
        raise KeyInUse("the other bank holds new keys; cancel the renewal")
    gateway.security_module.delete_next_bank()


def cancel_renewal(gateway: Gateway, *, now: datetime) -> None:
    """Give up a renewal: destroy the new keys, end their pending certificates.

    Raises KeyInUse when no renewal is under way.
    """
    if not _holds_new_keys(gateway):
        raise KeyInUse("no renewal is under way")
    skis = [
        gateway.security_module.key_identifier(slot) for slot in _next_slots(gateway)
    ]
    pending = Certificate.objects.filter(**_GATEWAY, ski__in=skis, state=State.PENDING)
    pending.update(state=State.EXPIRED, ended_at=now)
    gateway.security_module.delete_next_bank()


def own_certificate(kind: Certificate.Kind) -> Certificate | None:
    """The certificate of the gateway in force for a purpose; None without one."""
    found = Certificate.objects.filter(
        holder=Holder.SMGW, kind=kind, key_slot__in=PURPOSES, state=State.ACTIVE
    )
    return found.order_by("-not_before").first()


def own_chain(
    gateway: Gateway, kind: Certificate.Kind, *, now: datetime
) -> list[x509.Certificate]:
    """The gateway's certificate for a purpose with those above it, root left out.

    As TLS sends it. Raises CertificateRefused without a good one of the SM-PKI.
    """
    entry = own_certificate(kind)
    if entry is None or entry.stage == Stage.SELF_SIGNED:
        raise CertificateRefused(Refusal.NOT_PINNED, "no certificate of the SM-PKI")
    return path_of(gateway, parsed(entry), kind=kind, now=now)[:-1]


def _requests(gateway: Gateway, bank: int) -> dict[str, str]:
    module = gateway.security_module
    number = Certificate.objects.filter(**_GATEWAY, stage=Stage.OPERATIONAL).count()
    subject = distinguished_name(f"{gateway.huid}.smgw", number // len(PURPOSES) + 1)
    made = {
        purpose: module.certificate_request(slot_in(bank, purpose), subject)
        for purpose in PURPOSES
    }
    return {
        purpose: request.public_bytes(Encoding.PEM).decode()
        for purpose, request in made.items()
    }


def _purpose_of(gateway: Gateway, certificate: x509.Certificate) -> tuple[str, bool]:
    """Whose key it certifies, and whether that is in force."""
    module, active = gateway.security_module, gateway.security_module.state()
    for bank in (active.active_bank, other_bank(active.active_bank)):
        for purpose in PURPOSES:
            slot = slot_in(bank, purpose)
            if module.has_key(slot) and (
                module.public_key(slot) == certificate.public_key()
            ):
                return purpose, bank == active.active_bank
    raise CertificateRefused(Refusal.NAME, "not a certificate of a key of this gateway")


def _next_slots(gateway: Gateway) -> list[str]:
    module = gateway.security_module
    slots = [module.next_slot(purpose) for purpose in PURPOSES]
    return [slot for slot in slots if module.has_key(slot)]


def _holds_new_keys(gateway: Gateway) -> bool:
    """Whether the other bank holds keys that were never in force."""
    module = gateway.security_module
    skis = [module.key_identifier(slot) for slot in _next_slots(gateway)]
    used = Certificate.objects.filter(**_GATEWAY, ski__in=skis)
    return bool(skis) and not used.exclude(state=State.PENDING).exists()


def _refuse_without_new_keys(gateway: Gateway) -> None:
    complete = len(_next_slots(gateway)) == len(PURPOSES)
    if not complete or not _holds_new_keys(gateway):
        raise BanksOccupied("no renewal is under way, or its keys are not complete")


def _pending(gateway: Gateway, purpose: str, now: datetime) -> Certificate:
    module = gateway.security_module
    entry = (
        Certificate.objects.filter(
            **_GATEWAY,
            kind=KIND_OF[purpose],
            ski=module.key_identifier(module.next_slot(purpose)),
            state=State.PENDING,
        )
        .order_by("-not_before")
        .first()
    )
    if entry is None:
        raise CertificateRefused(Refusal.NOT_PINNED, f"no new certificate: {purpose}")
    path_of(gateway, parsed(entry), kind=KIND_OF[purpose], now=now)
    return entry


def _settle(gateway: Gateway, purpose: str, now: datetime) -> None:
    ski = gateway.security_module.key_identifier(purpose)
    own = Certificate.objects.filter(holder=Holder.SMGW, key_slot=purpose)
    candidates = own.filter(ski=ski, state__in=(State.ACTIVE, State.PENDING))
    best = max(
        candidates, key=lambda each: (_rank(each), each.not_before), default=None
    )
    if best is None:
        return
    others = own.filter(state=State.ACTIVE).exclude(pk=best.pk)
    others.update(state=State.EXPIRED, ended_at=now)
    if best.state != State.ACTIVE:
        Certificate.objects.filter(pk=best.pk).update(state=State.ACTIVE)


def _rank(entry: Certificate) -> int:
    return _RANK.get(Stage(entry.stage), 0)


def _advance_life_cycle(gateway: Gateway) -> None:
    """Three certificates of one stage move the module on; it never goes back."""
    own = Certificate.objects.filter(**_GATEWAY, state=State.ACTIVE)
    stages = {entry.key_slot: entry.stage for entry in own}
    goal = LifeCycle.INITIAL
    if len(stages) == len(PURPOSES) and Stage.SELF_SIGNED not in stages.values():
        goal = LifeCycle.PRE_PERSONALISED
        if set(stages.values()) == {Stage.OPERATIONAL}:
            goal = LifeCycle.OPERATIONAL
    if goal.rank > gateway.security_module.state().life_cycle.rank:
        gateway.security_module.advance(goal)
