"""The store: partners' pins, revocation, what ends, the HAN's authority."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from hardware import pki
from hardware.certificate_path import CertificateRefused, Purpose
from hardware.gateway import Gateway
from hardware.lmn_certificates import P256, new_identity
from hardware.root_certificates import delete_root, install_root
from logbooks import certificate_store as store
from logbooks.alarms import AlarmKind, open_alarms
from logbooks.certificate_expiry import EXPIRED, check_certificates
from logbooks.certificate_store import Holder, Kind, State
from logbooks.certificates import ensure_signature_certificate
from logbooks.han_authority import han_authority, issue_han_certificate
from logbooks.models import Certificate, SystemLogEntry
from tests.logbooks.pki_gateway import Lab, personalised, trusting

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=10)

pytestmark = pytest.mark.django_db


@pytest.fixture
def lab() -> Lab:
    return Lab(NOW)


@pytest.fixture
def trusted(gateway: Gateway, lab: Lab) -> Gateway:
    trusting(gateway, lab)
    return gateway


def known(
    gateway: Gateway, data: bytes, kind: Kind = Kind.TLS, holder_id: str = "gwa-1"
) -> Certificate:
    return store.import_partner_certificate(
        gateway, data, kind=kind, holder=Holder.GWA, holder_id=holder_id, now=NOW
    )


def refusal(act: Callable[[], object]) -> int:
    with pytest.raises(CertificateRefused) as refused:
        act()
    return refused.value.code


@pytest.mark.req("R69")
def test_a_partner_is_known_by_his_exact_certificate(
    trusted: Gateway, lab: Lab
) -> None:
    """R69: neither another one of the same PKI nor one with his name will do."""
    his, _key = lab.partner("gwa-1.gwa")
    other, _key = lab.partner("gwa-1.gwa")
    entry = known(trusted, his)
    assert known(trusted, his) == entry
    found = store.check_peer(trusted, his, holder=Holder.GWA, now=LATER)
    assert (found, found.holder_id) == (entry, "gwa-1")

    def check(der: bytes, **more: object) -> Callable[[], object]:
        options = {"holder": Holder.GWA, "now": LATER, **more}
        return lambda: store.check_peer(trusted, der, **options)  # type: ignore

    assert refusal(check(other)) == 2200044
    assert refusal(check(his, holder=Holder.EMT)) == 2200044
    assert refusal(check(his, kind=Kind.SIG)) == 2200044
    assert refusal(check(his, holder_id="gwa-2")) == 2200044
    assert refusal(check(his, now=NOW - timedelta(1))) == 2200042
    assert refusal(check(his, now=NOW + timedelta(731))) == 2200041
    assert store.check_peer(trusted, his, holder=Holder.GWA, now=None) == entry


@pytest.mark.req("R69")
def test_a_certificate_of_another_pki_is_not_imported(
    trusted: Gateway, lab: Lab
) -> None:
    """R69: a foreign chain is refused."""
    foreign, _key = Lab(NOW).partner("gwa-1.gwa")
    assert refusal(lambda: known(trusted, foreign)) == 2300306
    sub = Lab(NOW).pki.sub.certificate.public_bytes(Encoding.DER)
    assert refusal(lambda: store.import_authority(trusted, sub, now=NOW)) == 2300306
    assert not Certificate.objects.filter(holder="GWA").exists()


def test_a_certificate_serves_one_holder_and_one_purpose(
    trusted: Gateway, lab: Lab
) -> None:
    data, _key = lab.partner("gwa-1.gwa")
    assert refusal(lambda: known(trusted, data, Kind.ENC)) == 1600115
    known(trusted, data)
    assert refusal(lambda: known(trusted, data, holder_id="gwa-2")) == 1600107


@pytest.mark.parametrize("end", [store.end_certificate, store.revoke_certificate])
def test_what_was_ended_or_revoked_is_refused_and_does_not_come_back(
    trusted: Gateway, lab: Lab, end: Callable[..., bool]
) -> None:
    data, _key = lab.partner("gwa-1.gwa")
    entry = known(trusted, data)
    assert end(entry.fingerprint, now=LATER) and not end(entry.fingerprint, now=LATER)
    entry.refresh_from_db()
    assert entry.ended_at == LATER
    assert (
        refusal(lambda: store.check_peer(trusted, data, holder=Holder.GWA, now=LATER))
        == 2200044
    )
    assert refusal(lambda: known(trusted, data)) in (2200041, 2300306)


def a_list(lab: Lab, *ders: bytes, number: int = 1) -> bytes:
    gone = [store.read_certificate(der) for der in ders]
    crl = pki.revocation_list(lab.pki.sub, gone, now=NOW, number=number)
    return crl.public_bytes(Encoding.DER)


def test_a_revocation_list_ends_known_certificates_and_keeps_others_out(
    trusted: Gateway, lab: Lab
) -> None:
    his, _key = lab.partner("gwa-1.gwa")
    future, _key = lab.partner("gwa-2.gwa")
    entry = known(trusted, his)
    data = a_list(lab, his, future, number=2)
    ended = store.import_revocation_list(trusted, data, now=LATER)
    assert [each.pk for each in ended] == [entry.pk]
    entry.refresh_from_db()
    assert entry.state == State.REVOKED
    assert refusal(lambda: known(trusted, future)) == 2300306
    older = a_list(lab, number=1)
    assert (
        refusal(lambda: store.import_revocation_list(trusted, older, now=LATER))
        == 2200041
    )
    assert store.import_revocation_list(trusted, data, now=LATER) == []


def test_a_revoked_sub_ca_takes_everybody_below_with_it(
    trusted: Gateway, lab: Lab
) -> None:
    data, _key = lab.partner("gwa-1.gwa")
    known(trusted, data)
    sub = lab.pki.sub.certificate
    crl = pki.revocation_list(lab.pki.root, [sub], now=NOW).public_bytes(Encoding.DER)
    assert len(store.import_revocation_list(trusted, crl, now=LATER)) == 1
    assert (
        refusal(lambda: store.check_peer(trusted, data, holder=Holder.GWA, now=LATER))
        == 2300306
    )


@pytest.mark.req("R69")
def test_without_its_root_a_chain_is_worth_nothing(trusted: Gateway, lab: Lab) -> None:
    """R69: trust ends with the root that is given up."""
    data, _key = lab.partner("gwa-1.gwa")
    known(trusted, data)
    module, old = trusted.security_module, lab.pki.root
    new = pki.make_root(NOW, number=2)
    link = pki.link_certificate(old, new).public_bytes(Encoding.DER)
    install_root(module, new.certificate.public_bytes(Encoding.DER), link=link)
    store.check_peer(trusted, data, holder=Holder.GWA, now=LATER)
    delete_root(module, old.certificate.fingerprint(SHA256()).hex())
    assert (
        refusal(lambda: store.check_peer(trusted, data, holder=Holder.GWA, now=LATER))
        == 2300306
    )


def test_the_newest_good_encryption_certificate_is_used(
    trusted: Gateway, lab: Lab
) -> None:
    def find(now: datetime) -> object:
        return store.encryption_certificate(trusted, Holder.EMT, "emt-1", now=now)

    assert refusal(lambda: find(NOW)) == 2200044
    for start in (NOW, LATER):
        data, _key = lab.partner("emt-1.emt", Purpose.ENC, now=start)
        store.import_partner_certificate(
            trusted,
            data,
            kind=Kind.ENC,
            holder=Holder.EMT,
            holder_id="emt-1",
            now=start,
        )
    newest = store.read_certificate(data)
    assert find(LATER) == newest != find(NOW)
    assert refusal(lambda: find(NOW + timedelta(days=900))) == 2200041


def test_a_refusal_is_written_into_the_system_log(trusted: Gateway) -> None:
    with pytest.raises(CertificateRefused), store.logged_refusals(trusted, NOW):
        known(trusted, b"nothing")
    assert [each.event_id for each in SystemLogEntry.objects.all()] == [1600068]


def alarms() -> list[tuple[str, str]]:
    return sorted((each.kind, each.subject.split()[0]) for each in open_alarms())


def test_what_ends_is_an_alarm_and_what_has_ended_a_fault(
    trusted: Gateway, lab: Lab
) -> None:
    """Sixty days before; the fault once, however often it is looked at."""
    ensure_signature_certificate(trusted, NOW)
    data, _key = lab.partner("gwa-1.gwa")
    entry = known(trusted, data)
    before = NOW + timedelta(days=669)
    assert check_certificates(trusted, now=before) == [] and alarms() == []
    check_certificates(trusted, now=before + timedelta(days=2))
    assert alarms() == [(AlarmKind.CERTIFICATE_ENDS, "GWA")]
    for days in (730, 731, 732):
        check_certificates(trusted, now=NOW + timedelta(days=days))
    assert alarms() == [(AlarmKind.CERTIFICATE_EXPIRED, "GWA")]
    assert SystemLogEntry.objects.filter(event_id=EXPIRED).count() == 1
    store.end_certificate(entry.fingerprint, now=LATER)
    check_certificates(trusted, now=NOW + timedelta(days=733))
    assert alarms() == []


def test_the_gateways_own_certificates_are_watched_too(
    gateway: Gateway, lab: Lab
) -> None:
    ensure_signature_certificate(gateway, NOW)
    trusting(gateway, lab)
    personalised(gateway, lab)
    check_certificates(gateway, now=NOW + timedelta(days=700))
    assert alarms() == [(AlarmKind.CERTIFICATE_ENDS, "SMGW")] * 3


def test_a_device_of_the_han_is_pinned_with_what_it_made_itself() -> None:
    """As meters have them: no key identifier. A CLS is not asked for validity."""
    made = new_identity("1emh0000000001", P256, now=NOW).certificate
    pin = {"holder": Holder.CLS, "holder_id": "wallbox"}
    late = NOW + timedelta(days=9 * 365)
    assert refusal(lambda: store.pin_certificate(made, now=late, **pin)) == 2200041
    entry = store.pin_certificate(made, now=None, **pin)
    assert (entry.stage, entry.holder_id) == (Certificate.Stage.HAN, "wallbox")


@pytest.mark.req("R98")
def test_the_authority_of_the_han_is_made_once_and_signs_for_people(
    gateway: Gateway,
) -> None:
    """R98: a consumer's certificate is on P-256, for clients, and says who he is."""
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    entry = issue_han_certificate(
        gateway, key, holder=Holder.CONSUMER, holder_id="hks2", now=NOW
    )
    authority = han_authority(gateway, now=LATER)
    assert han_authority(gateway, now=NOW) == authority
    store.parsed(entry).verify_directly_issued_by(store.parsed(authority))
    assert (entry.subject_cn, entry.curve) == ("hks2.con", "secp256r1")
    assert entry.issuer_cn == f"{gateway.huid}.han"
    check_certificates(gateway, now=entry.not_after)
    assert all("hks2" not in each.subject for each in open_alarms())
