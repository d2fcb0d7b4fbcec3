"""The demo's partners on the WAN; a demo of an older version gets what it lacks."""

import shutil
from datetime import UTC, datetime

import pytest

from casa_site.demo import parties, wan_peers
from casa_site.demo.plan import CONSUMERS, EMT, EMT2, EMTS, GWA, peer_folder
from gwa_api.models import CommunicationProfile
from gwa_api.peers import head_end
from gwa_api.peers.peer_keys import PeerKeys
from hardware.gateway import Gateway
from logbooks.certificates import ensure_signature_certificate, signature_certificate
from meters.accounts import create_account
from meters.models import Account
from meters.services import create_consumer
from tariffs.models import MarketParticipant
from tariffs.participants import create_participant

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture
def older(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> Gateway:
    """A demo with one market participant, who has an inbox and no way."""
    monkeypatch.setattr(type(gateway.clock), "now", lambda _self: NOW)
    ensure_signature_certificate(gateway, NOW)
    for planned in CONSUMERS:
        consumer = create_consumer(gateway, planned.id)
        role = Account.Role.CONSUMER
        create_account(gateway, username=planned.id, role=role, consumer=consumer)
    monkeypatch.setattr(parties, "EMTS", (EMT,))
    parties.install(gateway, now=NOW)
    monkeypatch.setattr(parties, "EMTS", EMTS)
    create_participant(EMT, inbox=str(gateway.state / "inbox"))
    return gateway


@pytest.mark.req("R59", "R162")
def test_an_older_demo_gets_both_recipients_and_their_ways(older: Gateway) -> None:
    """R59, R162: one by the GWA, one directly; once more changes nothing."""
    for _ in range(2):
        wan_peers.complete(older)
        ways = CommunicationProfile.objects.order_by("pk")
        assert [(way.pk, way.route, way.version) for way in ways] == [
            ("way-emt-0001", "via_gwa", 1),
            ("way-emt-0002", "direct", 1),
            ("way-gwa-0001", "direct", 1),
        ]
        inboxes = MarketParticipant.objects.order_by("pk").values_list("pk", "inbox")
        assert list(inboxes) == [(EMT, ""), (EMT2, "")]
    assert set(head_end.recipients(peer_folder(older.state, GWA))) == set(EMTS)


def test_each_partner_has_its_own_keys_and_knows_the_gateway(older: Gateway) -> None:
    wan_peers.complete(older)
    found = set()
    for name in (GWA, *EMTS):
        keys = PeerKeys(peer_folder(older.state, name))
        assert keys.signer(signature_certificate().ski) is not None
        for kind in ("tls", "enc", "sig"):
            found.add(keys.key(kind).private_numbers().private_value)
    assert len(found) == 9


def test_a_way_that_was_changed_stays(older: Gateway) -> None:
    wan_peers.complete(older)
    CommunicationProfile.objects.filter(pk="way-emt-0002").update(path="/elsewhere")
    shutil.rmtree(peer_folder(older.state, EMT2) / "clients")
    wan_peers.complete(older)
    assert CommunicationProfile.objects.get(pk="way-emt-0002").path == "/elsewhere"
    assert (peer_folder(older.state, EMT2) / "clients" / f"{older.huid}.pem").exists()
