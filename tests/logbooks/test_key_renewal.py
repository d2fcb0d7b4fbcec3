"""Own certificates: first ones, renewal in the other bank, kills in between."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from hardware.certificate_path import CertificateRefused, Refusal
from hardware.gateway import Gateway, open_gateway
from hardware.key_slots import PURPOSES
from hardware.module_state import LifeCycle
from hardware.security_faults import BanksOccupied, KeyInUse, LifeCycleRefused
from hardware.security_module import SoftSecurityModule, verify
from logbooks import key_renewal
from logbooks.certificate_store import Kind, Stage, State, parsed
from logbooks.certificates import (
    certificate_by_ski,
    ensure_signature_certificate,
    public_key,
    signature_certificate,
)
from logbooks.models import Certificate
from tests.logbooks.pki_gateway import Lab, personalised, trusting

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=30)

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def lab() -> Lab:
    return Lab(NOW)


@pytest.fixture
def operational(gateway: Gateway, lab: Lab) -> Gateway:
    """A gateway in operation: root, sub-CA, three Wirk certificates."""
    ensure_signature_certificate(gateway, NOW)
    trusting(gateway, lab)
    personalised(gateway, lab)
    return gateway


def answered(gateway: Gateway, lab: Lab, requests: dict[str, str]) -> None:
    for purpose, request in requests.items():
        data = lab.issued(request, f"{gateway.huid}.smgw", purpose, number=2)
        key_renewal.import_own_certificate(gateway, data, now=LATER)


def soft(gateway: Gateway) -> SoftSecurityModule:
    module = gateway.security_module
    assert isinstance(module, SoftSecurityModule)
    return module


@pytest.mark.req("R154")
def test_quality_seal_then_operational_certificates(gateway: Gateway, lab: Lab) -> None:
    """R154: root, Gütesiegel, Wirk in this order; the life cycle goes along."""
    ensure_signature_certificate(gateway, NOW)
    module = gateway.security_module
    assert module.state().life_cycle is LifeCycle.INITIAL
    trusting(gateway, lab)
    personalised(gateway, lab, Stage.QUALITY_SEAL)
    assert module.state().life_cycle is LifeCycle.PRE_PERSONALISED
    assert signature_certificate().stage == Stage.QUALITY_SEAL
    answered(gateway, lab, key_renewal.request_certificates(gateway))
    key_renewal.activate_certificates(gateway, now=LATER)
    assert module.state().life_cycle is LifeCycle.OPERATIONAL
    for kind in (Kind.TLS, Kind.ENC, Kind.SIG):
        own = key_renewal.own_certificate(kind)
        assert own is not None and own.stage == Stage.OPERATIONAL
    with pytest.raises(LifeCycleRefused) as refused:
        personalised(gateway, lab, Stage.QUALITY_SEAL)
    assert refused.value.code == 1600080


@pytest.mark.req("R65", "R154")
def test_a_renewal_puts_new_keys_in_force_and_old_signatures_stay_good(
    operational: Gateway, lab: Lab
) -> None:
    """R65, R154: values signed before the switch verify with the old certificate."""
    module = operational.security_module
    slot = module.active_slot("sig")
    ski, signature = module.key_identifier(slot), module.sign(slot, b"value")
    requests = key_renewal.request_certificates(operational)
    assert key_renewal.open_requests(operational).keys() == requests.keys()
    answered(operational, lab, requests)
    assert signature_certificate().ski == ski
    key_renewal.activate_certificates(operational, now=LATER)
    assert signature_certificate().ski == module.key_identifier("sig") != ski
    assert module.sign(slot, b"value")  # a signer under way finishes with its slot
    old = certificate_by_ski(ski)
    assert old.state == State.EXPIRED and old.ended_at == LATER
    verify(public_key(old), signature, b"value")
    key_renewal.drop_previous_keys(operational)
    assert not module.has_key(slot)
    assert ensure_signature_certificate(operational, LATER) == signature_certificate()
    assert len(key_renewal.request_certificates(operational)) == 3


def test_the_requests_are_signed_and_name_the_gateway(operational: Gateway) -> None:
    for purpose, text in key_renewal.request_certificates(operational).items():
        request = x509.load_pem_x509_csr(text.encode())
        slot = operational.security_module.next_slot(purpose)
        assert request.is_signature_valid
        assert request.public_key() == operational.security_module.public_key(slot)
        assert "eemh0009264154.smgw" in request.subject.rfc4514_string()


def no_request(gateway: Gateway, lab: Lab) -> None:
    key_renewal.open_requests(gateway)


def second_request(gateway: Gateway, lab: Lab) -> None:
    key_renewal.request_certificates(gateway)
    key_renewal.request_certificates(gateway)


def activation_without_certificates(gateway: Gateway, lab: Lab) -> None:
    key_renewal.request_certificates(gateway)
    key_renewal.activate_certificates(gateway, now=LATER)


def activation_after_the_end(gateway: Gateway, lab: Lab) -> None:
    answered(gateway, lab, key_renewal.request_certificates(gateway))
    key_renewal.activate_certificates(gateway, now=NOW + timedelta(days=800))


def dropping_new_keys(gateway: Gateway, lab: Lab) -> None:
    key_renewal.request_certificates(gateway)
    key_renewal.drop_previous_keys(gateway)


def cancelling_nothing(gateway: Gateway, lab: Lab) -> None:
    key_renewal.cancel_renewal(gateway, now=LATER)


def cancelling_after_the_switch(gateway: Gateway, lab: Lab) -> None:
    answered(gateway, lab, key_renewal.request_certificates(gateway))
    key_renewal.activate_certificates(gateway, now=LATER)
    key_renewal.cancel_renewal(gateway, now=LATER)


def request_with_old_keys_kept(gateway: Gateway, lab: Lab) -> None:
    answered(gateway, lab, key_renewal.request_certificates(gateway))
    key_renewal.activate_certificates(gateway, now=LATER)
    key_renewal.request_certificates(gateway)


def foreign_key(gateway: Gateway, lab: Lab) -> None:
    der, _key = lab.partner("eemh0009264154.smgw")
    key_renewal.import_own_certificate(gateway, der, now=LATER)


def anothers_name(gateway: Gateway, lab: Lab) -> None:
    request = key_renewal.request_certificates(gateway)["tls"]
    data = lab.issued(request, "eemh0000000001.smgw", "tls")
    key_renewal.import_own_certificate(gateway, data, now=LATER)


def another_purpose(gateway: Gateway, lab: Lab) -> None:
    request = key_renewal.request_certificates(gateway)["tls"]
    data = lab.issued(request, "eemh0009264154.smgw", "enc")
    key_renewal.import_own_certificate(gateway, data, now=LATER)


def foreign_pki(gateway: Gateway, lab: Lab) -> None:
    request = key_renewal.request_certificates(gateway)["tls"]
    data = Lab(NOW).issued(request, "eemh0009264154.smgw", "tls")
    key_renewal.import_own_certificate(gateway, data, now=LATER)


@pytest.mark.req("R154")
@pytest.mark.parametrize(
    ("act", "code"),
    [
        (no_request, 1600122),
        (second_request, 1600122),
        (request_with_old_keys_kept, 1600122),
        (activation_without_certificates, 2200044),
        (activation_after_the_end, 2200041),
        (dropping_new_keys, 1600201),
        (cancelling_nothing, 1600201),
        (cancelling_after_the_switch, 1600201),
        (foreign_key, 1600107),
        (anothers_name, 1600107),
        (another_purpose, 1600115),
        (foreign_pki, 2300306),
    ],
)
def test_a_wrong_step_is_refused_and_the_gateway_goes_on(
    operational: Gateway,
    lab: Lab,
    act: Callable[[Gateway, Lab], None],
    code: int,
) -> None:
    """R154: each refusal with its code; the keys in force stay usable."""
    with pytest.raises((BanksOccupied, KeyInUse, CertificateRefused)) as refused:
        act(operational, lab)
    assert refused.value.code == code  # type: ignore[attr-defined]
    key = public_key(signature_certificate())
    verify(key, operational.security_module.sign("sig", b"x"), b"x")


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("generated", [0, 1, 2, 3])
def test_a_kill_while_keys_are_made_leaves_a_renewal_that_can_be_cancelled(
    operational: Gateway, lab: Lab, generated: int
) -> None:
    """After a restart the old keys work, and a new renewal begins after a cancel."""
    module = soft(operational)
    for purpose in PURPOSES[:generated]:
        module.generate(module.next_slot(purpose), key_renewal.CURVE)
    again = open_gateway(operational.state)
    ensure_signature_certificate(again, LATER)
    assert signature_certificate().ski == again.security_module.key_identifier("sig")
    if generated:
        with pytest.raises(BanksOccupied):
            key_renewal.request_certificates(again)
        key_renewal.cancel_renewal(again, now=LATER)
    assert len(key_renewal.request_certificates(again)) == 3


@pytest.mark.parametrize("step", ["before the switch", "after the switch"])
def test_a_kill_at_the_switch_leaves_old_or_new_keys_in_force(
    operational: Gateway, lab: Lab, step: str
) -> None:
    """The bank is one file: whatever it says, the store follows at the next start."""
    answered(operational, lab, key_renewal.request_certificates(operational))
    if step == "after the switch":
        operational.security_module.switch_bank()
    again = open_gateway(operational.state)
    ski = again.security_module.key_identifier("sig")
    ensure_signature_certificate(again, LATER)
    certificate = signature_certificate()
    assert (certificate.ski, certificate.stage) == (ski, Stage.OPERATIONAL)
    verify(public_key(certificate), again.security_module.sign("sig", b"x"), b"x")
    if step == "before the switch":
        key_renewal.activate_certificates(again, now=LATER)
    key_renewal.drop_previous_keys(again)
    in_force = Certificate.objects.filter(holder="SMGW", state=State.ACTIVE)
    assert sorted(each.kind for each in in_force) == ["ENC", "SIG", "TLS"]


def test_a_kill_while_old_keys_are_dropped_is_made_good(
    operational: Gateway, lab: Lab
) -> None:
    answered(operational, lab, key_renewal.request_certificates(operational))
    key_renewal.activate_certificates(operational, now=LATER)
    module = operational.security_module
    module.delete(module.next_slot("tls"))
    again = open_gateway(operational.state)
    key_renewal.drop_previous_keys(again)
    assert len(key_renewal.request_certificates(again)) == 3


def test_a_cancelled_renewal_ends_its_pending_certificates(
    operational: Gateway, lab: Lab
) -> None:
    answered(operational, lab, key_renewal.request_certificates(operational))
    key_renewal.cancel_renewal(operational, now=LATER)
    assert not Certificate.objects.filter(state=State.PENDING).exists()
    assert signature_certificate().state == State.ACTIVE


def test_the_chain_for_tls_ends_below_the_root(operational: Gateway, lab: Lab) -> None:
    chain = key_renewal.own_chain(operational, Kind.TLS, now=LATER)
    own = key_renewal.own_certificate(Kind.TLS)
    assert own is not None
    assert chain == [parsed(own), lab.pki.sub.certificate]


def test_a_gateway_without_a_pki_has_no_chain(gateway: Gateway) -> None:
    ensure_signature_certificate(gateway, NOW)
    with pytest.raises(CertificateRefused) as refused:
        key_renewal.own_chain(gateway, Kind.SIG, now=NOW)
    assert refused.value.refusal is Refusal.NOT_PINNED


def test_an_operational_certificate_is_not_replaced_by_a_self_signed_one(
    operational: Gateway,
) -> None:
    """Near its end and after it, renewing is the administrator's business."""
    made = signature_certificate()
    for days in (710, 731, 800):
        now = NOW + timedelta(days=days)
        assert ensure_signature_certificate(operational, now) == made
