"""Makes the gateways of a fleet: their tables, keys, certificates, meters, profiles.

What is there stays; a set-up that broke off goes on with the next start.
"""

import os
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from django.db import connection, transaction

from casa_site import processes, start_and_end, timekeeping
from casa_site.demo import parties, wan_peers
from casa_site.demo.meter_keys import master_key
from casa_site.demo.plan import EMTS, GWA
from casa_site.fleet import tables
from casa_site.fleet.clock import FleetClock
from casa_site.fleet.gateways import entered, open_member
from casa_site.fleet.plan import CONSUMER, FleetMeter, Member, write_description
from casa_site.lab_pki import make_lab_pki
from hardware.gateway import Gateway
from hardware.han_certificate import ensure_han_files
from hardware.obis import ACTIVE_ENERGY_EXPORT, ACTIVE_ENERGY_IMPORT
from hardware.private_files import make_once
from logbooks import certificates
from meters.accounts import create_account
from meters.models import Account, Consumer, Meter
from meters.services import create_consumer, create_meter
from tariffs.profile_spec import InputSpec, ProfileSpec
from tariffs.selectors import contract_name, profiles_of
from tariffs.services import create_participant, create_profile

_PASSWORD, _PASSWORD_BYTES = "consumer.password", 9
HOURLY = "0 * * * *"


def set_up(fleet: Path, members: Sequence[Member], clock: FleetClock) -> int:
    """Do all that is missing and write `fleet.json`; an exit status."""
    prepare(fleet, clock)
    connection.close()
    if not install(members, clock):
        return 1
    write_description(fleet, [described(member) for member in members])
    return 0


def prepare(fleet: Path, clock: FleetClock) -> None:
    """What all share: the PKI, the partners, the tables that each gets a copy of."""
    lab = parties.lab_folder(fleet)
    if not lab.root.exists():
        make_lab_pki(lab.folder, gwa=GWA, emts=EMTS, now=clock.now())
    wan_peers.know_each_other(fleet)
    tables.migrate(tables.TEMPLATE)


def install(members: Sequence[Member], clock: FleetClock) -> bool:
    """Set up what is missing, in as many processes as there are processors."""
    template = tables.dumped_template()
    count = min(os.cpu_count() or 1, len(members))
    children = [
        processes.fork_child(
            partial(_install_part, members[place::count], template, clock, len(members))
        )
        for place in range(count)
    ]
    ends = [os.waitpid(pid, 0)[1] for pid in children]
    return not any(ends)


def described(member: Member) -> dict[str, object]:
    """What a client needs to talk to a gateway as its consumer."""
    with entered(member):
        contracts = [contract_name(member.huid, one) for one in profiles_of(CONSUMER)]
    return {
        "huid": member.huid,
        "han_url": member.han_url,
        "user": CONSUMER,
        "password": (member.state / _PASSWORD).read_text(),
        "meters": [meter.id for meter in member.meters],
        "contracts": contracts,
    }


def _install_part(
    members: Sequence[Member], template: str, clock: FleetClock, count: int
) -> None:
    for member in members:
        if not tables.make_tables(member.schema, template):
            tables.migrate(member.schema)
        with entered(member):
            _install(member, open_member(member, clock, count=count))
    connection.close()


def _install(member: Member, gateway: Gateway) -> None:
    now = gateway.clock.now()
    timekeeping.begin_time(gateway)
    certificates.ensure_signature_certificate(gateway, now)
    ensure_han_files(gateway, addresses=[member.host], now=datetime.now(UTC))
    if not Consumer.objects.exists():
        with transaction.atomic():
            _install_consumer(member, gateway, now)
    wan_peers.know_gateway(gateway, member.fleet)
    wan_peers.set_ways(gateway, member.fleet)
    start_and_end.begin_run(gateway)


def _install_consumer(member: Member, gateway: Gateway, now: datetime) -> None:
    for name in EMTS:
        create_participant(name, name=wan_peers.title(name))
    secret = secrets.token_urlsafe(_PASSWORD_BYTES).encode()
    password = make_once(member.state / _PASSWORD, secret).decode()
    consumer = create_consumer(gateway, CONSUMER, name="Kunde")
    role = Account.Role.CONSUMER
    create_account(
        gateway, username=CONSUMER, role=role, consumer=consumer, password=password
    )
    for meter in member.meters:
        create_meter(
            gateway,
            meter.id,
            consumer=CONSUMER,
            source=Meter.Source.HDLC,
            port=str(member.state / "lmn1"),
            name=meter.id,
            master_key=master_key(member.state, meter.id).hex(),
            now=now,
        )
    parties.introduce(gateway, parties.lab_folder(member.fleet), now=now)
    for number, planned in enumerate(member.meters, start=1):
        create_profile(gateway, _course(member, number, planned), now=now)


def _course(member: Member, number: int, meter: FleetMeter) -> ProfileSpec:
    """TAF7 of a meter, sent hourly: of the first by the GWA, of the second directly."""
    recipient = EMTS[number - 1]
    registers = (ACTIVE_ENERGY_IMPORT, ACTIVE_ENERGY_EXPORT)
    return ProfileSpec(
        id=f"taf7-{number}",
        taf=7,
        inputs=tuple(InputSpec(meter.id, one.logical_name) for one in registers),
        consumer=CONSUMER,
        name=f"TAF7 {meter.id}",
        metering_point=member.metering_point,
        supplier_id=recipient,
        recipients=(recipient,),
        schedule=HOURLY,
    )
