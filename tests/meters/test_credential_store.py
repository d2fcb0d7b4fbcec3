"""Keys, counters and certificates of wired meters in the database."""

from datetime import timedelta

import pytest

from hardware.device_id import server_id_of
from hardware.errors import StoreUnreachable
from hardware.gateway import Gateway
from hardware.lmn_certificates import BRAINPOOL_P256, P256, LmnIdentity, new_identity
from hardware.lmn_credentials import Credentials
from meters.certificate_check import certificate_faults
from meters.configuration import MeterInvalid
from meters.credential_store import (
    StoredCredentials,
    keep_master_key,
    renew_certificates,
)
from meters.interface import interface_specs
from meters.models import LmnCredentials, LmnGatewayCertificate, Meter, MeterKey
from tests.meters.builders import METER, NOON, a_meter, with_clock

pytestmark = pytest.mark.django_db
KEY = "000102030405060708090a0b0c0d0e0f"
SERVER_ID = server_id_of(METER)


@pytest.fixture
def store(gateway: Gateway) -> StoredCredentials:
    """The store of a gateway with one secured meter."""
    gateway = with_clock(gateway)
    a_meter(gateway, master_key=KEY)
    return StoredCredentials(gateway)


def credentials(
    store: StoredCredentials, *, own: LmnIdentity | None = None
) -> Credentials:
    gateway = own or store.gateway_identity(P256, NOON)
    meter = new_identity(METER, P256, now=NOON)
    return Credentials(gateway, meter.certificate)


def test_a_master_key_is_kept_encrypted(store: StoredCredentials) -> None:
    assert store.master_key(SERVER_ID) == bytes.fromhex(KEY)
    row = MeterKey.objects.get()
    assert bytes.fromhex(KEY) not in bytes(row.sealed_key)
    assert Meter.objects.get().security == "tls"


def test_a_master_key_belongs_to_its_meter_only(
    gateway: Gateway, store: StoredCredentials
) -> None:
    other = a_meter(gateway, "1emh0000000009", master_key=KEY[::-1])
    sealed = MeterKey.objects.get(meter=METER).sealed_key
    MeterKey.objects.filter(meter=other).update(sealed_key=sealed)
    with pytest.raises(StoreUnreachable):
        store.master_key(server_id_of(other.id))


def test_a_meter_that_is_gone_is_a_fault_and_no_crash(
    store: StoredCredentials,
) -> None:
    given = credentials(store)
    Meter.objects.all().delete()
    assert store.master_key(SERVER_ID) is None
    for ask in (store.device_id, store.next_counter):
        with pytest.raises(StoreUnreachable) as fault:
            ask(SERVER_ID)
        assert fault.value.code == 100701
    with pytest.raises(StoreUnreachable):
        store.confirm(SERVER_ID, given)


def test_counters_only_go_up_and_begin_beyond_those_of_an_earlier_gateway(
    gateway: Gateway, store: StoredCredentials
) -> None:
    first = store.next_counter(SERVER_ID)
    assert first == int((NOON - timedelta(days=1)).timestamp()) + 1
    assert [store.next_counter(SERVER_ID) for _ in range(3)] == [
        first + 1,
        first + 2,
        first + 3,
    ]
    keep_master_key(gateway, Meter.objects.get(), bytes(16), now=NOON)
    assert store.next_counter(SERVER_ID) == first + 4
    assert first.bit_length() <= 32


def test_a_meter_is_paired_when_it_has_confirmed(store: StoredCredentials) -> None:
    assert store.candidates(SERVER_ID) == []
    given = credentials(store)
    store.confirm(SERVER_ID, given)
    assert store.candidates(SERVER_ID) == [given]
    assert LmnCredentials.objects.get().number == 0


def test_proposed_credentials_stand_first_until_it_is_clear_which_hold(
    store: StoredCredentials,
) -> None:
    old, lost, new = (credentials(store) for _ in range(3))
    store.confirm(SERVER_ID, old)
    store.propose(SERVER_ID, lost)
    assert store.candidates(SERVER_ID) == [lost, old]
    store.propose(SERVER_ID, new)
    assert store.candidates(SERVER_ID) == [new, old]
    store.confirm(SERVER_ID, new)
    assert store.candidates(SERVER_ID) == [new]
    states = LmnCredentials.objects.order_by("number").values_list("number", "state")
    assert list(states) == [(0, "replaced"), (1, "replaced"), (2, "active")]


def test_a_renewal_that_was_lost_is_still_wanted(store: StoredCredentials) -> None:
    old, lost = credentials(store), credentials(store)
    store.confirm(SERVER_ID, old)
    assert store.due_for_renewal(NOON) == set()
    assert renew_certificates(METER)
    assert store.due_for_renewal(NOON) == {SERVER_ID}
    store.propose(SERVER_ID, lost)
    store.confirm(SERVER_ID, old)
    assert store.candidates(SERVER_ID) == [old]
    assert store.due_for_renewal(NOON) == {SERVER_ID}
    new = credentials(store)
    store.confirm(SERVER_ID, new)
    assert store.due_for_renewal(NOON) == set()


def test_a_meter_that_is_not_paired_cannot_be_renewed(store: StoredCredentials) -> None:
    assert not renew_certificates(METER)
    assert store.due_for_renewal(NOON) == set()


def test_the_gateway_has_one_identity_for_each_curve(store: StoredCredentials) -> None:
    first = store.gateway_identity(P256, NOON)
    assert store.gateway_identity(P256, NOON) == first
    other = store.gateway_identity(BRAINPOOL_P256, NOON)
    assert other != first
    for row in LmnGatewayCertificate.objects.all():
        for identity in (first, other):
            assert identity.private_key not in bytes(row.sealed_key)


def test_the_gateways_identity_is_renewed_before_it_ends(
    store: StoredCredentials,
) -> None:
    store.confirm(SERVER_ID, credentials(store))
    late = NOON + timedelta(days=365 * 6 + 120)
    old = store.gateway_identity(P256, NOON)
    new = store.gateway_identity(P256, late)
    assert new != old
    assert store.gateway_identity(P256, late) == new
    numbers = LmnGatewayCertificate.objects.order_by("number").values_list("number")
    assert list(numbers) == [(0,), (1,)]
    assert store.due_for_renewal(late) == {SERVER_ID}
    store.confirm(SERVER_ID, credentials(store, own=new))
    gateways = {c.gateway for c in store.candidates(SERVER_ID)}
    assert gateways == {new}


@pytest.mark.req("R28")
def test_certificates_that_end_soon_are_faults(store: StoredCredentials) -> None:
    """R28: 100704 and 100705 of the meters that are paired."""
    assert certificate_faults([METER], NOON + timedelta(days=3000)) == []
    store.confirm(SERVER_ID, credentials(store))
    assert certificate_faults([METER], NOON) == []
    late = NOON + timedelta(days=365 * 6 + 300)
    assert certificate_faults([METER], late) == [100704, 100705]
    assert certificate_faults([], late) == []


def test_an_interface_knows_which_of_its_meters_are_plain(
    gateway: Gateway, store: StoredCredentials
) -> None:
    a_meter(gateway, "1emh0000000009", security="plain")
    (spec,) = interface_specs(Meter.objects.all())
    assert spec.plain == [server_id_of("1emh0000000009")]
    assert set(spec.server_ids) == {SERVER_ID, *spec.plain}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"master_key": "00"}, "master_key"),
        ({"master_key": KEY + "00"}, "master_key"),
        ({"master_key": "g" * 32}, "master_key"),
        ({"security": "tls"}, "master_key"),
        ({"security": "plain", "master_key": KEY}, "master_key"),
        ({"security": "ssl"}, "security"),
        ({"source": "sml_push", "master_key": KEY}, "master_key"),
        ({"server_id": "0102", "master_key": KEY}, "server_id"),
        (
            {"meter_id": "0123456789abcdef", "server_id": "00" * 10, "master_key": KEY},
            "server_id",
        ),
    ],
)
def test_a_security_that_cannot_be_is_refused(
    gateway: Gateway, given: dict[str, str], field: str
) -> None:
    with pytest.raises(MeterInvalid) as refused:
        a_meter(gateway, **given)
    assert refused.value.field == field
