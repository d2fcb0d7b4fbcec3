"""Causes of the events of profiles, deliveries, proxies and credentials.

Each goes the product's own way and returns what [1], [2], ... have to be.
"""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from gwa_api import sender
from gwa_api.cls.journal import close_connections, open_connection
from gwa_api.communication_profiles import WaySpec, save_way
from gwa_api.proxy_profiles import ProxySpec, profiles_in_force, save_proxy_profile
from hardware.gateway import Gateway
from logbooks.catalogue import Event
from logbooks.certificate_store import pin_certificate
from logbooks.models import Certificate
from tariffs import gwa_selectors, lifecycle, on_demand
from tariffs.participants import create_participant
from tariffs.profile_spec import InputSpec, ProfileSpec
from tariffs.services import evaluate_due
from tariffs.switch_calendar import StageRule
from tariffs.tariff_spec import DefaultRule, Stage, TariffSpec
from tests.gwa_api import file_receiver as receiver
from tests.gwa_api.cls_parties import Party
from tests.gwa_api.head_end import head_end
from tests.portal.conftest import NOW
from tests.portal.installation import EXPORT, IMPORT, record

Cause = Callable[[Gateway], list[str]]

METER, PROFILE, EMT = "1emh0000000001", "haus", "emt-1"
END = datetime(2026, 6, 22, 14, 15, tzinfo=UTC)
SPEC = ProfileSpec(
    id=PROFILE, taf=7, consumer="hks2", inputs=(InputSpec(METER, IMPORT),)
)


def made(gateway: Gateway, **changes: object) -> None:
    spec = replace(SPEC, **changes)  # type: ignore[arg-type]
    lifecycle.create_profile(gateway, spec, now=NOW)


def created(gateway: Gateway) -> list[str]:
    made(gateway)
    return [PROFILE]


def changed(gateway: Gateway) -> list[str]:
    made(gateway)
    spec = replace(SPEC, name="Neu")
    lifecycle.change_profile(gateway, spec, now=NOW)
    return [PROFILE]


def end_moved(gateway: Gateway) -> list[str]:
    made(gateway)
    lifecycle.end_profile(gateway, PROFILE, at=END, now=NOW)
    return ["2026-06-22 16:15:00"]


def taf_started(gateway: Gateway) -> list[str]:
    made(gateway)
    return [f"7 ({PROFILE})", METER]


def course(gateway: Gateway, until: datetime) -> None:
    """A record of each meter every quarter hour after NOW."""
    at = datetime(2026, 6, 22, 13, 15, tzinfo=UTC)
    while at <= until:
        record(gateway, at)
        at += timedelta(minutes=15)
    evaluate_due(gateway, now=until + timedelta(minutes=5))


def ended(gateway: Gateway) -> list[str]:
    made(gateway, valid_to=END)
    course(gateway, END)
    return [PROFILE]


def deleted(gateway: Gateway) -> list[str]:
    ended(gateway)
    later = END + timedelta(minutes=10)
    lifecycle.delete_profile(gateway, PROFILE, now=later)
    return [PROFILE]


def stage_switched(gateway: Gateway) -> list[str]:
    day = StageRule(1, begin=time(6), end=time(16))
    tariff = TariffSpec((Stage(1), Stage(2)), (day, DefaultRule(2)))
    made(gateway, taf=2, tariff=tariff)
    course(gateway, END)
    return ["1", "2"]


def emptied(gateway: Gateway, folder: Path) -> None:
    """The receiver takes everything that is owed, and says so."""
    later = END + timedelta(minutes=5)
    while sender.send_due(gateway, now=later):
        assert receiver.take_deliveries(folder)


def sent(*arguments: str) -> Cause:
    """All values of a profile that lasts an hour, up to its final reading."""

    def cause(gateway: Gateway) -> list[str]:
        with tempfile.TemporaryDirectory() as name:
            inbox = receiver.prepare(Path(name))
            create_participant(EMT, inbox=str(inbox))
            made(gateway, recipients=(EMT,), valid_to=END)
            course(gateway, END)
            emptied(gateway, Path(name))
        return list(arguments)

    return cause


def a_day_list(gateway: Gateway) -> None:
    both = (InputSpec(METER, IMPORT), InputSpec(METER, EXPORT))
    since = NOW - timedelta(days=3)
    made(gateway, taf=6, recipients=(EMT,), valid_from=since, inputs=both)
    evaluate_due(gateway, now=NOW)


DAY = date(2026, 6, 22)


def triggered_on_demand(gateway: Gateway) -> list[str]:
    create_participant(EMT)
    a_day_list(gateway)
    on_demand.request(gateway, PROFILE, recipient=EMT, day=DAY, now=NOW)
    return ["2026-06-22", EMT]


def recipient_unknown(gateway: Gateway) -> list[str]:
    create_participant(EMT)
    a_day_list(gateway)
    with pytest.raises(on_demand.RecipientUnknown):
        on_demand.request(gateway, PROFILE, recipient="other", day=DAY, now=NOW)
    return ["2026-06-22", "other"]


def sent_on_demand(gateway: Gateway) -> list[str]:
    with tempfile.TemporaryDirectory() as name:
        inbox = receiver.prepare(Path(name))
        create_participant(EMT, inbox=str(inbox))
        a_day_list(gateway)
        on_demand.request(gateway, PROFILE, recipient=EMT, day=DAY, now=NOW)
        emptied(gateway, Path(name))
    return ["2", "2026-06-22"]


def profile_read(gateway: Gateway) -> list[str]:
    assert gwa_selectors.read_profile(gateway, "hks2-taf7", now=NOW)
    return ["hks2-taf7"]


def meter_read(gateway: Gateway) -> list[str]:
    assert gwa_selectors.read_meter(gateway, METER, now=NOW)
    return [METER]


def way_changed(gateway: Gateway) -> list[str]:
    create_participant(EMT)
    made(gateway, recipients=(EMT,))
    for port in (443, 8443):
        way = WaySpec("way", (f"emt.example:{port}",), participant=EMT)
        save_way(gateway, way, now=NOW)
    return ["way", "emt.example:8443"]


def credentials_changed(gateway: Gateway) -> list[str]:
    path, body = "/consumers/hks2/credentials", {"password": "ganz geheim"}
    assert head_end(gateway)("PUT", path, json=body).status_code == 204
    return ["hks2"]


def proxy_connected(gateway: Gateway) -> list[str]:
    create_participant(EMT)
    with tempfile.TemporaryDirectory() as name:
        ours, theirs = (
            Party.made(Path(name), who, ec.SECP256R1()) for who in ("cls", "emt")
        )
    holder = Certificate.Holder.EMT
    pin_certificate(theirs.certificate, holder=holder, holder_id=EMT, now=None)
    spec = ProxySpec(
        id="wallbox",
        scenario="HKS3",
        consumer="hks2",
        emt=EMT,
        local_server_name="steuerbox",
        wan_addresses=("emt.example:443",),
        cls_certificate=ours.certificate,
    )
    save_proxy_profile(gateway, spec, now=NOW)
    (profile,) = profiles_in_force(now=NOW)
    open_connection(gateway, profile, now=NOW)
    return ["wallbox"]


def proxy_disconnected(gateway: Gateway) -> list[str]:
    proxy_connected(gateway)
    assert close_connections(gateway, now=NOW) == 1
    return ["wallbox"]


PROFILE_CAUSES: dict[Event, Cause] = {
    Event.PROFILE_CREATED: created,
    Event.PROFILE_UPDATED: changed,
    Event.PROFILE_ENDED: ended,
    Event.PROFILE_DELETED: deleted,
    Event.END_DATE_CORRECTED: end_moved,
    Event.TAF_STARTED: taf_started,
    Event.TARIFF_STAGE_SWITCHED: stage_switched,
    Event.FIRST_READING_SENT: sent("2026-06-22 15:15:00"),
    Event.VALUES_SENT: sent("3", "2026-06-22 15:15:01", "2026-06-22 16:00:00"),
    Event.FINAL_READING_SENT: sent("2026-06-22 16:15:00"),
    Event.ON_DEMAND_TRIGGERED: triggered_on_demand,
    Event.ON_DEMAND_RECIPIENT_UNKNOWN: recipient_unknown,
    Event.ON_DEMAND_VALUES_SENT: sent_on_demand,
    Event.PROFILE_READ_BY_GWA: profile_read,
    Event.METER_PROFILE_READ_BY_GWA: meter_read,
    Event.COMMUNICATION_PROFILE_UPDATED: way_changed,
    Event.CREDENTIALS_UPDATED: credentials_changed,
    Event.PROXY_CONNECTED: proxy_connected,
    Event.PROXY_DISCONNECTED: proxy_disconnected,
}
"""Each of these concerns hks2 alone."""
