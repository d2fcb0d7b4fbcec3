"""The WAN is away, up to three days: what gathered arrives once, in order, fast.

A TAF7 profile sends every quarter hour to one recipient directly; a TAF14 profile sends
to another one by the GWA, in the long form every five minutes. Measured once with every
minute, on two busy cores: 4,610 messages of 72 hours within 24 minutes.
"""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gwa_api import sender
from gwa_api.delivery_lines import DeliveryLines
from gwa_api.peers.emt import Emt
from gwa_api.peers.head_end import HeadEnd
from hardware.gateway import Gateway
from meters.models import Meter
from tariffs.instant_spec import PERIODIC, InstantSpec
from tariffs.models import Dispatch, OutboxRow
from tariffs.participants import create_participant
from tariffs.profile_spec import InputSpec
from tariffs.services import evaluate_due
from tests.gwa_api.wan_parties import Wan
from tests.tariffs.builders import IMPORT, a_meter, a_profile, course, store, utc
from tests.tariffs.test_instant_values import POWER, sample

T0 = utc("2026-02-27 23:00")
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
BILLED, INSTANT = "emt-0001", "emt-0002"
TICK = timedelta(seconds=10)
AT_LEAST = 20
"""Times faster than real time."""


@pytest.mark.req("R34", "R59", "R64")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("hours", "every_s"),
    [pytest.param(72, 300, marks=pytest.mark.slow), (4, 900)],
)
def test_what_an_outage_left_is_made_up_twenty_times_faster_than_real_time(
    gateway: Gateway, tmp_path: Path, hours: int, every_s: int
) -> None:
    """R34, R59, R64: each message is stored once, in order for billing, both ways."""
    wan = Wan.around(gateway, tmp_path / "wan", T0)
    meter = profiles(gateway, every_s)
    emts = {name: wan.emt(name) for name in (BILLED, INSTANT)}
    head, _book = wan.head_end()
    ways(wan, 1, 1, 1)
    for hour in range(hours):
        gather(gateway, meter, T0 + hour * HOUR, every_s)
        sender.send_due(gateway, now=T0 + (hour + 1) * HOUR)
    rows = OutboxRow.objects.count()
    assert rows == hours * 4 + 1 + hours * 3600 // every_s + 1
    assert not OutboxRow.objects.exclude(state="due").exists()
    with listening(wan, head, emts):
        took_s = drained(gateway, T0 + hours * HOUR + MINUTE)
    assert stored_once_and_in_order(emts, wan.told) == rows
    assert Dispatch.objects.count() == rows
    faster = hours * 3600 / took_s
    print(
        f"{rows} messages of {hours} h in {took_s:.1f} s: {faster:.0f} times real time"
    )
    if hours == 72:  # the pause before the first attempt is an hour at most
        assert faster >= AT_LEAST


def profiles(gateway: Gateway, every_s: int) -> Meter:
    """Both profiles; they send each value as soon as it is there."""
    meter = a_meter(gateway)
    for name in (BILLED, INSTANT):
        create_participant(name)
    a_profile(
        gateway,
        InputSpec(meter.id, IMPORT),
        id="quarters",
        taf=7,
        now=T0,
        recipients=(BILLED,),
        metering_point="DE" + "1" * 31,
        schedule="*/15 * * * *",
    )
    a_profile(
        gateway,
        InputSpec(meter.id, POWER),
        id="instant",
        taf=14,
        now=T0,
        recipients=(INSTANT,),
        registration_period_s=every_s,
        schedule=f"*/{every_s // 60} * * * *",
        instant_values=InstantSpec((), (), (PERIODIC,)),
    )
    return meter


def gather(gateway: Gateway, meter: Meter, begin: datetime, every_s: int) -> None:
    """An hour's values, evaluated: rows in the outbox."""
    end = begin + HOUR
    quarters = course(begin, end, start=1000 + (begin - T0) // HOUR * 40)
    step = timedelta(seconds=every_s)
    powers = {begin + n * step: n for n in range(HOUR // step + 1)}
    if begin > T0:
        del quarters[begin], powers[begin]
    store(gateway, meter, quarters)
    sample(gateway, meter, powers, settled=end)
    evaluate_due(gateway, now=end + timedelta(seconds=40))


def ways(wan: Wan, billed: int, instant: int, gwa: int) -> None:
    """By these ports; 1 is nobody's."""
    wan.way(gwa)
    wan.way(billed, BILLED)
    wan.way(instant, INSTANT, route="via_gwa")


@contextmanager
def listening(wan: Wan, head: HeadEnd, emts: dict[str, Emt]) -> Iterator[None]:
    """Everybody is there again."""
    with ExitStack() as stack:
        ports = {}
        for name, emt in emts.items():
            entered = wan.listening(emt.keys, deliveries=emt.take)
            ports[name] = stack.enter_context(entered).port
            wan.let_forward(head, emt, ports[name], name)
        gwa = stack.enter_context(wan.listening(head.keys, deliveries=head.forward))
        ways(wan, ports[BILLED], ports[INSTANT], gwa.port)
        yield


def drained(gateway: Gateway, back: datetime) -> float:
    """Seconds until everything is acknowledged, with a tick every ten seconds.

    The pauses that grew in the outage count: they are waited for by the gateway's
    clock, the work by this machine's.
    """
    lines, now, worked_s = DeliveryLines(), back, 0.0
    while OutboxRow.objects.exclude(state="acknowledged").exists():
        begun = time.monotonic()
        lines.offer(
            sender.recipients(now=now),
            lambda one, now=now: sender.send_to(gateway, one, now=now),  # type: ignore[misc]
        )
        assert lines.wait(120)
        worked_s += time.monotonic() - begun
        now += TICK
    waited_s = (now - back).total_seconds()
    print(f"{worked_s:.1f} s of work within {waited_s:.0f} s of the gateway's time")
    return max(worked_s, waited_s)


def stored_once_and_in_order(emts: dict[str, Emt], told: list[str]) -> int:
    """How many messages the recipients hold; none twice, none out of its turn."""
    stored = 0
    for name, emt in emts.items():
        owed = OutboxRow.objects.filter(recipient=name).order_by("sequence")
        ids = [str(one) for one in owed.values_list("message_id", flat=True)]
        came = [line.split(" ")[0] for line in told if " TAF" in line]
        mine = [one for one in came if one in set(ids)]
        if name == BILLED:
            assert mine == ids
        assert sorted(mine) == sorted(ids)
        documents = [document(emt, one) for one in ids]
        assert [one["sequence"] for one in documents] == list(range(1, len(ids) + 1))
        times = [record["t"] for one in documents for record in one["records"]]
        assert times == sorted(set(times))
        stored += len(documents)
    return stored


def document(emt: Emt, message_id: str) -> dict[str, Any]:
    path = emt.keys.state / "received" / f"{message_id}.json"
    found: dict[str, Any] = json.loads(path.read_text())
    return found
