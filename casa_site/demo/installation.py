"""Sets the demo installation up: the same services as for a real one.

The beginning of the history is written at once, so that the lists and the profiles
start together; the rest follows in the role `demo-history`.
"""

import secrets
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from casa_site.demo import (
    description,
    history,
    parties,
    time_server,
    timeline,
    wan_peers,
)
from casa_site.demo.meter_keys import master_key
from casa_site.demo.plan import (
    CONSUMERS,
    EMT,
    EMTS,
    DemoConsumer,
    bus_port,
    radio_port,
)
from casa_site.demo.timeline import Timeline
from hardware.gateway import Gateway
from hardware.obis import ACTIVE_ENERGY_EXPORT, ACTIVE_ENERGY_IMPORT
from meters.accounts import create_account
from meters.models import Account, Meter
from meters.services import create_consumer, create_meter
from tariffs.profile_spec import InputSpec, ProfileSpec
from tariffs.services import create_participant, create_profile
from tariffs.switch_calendar import StageRule
from tariffs.tariff_spec import DefaultRule, Stage, TariffSpec

WEEKEND_TARIFF = TariffSpec(
    stages=(Stage(1, "Werktag"), Stage(2, "Wochenende")),
    rules=(StageRule(2, frozenset({6, 7})), DefaultRule(1)),
    nationwide=True,
)
"""Two stages: Monday to Friday, and the weekend with the holidays of all states."""

SECURE_MODE = 7
"""The security mode of wireless meters whose values may be billed."""

_PASSWORD_BYTES = 9


def install(
    gateway: Gateway,
    *,
    han_url: str,
    history_days: int,
    now: datetime,
    service_url: str = "https://127.0.0.1:8444",
) -> None:
    """Create consumers, meters and profiles, and write `<state>/demo.json`."""
    past = Timeline(now.replace(microsecond=0), history_days)
    timeline.keep(gateway.state, past)
    for name in EMTS:
        create_participant(name, name=wan_peers.title(name))
    passwords = {one.id: secrets.token_urlsafe(_PASSWORD_BYTES) for one in CONSUMERS}
    for consumer in CONSUMERS:
        _install_consumer(gateway, consumer, passwords[consumer.id], now)
    history.fill(gateway, past, at_most=1)
    for consumer in CONSUMERS:
        for spec in _profiles(consumer, past):
            create_profile(gateway, spec, now=now, backdated=True)
    time_server.install(gateway, now=now)
    parties.install(gateway, now=now)
    wan_peers.install(gateway)
    description.write(
        gateway, han_url=han_url, service_url=service_url, passwords=passwords
    )


def _install_consumer(
    gateway: Gateway, planned: DemoConsumer, password: str, now: datetime
) -> None:
    consumer = create_consumer(gateway, planned.id, name=planned.name)
    create_account(
        gateway,
        username=planned.id,
        role=Account.Role.CONSUMER,
        consumer=consumer,
        password=password,
    )
    for meter in planned.meters:
        create_meter(
            gateway,
            meter.id,
            consumer=planned.id,
            source=Meter.Source.HDLC,
            port=str(bus_port(gateway.state)),
            name=meter.name,
            master_key=master_key(gateway.state, meter.id).hex(),
            now=now,
        )
    _install_wireless(gateway, planned, now)


def _install_wireless(gateway: Gateway, planned: DemoConsumer, now: datetime) -> None:
    for meter in planned.wireless:
        create_meter(
            gateway,
            meter.id,
            consumer=planned.id,
            source=Meter.Source.WMBUS,
            port=str(radio_port(gateway.state)),
            name=meter.name,
            security=f"mode{meter.mode}",
            master_key=master_key(gateway.state, meter.id).hex(),
            stick=Meter.Stick.IM871A,
            allow_unsecured_billing=meter.mode != SECURE_MODE,
            now=now,
        )


def _profiles(consumer: DemoConsumer, past: Timeline) -> Iterator[ProfileSpec]:
    """TAF1 over all import registers, TAF7 for each meter; one consumer has TAF2.

    What gas and water meters count is in TAF7 only. The course of a wired meter goes
    to both market participants, to one by the GWA and to the other directly.
    """
    inputs = tuple(
        InputSpec(meter.id, ACTIVE_ENERGY_IMPORT.logical_name)
        for meter in consumer.meters
    )
    yield _profile(consumer, past, f"{consumer.id}-taf1", 1, inputs)
    if consumer.has_weekend_tariff:
        stages = _profile(consumer, past, f"{consumer.id}-taf2", 2, inputs)
        yield replace(stages, tariff=WEEKEND_TARIFF)
    for number, meter in enumerate(consumer.meters, start=1):
        registers = (ACTIVE_ENERGY_IMPORT, ACTIVE_ENERGY_EXPORT)
        course = tuple(InputSpec(meter.id, obis.logical_name) for obis in registers)
        spec = _profile(consumer, past, f"{consumer.id}-taf7-{number}", 7, course)
        yield replace(spec, recipients=EMTS)
    for number, sender in enumerate(consumer.wireless, len(consumer.meters) + 1):
        given = (InputSpec(sender.id, sender.obis),)
        spec = _profile(consumer, past, f"{consumer.id}-taf7-{number}", 7, given)
        yield replace(spec, metering_point=sender.metering_point)


def _profile(
    consumer: DemoConsumer,
    past: Timeline,
    profile_id: str,
    taf: int,
    inputs: tuple[InputSpec, ...],
) -> ProfileSpec:
    return ProfileSpec(
        id=profile_id,
        taf=taf,
        inputs=inputs,
        consumer=consumer.id,
        name=f"TAF{taf} {consumer.name}",
        metering_point=consumer.metering_point,
        supplier_id=EMT,
        recipients=(EMT,),
        valid_from=past.profiles_from,
    )
