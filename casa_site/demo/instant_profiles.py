"""The demo's TAF6, TAF9, TAF10 and TAF14, with the values of the last 24 hours.

They are made by the role `demo-history`: first the samples, read through all codecs,
then the profiles that list them. A demo of an older version gets what it lacks, from
then on.
"""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import transaction

from casa_site.demo.description import described_emts
from casa_site.demo.plan import CONSUMERS, EMT, DemoConsumer
from casa_site.demo.timeline import Timeline
from casa_site.first_start import DEMO_FILE
from hardware.gateway import Gateway
from hardware.obis import ACTIVE_ENERGY_EXPORT, ACTIVE_ENERGY_IMPORT, Obis
from hardware.readings import MeterReading
from meters.samples import Taken, store_samples
from tariffs.calendar import last_on_grid
from tariffs.instant_spec import Aggregate, InstantSpec, Threshold
from tariffs.models import EvaluationProfile
from tariffs.profile_spec import InputSpec, ProfileSpec
from tariffs.quantities import ANGLES, CURRENTS, FREQUENCY, POWERS, VOLTAGES
from tariffs.selectors import contract_name, profiles_of
from tariffs.services import create_profile

HISTORY = timedelta(hours=24)
MINUTE = timedelta(minutes=1)
COUNTERS = tuple(
    one.logical_name for one in (ACTIVE_ENERGY_IMPORT, ACTIVE_ENERGY_EXPORT)
)
REGISTERS = tuple(
    Obis.parse(name)
    for name in (*COUNTERS, *POWERS, FREQUENCY, *VOLTAGES, *CURRENTS, *ANGLES)
)
"""All that the three lists hold, in one request."""

_FIVE_MINUTES_S = 300
_STILL_NEW = timedelta(hours=1)
_AT_ONCE = 240

Read = Callable[[str, datetime, tuple[Obis, ...]], MeterReading]
"""What a meter said of its registers at an instant: id, instant, registers."""


def complete(
    gateway: Gateway,
    timeline: Timeline,
    open_meters: Callable[[datetime], Read],
    *,
    now: datetime,
) -> int:
    """Make the profiles that are missing, with their history; how many samples.

    `open_meters` opens the bus of the past. Running it again changes nothing.
    """
    household = CONSUMERS[0]
    _make_missing(gateway, [_taf6(household, timeline)], now)
    missing = [one for one in _specs(household) if not _exists(one.id)]
    if not missing:
        _tell_contracts(gateway)
        return 0
    begin = now
    taken: list[Taken] = []
    if now - timeline.first_start < _STILL_NEW:
        begin = last_on_grid(max(now - HISTORY, timeline.begin), timedelta(hours=1))
        taken = list(_read_past(open_meters(begin), household.meters[0].id, begin, now))
    _store(gateway, missing, taken, begin, now)
    _tell_contracts(gateway)
    return len(taken)


def _read_past(
    read: Read, meter: str, begin: datetime, until: datetime
) -> Iterator[Taken]:
    for number in range((until - begin) // MINUTE + 1):
        at = begin + number * MINUTE
        yield Taken(meter, at, read(meter, at, REGISTERS))


def _store(
    gateway: Gateway,
    specs: list[ProfileSpec],
    taken: list[Taken],
    begin: datetime,
    now: datetime,
) -> None:
    """The samples first, the profiles with the last of them: all or nothing."""
    with transaction.atomic():
        for start in range(0, len(taken), _AT_ONCE):
            part = taken[start : start + _AT_ONCE]
            store_samples(gateway, part, {part[-1].meter_id: part[-1].target_time})
        for spec in specs:
            create_profile(gateway, _from(spec, begin), now=now, backdated=True)


def _make_missing(gateway: Gateway, specs: list[ProfileSpec], now: datetime) -> None:
    for spec in specs:
        if not _exists(spec.id):
            create_profile(gateway, spec, now=now, backdated=True)


def _exists(profile_id: str) -> bool:
    return EvaluationProfile.objects.filter(pk=profile_id).exists()


def _from(spec: ProfileSpec, begin: datetime) -> ProfileSpec:
    return replace(spec, valid_from=begin)


def _taf6(consumer: DemoConsumer, timeline: Timeline) -> ProfileSpec:
    spec = _spec(consumer, 6, COUNTERS)
    return _from(spec, timeline.profiles_from)


def _specs(consumer: DemoConsumer) -> Iterator[ProfileSpec]:
    """Feed-in and grid state every five minutes, the powers of each minute."""
    total = POWERS[0]
    yield _spec(
        consumer,
        9,
        POWERS,
        _FIVE_MINUTES_S,
        InstantSpec(
            tuple(Aggregate(total, one) for one in ("min", "max", "mean")),
            (Threshold(total, "over", "3000", "500"),),
            ("periodic", "threshold", "on_demand"),
        ),
    )
    yield _spec(
        consumer,
        10,
        (*POWERS, FREQUENCY, *VOLTAGES, *CURRENTS, *ANGLES),
        _FIVE_MINUTES_S,
        InstantSpec(
            tuple(Aggregate(one, "mean") for one in VOLTAGES),
            tuple(Threshold(one, "over", "253", "2") for one in VOLTAGES),
            ("periodic", "threshold", "on_demand"),
        ),
    )
    yield _spec(
        consumer,
        14,
        (*COUNTERS, *POWERS),
        60,
        InstantSpec((), (Threshold(total, "over", "4000", "500"),), _TAF14_TRIGGERS),
    )


_TAF14_TRIGGERS = ("periodic", "threshold")


def _spec(
    consumer: DemoConsumer,
    taf: int,
    registers: tuple[str, ...],
    period_s: int = 900,
    values: InstantSpec | None = None,
) -> ProfileSpec:
    meter = consumer.meters[0].id
    return ProfileSpec(
        id=f"{consumer.id}-taf{taf}",
        taf=taf,
        inputs=tuple(InputSpec(meter, obis) for obis in registers),
        consumer=consumer.id,
        name=f"TAF{taf} {consumer.name}",
        metering_point=consumer.metering_point,
        supplier_id=EMT,
        recipients=(EMT,),
        registration_period_s=period_s,
        billing_unit="month" if taf == 6 else "week",
        instant_values=values,
    )


def _tell_contracts(gateway: Gateway) -> None:
    """Name the contracts in demo.json; the file is moved into its place."""
    path = gateway.state / DEMO_FILE
    text = json.loads(path.read_text())
    text["emts"] = described_emts(gateway.state)
    for consumer in text["consumers"]:
        consumer["contracts"] = [
            contract_name(gateway.huid, profile)
            for profile in profiles_of(consumer["user"])
        ]
    unfinished = path.with_suffix(".new")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(json.dumps(text, indent=1) + "\n")
    unfinished.replace(path)
