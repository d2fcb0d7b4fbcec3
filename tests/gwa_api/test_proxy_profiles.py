"""Proxy profiles, their orders, and what of it stands in the consumer's log."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from gwa_api.cls import orders
from gwa_api.cls.journal import close_connections, open_connection
from gwa_api.models import ProxyConnection, ProxyProfile
from gwa_api.proxy_profiles import (
    ProxySpec,
    delete_proxy_profile,
    profiles_in_force,
    save_proxy_profile,
)
from hardware.gateway import Gateway
from logbooks.certificate_store import pin_certificate
from logbooks.models import Certificate, SystemLogEntry
from logbooks.selectors import consumer_log
from meters.configuration import create_consumer
from tariffs.profile_spec import ProfileInvalid
from tariffs.services import create_participant
from tests.gwa_api.cls_parties import NOW, Party

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def parties(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Party]:
    folder: Path = tmp_path_factory.mktemp("parties")
    return {
        name: Party.made(folder, name, ec.SECP256R1())
        for name in ("cls", "emt", "other")
    }


@pytest.fixture
def spec(gateway: Gateway, parties: dict[str, Party]) -> ProxySpec:
    """A profile that may be saved: its consumer and its EMT are there."""
    create_consumer(gateway, "meier")
    create_participant("emt-1")
    pin_certificate(
        parties["emt"].certificate,
        holder=Certificate.Holder.EMT,
        holder_id="emt-1",
        now=None,
    )
    return ProxySpec(
        id="wallbox",
        scenario="HKS3",
        consumer="meier",
        emt="emt-1",
        local_server_name="steuerbox",
        wan_addresses=("emt.example:443",),
        cls_certificate=parties["cls"].certificate,
    )


@pytest.mark.req("R161")
def test_a_saved_profile_is_in_force_with_both_certificates(
    gateway: Gateway, spec: ProxySpec, parties: dict[str, Party]
):
    save_proxy_profile(gateway, spec, now=NOW)
    (profile,) = profiles_in_force(now=NOW)
    assert profile.cls_certificate == parties["cls"].certificate
    assert profile.emt_certificates == (parties["emt"].certificate,)
    assert (profile.id, profile.local_server_name) == ("wallbox", "steuerbox")


def test_a_profile_is_in_force_from_its_begin_to_its_end(
    gateway: Gateway, spec: ProxySpec
):
    begin, end = NOW + timedelta(hours=1), NOW + timedelta(hours=2)
    save_proxy_profile(gateway, replace(spec, valid_from=begin, valid_to=end), now=NOW)
    at = [NOW, begin, end - timedelta(seconds=1), end]
    assert [len(profiles_in_force(now=now)) for now in at] == [0, 1, 1, 0]


def test_a_profile_whose_emt_has_no_certificate_is_not_in_force(
    gateway: Gateway, spec: ProxySpec
):
    create_participant("emt-2")
    save_proxy_profile(gateway, replace(spec, emt="emt-2"), now=NOW)
    assert profiles_in_force(now=NOW) == []


def test_a_new_certificate_of_the_cls_takes_the_place_of_the_old_one(
    gateway: Gateway, spec: ProxySpec, parties: dict[str, Party]
):
    save_proxy_profile(gateway, spec, now=NOW)
    other = parties["other"].certificate
    changed = save_proxy_profile(gateway, replace(spec, cls_certificate=other), now=NOW)
    assert changed.version == 2
    assert [one.cls_certificate for one in profiles_in_force(now=NOW)] == [other]


def test_a_deleted_profile_is_gone_with_its_certificate(
    gateway: Gateway, spec: ProxySpec
):
    save_proxy_profile(gateway, spec, now=NOW)
    assert delete_proxy_profile("wallbox", now=NOW)
    assert not delete_proxy_profile("wallbox", now=NOW)
    assert not Certificate.objects.filter(holder="CLS", state="active").exists()


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"id": "two words"}, "/id"),
        ({"scenario": "HKS1"}, "/scenario"),
        ({"scenario": "HKS4"}, "/cls_address"),
        ({"local_server_name": "Steuerbox"}, "/local_server_name"),
        ({"local_server_name": "a" * 64}, "/local_server_name"),
        ({"consumer": "nobody"}, "/consumer"),
        ({"emt": "nobody"}, "/emt"),
        ({"wan_addresses": ()}, "/wan_addresses"),
        ({"wan_addresses": ("emt.example",)}, "/wan_addresses/0"),
        ({"wan_addresses": ("emt.example:70000",)}, "/wan_addresses/0"),
        ({"wan_addresses": ("a b:1",)}, "/wan_addresses/0"),
        ({"wan_sni": "a_b"}, "/wan_sni"),
        ({"max_duration_s": 48 * 3600 + 1}, "/max_duration_s"),
        ({"idle_timeout_s": 0}, "/idle_timeout_s"),
        ({"max_parallel": 257}, "/max_parallel"),
        ({"valid_from": NOW, "valid_to": NOW}, "/valid_to"),
        ({"cls_certificate": b""}, "/cls_certificate"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_stored(
    gateway: Gateway, spec: ProxySpec, change: dict[str, object], pointer: str
):
    with pytest.raises(ProfileInvalid) as refused:
        save_proxy_profile(gateway, replace(spec, **change), now=NOW)  # type: ignore[arg-type]
    assert pointer in [problem.pointer for problem in refused.value.problems]
    assert not ProxyProfile.objects.exists()


def test_a_name_belongs_to_one_profile(gateway: Gateway, spec: ProxySpec):
    save_proxy_profile(gateway, spec, now=NOW)
    with pytest.raises(ProfileInvalid, match="has this name"):
        save_proxy_profile(gateway, replace(spec, id="other"), now=NOW)


def texts(consumer: str = "meier") -> list[str]:
    return [line.text for line in consumer_log(consumer, begin=NOW - timedelta(days=1))]


@pytest.mark.req("R161")
def test_a_connection_stands_in_the_consumers_log_with_begin_and_end(
    gateway: Gateway, spec: ProxySpec
):
    """20018 and 20020, each once, in no other log."""
    save_proxy_profile(gateway, spec, now=NOW)
    (profile,) = profiles_in_force(now=NOW)
    number = open_connection(gateway, profile, now=NOW)
    assert close_connections(gateway, [number], now=NOW) == 1
    assert close_connections(gateway, [number], now=NOW) == 0
    assert texts()[:2] == [
        "Die CLS-EMT Verbindung durch das Proxyprofil wallbox wurde erfolgreich "
        "abgebaut.",
        "Die CLS-EMT Verbindung durch das Proxyprofil wallbox wurde erfolgreich "
        "aufgebaut.",
    ]
    assert not SystemLogEntry.objects.filter(event_id__in=(20018, 20020)).exists()


def test_what_a_crash_left_open_is_ended_at_the_next_start(
    gateway: Gateway, spec: ProxySpec
):
    save_proxy_profile(gateway, spec, now=NOW)
    (profile,) = profiles_in_force(now=NOW)
    open_connection(gateway, profile, now=NOW)
    open_connection(gateway, profile, now=NOW)
    assert close_connections(gateway, now=NOW) == 2
    assert not ProxyConnection.objects.filter(closed_at=None).exists()


def test_an_order_waits_until_the_proxy_takes_it(gateway: Gateway, spec: ProxySpec):
    called = replace(spec, scenario="HKS4", cls_address="192.0.2.9:4443")
    save_proxy_profile(gateway, called, now=NOW)
    order = orders.order_connection("wallbox", now=NOW)
    assert [one.pk for one in orders.waiting_orders()] == [order.pk]
    (profile,) = profiles_in_force(now=NOW)
    assert open_connection(gateway, profile, order.pk, now=NOW) == order.pk
    assert orders.waiting_orders() == []
    assert orders.end_connection(order.pk)
    assert orders.ending_connections() == [order.pk]
    close_connections(gateway, [order.pk], now=NOW)
    assert orders.ending_connections() == [] and not orders.end_connection(order.pk)


def test_an_order_that_came_to_nothing_keeps_the_reason(
    gateway: Gateway, spec: ProxySpec
):
    called = replace(spec, scenario="HKS4", cls_address="192.0.2.9:4443")
    save_proxy_profile(gateway, called, now=NOW)
    order = orders.order_connection("wallbox", now=NOW)
    orders.give_up(order.pk, "not connected in time", now=NOW)
    order.refresh_from_db()
    assert (order.problem, order.closed_at) == ("not connected in time", NOW)
    assert texts()[0:1] != ["wallbox"]


def test_only_profiles_made_for_it_are_connected_by_order(
    gateway: Gateway, spec: ProxySpec
):
    save_proxy_profile(gateway, spec, now=NOW)
    with pytest.raises(ProfileInvalid):
        orders.order_connection("wallbox", now=NOW)
    with pytest.raises(ProxyProfile.DoesNotExist):
        orders.order_connection("nothing", now=NOW)
