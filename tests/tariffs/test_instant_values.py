"""TAF9, TAF10 and TAF14: what is listed, when it fires, what is sent, and only once."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.gateway import Gateway
from hardware.obis import Obis
from hardware.readings import MeterReading, RegisterValue
from hardware.record import registers_of
from hardware.status_word import (
    LATER_TRIGGERED,
    METER_BASIC,
    METER_FATAL,
    gateway_word,
    is_placeholder,
    ptb_status,
)
from logbooks.selectors import consumer_log
from meters import samples
from meters.models import Meter, ReadDemand, Sample
from tariffs import on_demand, taf6
from tariffs.aggregates import Valued, aggregate
from tariffs.instant_spec import Aggregate, Direction, InstantSpec, Threshold
from tariffs.models import DerivedRecord, EvaluationProfile, OutboxRow
from tariffs.profile_spec import InputSpec, ProfileInvalid
from tariffs.services import create_participant, end_profile, evaluate_due
from tariffs.thresholds import ThresholdState, advanced
from tests.tariffs.builders import a_meter, a_profile, store, utc

POWER, FED_IN = "0100100700ff", "0100020700ff"
VOLTAGE, ANGLE, ENERGY = "0100200700ff", "0100510701ff", "0100010800ff"
START = utc("2026-03-10 12:00")
MINUTE = timedelta(minutes=1)
WATT, VOLT, DEGREE = 27, 35, 8
_UNITS = {VOLTAGE: (-1, VOLT), ANGLE: (0, DEGREE), ENERGY: (-1, 30)}
OVER_5000 = Threshold(POWER, "over", "5000")


def reading(
    at: datetime, values: Mapping[str, int], status: int = METER_BASIC
) -> MeterReading:
    registers = tuple(
        RegisterValue(Obis.parse(obis), value, *_UNITS.get(obis, (-1, WATT)))
        for obis, value in sorted(values.items())
    )
    return MeterReading(b"", at, status, registers)


def sample(
    gateway: Gateway,
    meter: Meter,
    powers: Mapping[datetime, int],
    *,
    settled: datetime,
    delay: timedelta = timedelta(0),
    status: int = METER_BASIC,
    obis: str = POWER,
) -> None:
    """Put samples of one register in tenths; all is settled up to `settled`."""
    taken = [
        samples.Taken(meter.id, at, reading(at + delay, {obis: value}, status))
        for at, value in powers.items()
    ]
    samples.store_samples(gateway, taken, {meter.id: settled})


def course(*values: int, every: timedelta = MINUTE) -> dict[datetime, int]:
    return {START + n * every: value for n, value in enumerate(values)}


def a_list(
    gateway: Gateway,
    meter: Meter,
    taf: int,
    spec: InstantSpec | None = None,
    *,
    obis: Iterable[str] = (POWER,),
    **rest: object,
) -> EvaluationProfile:
    if not rest.get("recipients"):
        create_participant("emt", name="EMT")
    given = {
        "registration_period_s": 60,
        "valid_from": START,
        "recipients": ("emt",),
        "now": START - MINUTE,
        **rest,
    }
    inputs = [InputSpec(meter.id, one) for one in obis]
    return a_profile(gateway, *inputs, taf=taf, instant_values=spec, **given)  # type: ignore[arg-type]


def listed(profile: str = "profile") -> list[tuple[int, dict[str, Decimal], int]]:
    """Minute, amounts by register, verdict of each record."""
    rows = DerivedRecord.objects.filter(profile=profile).order_by("target_time")
    return [
        (
            (row.target_time - START) // MINUTE,
            {r.obis.logical_name: r.amount for r in registers_of(row.registers)},
            ptb_status(row.status),
        )
        for row in rows
    ]


def queued(*kinds: str) -> list[tuple[str, int, int]]:
    """Kind, begin and end in seconds of what stands in the outbox."""
    return [
        (row.kind, (row.begin - START).seconds, (row.end - START).seconds)
        for row in OutboxRow.objects.order_by("sequence")
        if row.kind in kinds
    ]


@pytest.mark.django_db
@pytest.mark.req("R47", "R54")
def test_taf9_lists_what_is_fed_in_unsigned(gateway: Gateway) -> None:
    """R47: max(0, -P) under the code of feeding in; R54: a pseudonym by default."""
    meter = a_meter(gateway)
    profile = a_list(gateway, meter, 9)
    sample(gateway, meter, course(-5000, 12), settled=START + MINUTE)
    evaluate_due(gateway, now=START + MINUTE)
    assert listed() == [
        (0, {FED_IN: Decimal("500.0")}, 0),
        (1, {FED_IN: Decimal(0)}, 0),
    ]
    assert {bytes(row.signature) for row in DerivedRecord.objects.all()} == {b""}
    assert len(profile.pseudonym) == 32


@pytest.mark.django_db
@pytest.mark.req("R49")
def test_aggregates_stand_at_the_end_of_their_window_under_their_own_codes(
    gateway: Gateway,
) -> None:
    """R49: minimum, maximum and mean of five minutes, exact."""
    meter = a_meter(gateway)
    functions = [Aggregate(POWER, one, 300) for one in ("min", "max", "mean")]
    a_list(gateway, meter, 10, InstantSpec(tuple(functions)))
    sample(gateway, meter, course(0, 10, 20, 30, 40, 51), settled=START + 5 * MINUTE)
    evaluate_due(gateway, now=START + 5 * MINUTE)
    at_start, *_, last = listed()
    assert at_start[1:] == ({POWER: Decimal(0)}, 2)  # too few values: bit 13
    assert last[1] == {
        POWER: Decimal("5.1"),
        "0100100300ff": Decimal("1.0"),
        "0100100500ff": Decimal("3.02"),
        "0100100600ff": Decimal("5.1"),
    }


@pytest.mark.django_db
def test_a_missing_or_late_value_gets_a_placeholder_and_none_before_the_first(
    gateway: Gateway,
) -> None:
    """tafs.md R2, R3: 1.8 s are the limit at 60 s; never interpolated."""
    meter = a_meter(gateway)
    a_list(gateway, meter, 14)
    for minute, delay in ((1, 1.8), (2, 1.9), (4, 0)):
        at = START + minute * MINUTE
        sample(
            gateway,
            meter,
            {at: minute},
            settled=at,
            delay=timedelta(seconds=delay),
        )
    evaluate_due(gateway, now=START + 4 * MINUTE)
    assert [(minute, verdict) for minute, _, verdict in listed()] == [
        (1, 0),
        (2, 3),
        (3, 3),
        (4, 0),
    ]
    assert [amounts[POWER] for _, amounts, _ in listed()][:3] == [Decimal("0.1")] * 3


@pytest.mark.django_db
def test_nothing_is_evaluated_before_it_is_settled(gateway: Gateway) -> None:
    meter = a_meter(gateway)
    a_list(gateway, meter, 14)
    sample(gateway, meter, course(1, 2, 3), settled=START + MINUTE)
    evaluate_due(gateway, now=START + 9 * MINUTE)
    assert [minute for minute, _, _ in listed()] == [0, 1]


@pytest.mark.django_db
@pytest.mark.req("R48", "R50")
@pytest.mark.parametrize("taf", [9, 10])
def test_a_threshold_sends_the_current_value_alone(gateway: Gateway, taf: int) -> None:
    """R50: only the value of the instant, marked as triggered."""
    meter = a_meter(gateway)
    a_list(gateway, meter, taf, InstantSpec((), (OVER_5000,), ("threshold",)))
    sign = -1 if taf == 9 else 1
    powers = [sign * one for one in (100, 60000, 70000, 100)]
    sample(gateway, meter, course(*powers), settled=START + 3 * MINUTE)
    evaluate_due(gateway, now=START + 3 * MINUTE)
    assert queued("threshold", "periodic") == [("threshold", 59, 60)]
    fired = DerivedRecord.objects.filter(later_bits=LATER_TRIGGERED)
    assert [row.target_time for row in fired] == [START + MINUTE]


@pytest.mark.django_db
@pytest.mark.req("R52")
def test_a_threshold_of_taf14_sends_all_that_was_not_sent(gateway: Gateway) -> None:
    """R52: unlike TAF10 the whole list of values that were not sent yet."""
    meter = a_meter(gateway)
    spec = InstantSpec((), (OVER_5000,), ("threshold",))
    a_list(gateway, meter, 14, spec)
    powers = (1, 1, 1, 60000, 1, 1, 70000)
    sample(gateway, meter, course(*powers), settled=START + 6 * MINUTE)
    evaluate_due(gateway, now=START + 6 * MINUTE)
    assert queued("threshold") == [("threshold", 0, 180), ("threshold", 180, 360)]


@pytest.mark.django_db
@pytest.mark.req("R52")
def test_ad_hoc_sends_each_value_at_once_and_by_itself(gateway: Gateway) -> None:
    meter = a_meter(gateway)
    a_list(gateway, meter, 14, InstantSpec(triggers=("ad_hoc",)))
    for minute in range(4):
        at = START + minute * MINUTE
        sample(gateway, meter, {at: 1}, settled=at)
        evaluate_due(gateway, now=at)
    assert queued("ad_hoc") == [
        ("ad_hoc", 0, 60),
        ("ad_hoc", 60, 120),
        ("ad_hoc", 120, 180),
    ]


@pytest.mark.django_db
@pytest.mark.req("R36", "R57")
def test_periodic_values_and_the_initial_and_final_reading_are_sent(
    gateway: Gateway,
) -> None:
    meter = a_meter(gateway)
    a_list(gateway, meter, 14, schedule="*/5 * * * *")
    end = START + 12 * MINUTE
    end_profile(gateway, "profile", at=end, now=START)
    sample(gateway, meter, course(*range(13)), settled=end)
    evaluate_due(gateway, now=end)
    assert queued("initial", "periodic", "final") == [
        ("initial", 85500, 0),
        ("periodic", 0, 300),
        ("periodic", 300, 600),
        ("periodic", 600, 660),
        ("final", 660, 720),
    ]


@pytest.mark.django_db
def test_in_steps_or_at_once_the_same_is_stored_and_sent(gateway: Gateway) -> None:
    """Order and number of the hints change nothing (tafs.md R7)."""
    meter = a_meter(gateway)
    spec = InstantSpec((), (OVER_5000,), ("threshold", "periodic"))
    a_list(gateway, meter, 14, spec, schedule="*/5 * * * *")
    twin = {"id": "twin", "schedule": "*/5 * * * *", "recipients": ("emt",)}
    powers = [60000 if n % 7 == 3 else 1 for n in range(24)]
    end = START + 23 * MINUTE
    for minute, power in enumerate(powers):
        at = START + minute * MINUTE
        sample(gateway, meter, {at: power}, settled=at)
        evaluate_due(gateway, now=at)
        evaluate_due(gateway, now=at)
    a_list(gateway, meter, 14, spec, **twin)
    evaluate_due(gateway, now=end)
    assert listed("twin") == listed()
    columns = ("kind", "begin", "end", "sequence")
    by_profile = [
        list(
            OutboxRow.objects.filter(profile=one).order_by("sequence").values(*columns)
        )
        for one in ("profile", "twin")
    ]
    assert by_profile[0] == by_profile[1]


@pytest.mark.django_db
def test_a_fatal_value_is_listed_but_neither_fires_nor_counts(gateway: Gateway) -> None:
    meter = a_meter(gateway)
    spec = InstantSpec((), (OVER_5000,), ("threshold",))
    a_list(gateway, meter, 10, spec)
    status = METER_BASIC | METER_FATAL
    sample(gateway, meter, course(60000), settled=START, status=status)
    evaluate_due(gateway, now=START)
    assert [verdict for _, _, verdict in listed()] == [4]
    assert queued("threshold") == []


@pytest.mark.django_db
def test_after_a_long_silence_only_what_is_kept_is_caught_up(gateway: Gateway) -> None:
    """tafs.md R8: placeholders since the last value, none older than 42 days."""
    meter = a_meter(gateway)
    a_list(gateway, meter, 14, registration_period_s=3600)
    sample(gateway, meter, {START: 5}, settled=START)
    evaluate_due(gateway, now=START)
    now = START + timedelta(days=50)
    sample(gateway, meter, {now: 6}, settled=now)
    evaluate_due(gateway, now=now)
    rows = list(DerivedRecord.objects.order_by("target_time"))
    assert len(rows) == 1 + 42 * 24
    assert all(is_placeholder(row.status) for row in rows[1:-1])
    assert gateway_word(rows[-1].status) == 5


@pytest.mark.django_db
def test_meters_are_asked_for_what_profiles_need_and_no_longer(
    gateway: Gateway,
) -> None:
    meter = a_meter(gateway)
    a_list(gateway, meter, 14, obis=(POWER, ENERGY))
    evaluate_due(gateway, now=START)
    demand = ReadDemand.objects.get()
    assert (demand.period_s, demand.begin, demand.end) == (60, START, None)
    assert demand.registers == sorted([POWER, ENERGY])
    end_profile(gateway, "profile", at=START + MINUTE, now=START)
    sample(gateway, meter, course(1, 2), settled=START + MINUTE)
    evaluate_due(gateway, now=START + 2 * MINUTE)
    evaluate_due(gateway, now=START + 3 * MINUTE)
    assert not ReadDemand.objects.exists()


@pytest.mark.django_db
def test_samples_go_when_they_were_evaluated(gateway: Gateway) -> None:
    meter = a_meter(gateway)
    a_list(gateway, meter, 14)
    later = START + timedelta(hours=2)
    sample(gateway, meter, {START: 1, later: 2}, settled=later)
    evaluate_due(gateway, now=later)
    evaluate_due(gateway, now=later)
    assert [row.target_time for row in Sample.objects.all()] == [later]


@pytest.mark.django_db
@pytest.mark.req("R48")
def test_on_demand_the_meter_is_read_and_the_value_is_sent(gateway: Gateway) -> None:
    """R48: the order goes to the meters' side, its sample to the recipient, once."""
    meter = a_meter(gateway)
    a_list(gateway, meter, 10)
    evaluate_due(gateway, now=START)
    now = START + timedelta(seconds=7)
    asked = on_demand.request(gateway, "profile", recipient="emt", now=now)
    order = ReadDemand.objects.get(period_s=0)
    at = order.begin
    taken = samples.Taken(meter.id, at, reading(at, {POWER: 420}))
    samples.store_samples(gateway, [taken], {}, {order.subject})
    evaluate_due(gateway, now=now + MINUTE)
    evaluate_due(gateway, now=now + MINUTE)
    assert queued("on_demand") == [("on_demand", 6, 7)]
    asked.refresh_from_db()
    assert asked.state == "queued"


@pytest.mark.django_db
def test_an_order_that_was_not_carried_out_fails(gateway: Gateway) -> None:
    meter = a_meter(gateway)
    a_list(gateway, meter, 10)
    evaluate_due(gateway, now=START)
    asked = on_demand.request(gateway, "profile", recipient="emt", now=START)
    samples.store_samples(gateway, [], {meter.id: START}, {asked.id.hex})
    evaluate_due(gateway, now=START + MINUTE)
    asked.refresh_from_db()
    assert (asked.state, asked.fault) == ("failed", 400036)


@pytest.mark.django_db
@pytest.mark.req("R51", "R52", "R53")
@pytest.mark.parametrize(
    ("taf", "changes", "pointer"),
    [
        (14, {"registration_period_s": 59}, "/registration_period"),
        (14, {"registration_period_s": 90}, "/registration_period"),
        (14, {"obis": (VOLTAGE,)}, "/inputs/0/obis"),
        (9, {"obis": (VOLTAGE,)}, "/inputs/0/obis"),
        (10, {"obis": (ENERGY,)}, "/inputs/0/obis"),
        (14, {"spec": InstantSpec(triggers=("on_demand",))}, "/triggers"),
        (10, {"spec": InstantSpec(triggers=("ad_hoc",))}, "/triggers"),
        (10, {"spec": InstantSpec(triggers=("threshold",))}, "/thresholds"),
        (10, {"spec": InstantSpec(thresholds=(OVER_5000,))}, "/triggers"),
        (14, {"spec": InstantSpec((Aggregate(POWER, "min"),))}, "/aggregates/0"),
        (
            10,
            {"spec": InstantSpec((Aggregate(POWER, "sum"),))},
            "/aggregates/0/function",
        ),
        (
            10,
            {"spec": InstantSpec((Aggregate(POWER, "min", 90),))},
            "/aggregates/0/window",
        ),
        (10, {"pseudonymise": False}, "/purpose"),
        (10, {"pseudonym": "x1emh0000000001"}, "/pseudonym"),
    ],
)
def test_what_a_profile_must_not_have_is_refused(
    gateway: Gateway, taf: int, changes: dict[str, object], pointer: str
) -> None:
    """R51: 59 s refused; R52, R53: triggers and quantities of each use case."""
    meter = a_meter(gateway)
    with pytest.raises(ProfileInvalid) as refused:
        a_list(gateway, meter, taf, **changes)  # type: ignore[arg-type]
    assert pointer in [one.pointer for one in refused.value.problems]


def test_a_threshold_with_hysteresis_hold_and_pause() -> None:
    """tafs.md 9, step by step."""
    limit = Threshold(POWER, "over", "100", "10", min_hold=2, min_interval_s=301)
    state, fired = ThresholdState(), []
    values = (100, 99, 100, 101, 95, 91, 90, 100, 100, None, 80, 100, 100)
    for minute, value in enumerate(values):
        amount = None if value is None else Decimal(value)
        state, fires = advanced(limit, state, START + minute * MINUTE, amount)
        if fires:
            fired.append(minute)
    assert fired == [3, 12]  # at 8 it was outside again, within the pause


@pytest.mark.parametrize("direction", ["over", "under"])
def test_a_value_that_rests_on_the_limit_fires_once(direction: Direction) -> None:
    """Nothing is fed in all night, the limit is 0: one message, not one a minute."""
    threshold = Threshold(POWER, direction, "0")
    state, fired = ThresholdState(), []
    for minute in range(10):
        at = START + minute * MINUTE
        state, fires = advanced(threshold, state, at, Decimal(0))
        fired += [minute] if fires else []
    assert fired == [0]


@given(
    values=st.lists(st.none() | st.integers(-200, 200), max_size=60),
    limit=st.integers(-100, 100),
    hysteresis=st.integers(0, 50),
    direction=st.sampled_from(["over", "under"]),
)
def test_a_threshold_fires_as_a_slow_reading_of_the_rule_says(
    values: list[int | None], limit: int, hysteresis: int, direction: str
) -> None:
    """Against the rule read from the whole past, without any state."""
    threshold = Threshold(
        POWER, direction, str(limit), str(hysteresis), min_interval_s=0
    )
    sign = 1 if direction == "over" else -1
    state, fired, expected = ThresholdState(), [], []
    for n, value in enumerate(values):
        amount = None if value is None else Decimal(value)
        state, fires = advanced(threshold, state, START + n * MINUTE, amount)
        if fires:
            fired.append(n)
        if value is not None and sign * value >= sign * limit:
            past = [one for one in values[:n] if one is not None]
            since = [sign * one for one in past][::-1]
            outside = next(
                (
                    one >= sign * limit
                    for one in since
                    if one >= sign * limit or one <= sign * limit - hysteresis
                ),
                False,
            )
            if not outside:
                expected.append(n)
    assert fired == expected


@settings(deadline=None)
@given(st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=40))
def test_minimum_mean_and_maximum_are_exact_and_in_order(values: list[int]) -> None:
    """The mean of a whole window is the exact mean, cut after three more digits."""
    given_values = [
        Valued(START + n * MINUTE, RegisterValue(Obis.parse(POWER), one, -1, WATT))
        for n, one in enumerate(values)
    ]
    least, mean, most = (
        aggregate(one, given_values, period_s=60) for one in ("min", "mean", "max")
    )
    assert least is not None and mean is not None and most is not None
    assert least.amount <= mean.amount <= most.amount
    exact = abs(sum(values)) * 1000 // len(values)
    assert abs(mean.value) == exact


def test_the_mean_of_angles_is_that_of_directions() -> None:
    """350 and 10 degrees have the mean 0, not 180; opposite ones have none."""

    def angles(*degrees: int) -> list[Valued]:
        return [
            Valued(START + n * MINUTE, RegisterValue(Obis.parse(ANGLE), one, 0, DEGREE))
            for n, one in enumerate(degrees)
        ]

    mean = aggregate("mean", angles(350, 10), period_s=60)
    assert mean is not None and mean.amount == 0
    assert aggregate("mean", angles(0, 180), period_s=60) is None


def test_a_value_holds_until_the_next_one() -> None:
    values = [
        Valued(START + n * MINUTE, RegisterValue(Obis.parse(POWER), one, 0, WATT))
        for n, one in ((0, 100), (3, 200))
    ]
    mean = aggregate("mean", values, period_s=60)
    assert mean is not None and mean.amount == Decimal(125)


DAY = timedelta(days=1)


def a_day_list(gateway: Gateway, until: datetime) -> datetime:
    """A TAF6 profile over 45 days of quarter hours; the newest day start."""
    meter = a_meter(gateway)
    first = until - 45 * DAY
    store(gateway, meter, {first + n * DAY: 10 * n for n in range(46)})
    create_participant("emt", name="EMT")
    a_profile(
        gateway,
        InputSpec(meter.id, ENERGY),
        taf=6,
        now=until,
        backdated=False,
        valid_from=first,
        recipients=("emt",),
    )
    evaluate_due(gateway, now=until)
    return until


@pytest.mark.django_db
@pytest.mark.req("R45")
def test_taf6_sends_the_value_of_a_day_to_the_named_recipient(gateway: Gateway) -> None:
    """R45: 16004/0 and the value; 16004/4 and nothing; no such day and nothing."""
    now = a_day_list(gateway, utc("2026-03-09 23:00"))
    wanted = date(2026, 3, 1)
    on_demand.request(gateway, "profile", recipient="emt", day=wanted, now=now)
    with pytest.raises(on_demand.RecipientUnknown):
        on_demand.request(gateway, "profile", recipient="x", day=wanted, now=now)
    for day in (date(2026, 3, 11), date(2026, 1, 26)):
        with pytest.raises(on_demand.NoSuchDay):
            on_demand.request(gateway, "profile", recipient="emt", day=day, now=now)
    (row,) = OutboxRow.objects.all()
    assert (row.kind, row.end) == ("on_demand", utc("2026-02-28 23:00"))
    told = [line.event_id for line in consumer_log("hks2")]
    assert told.count(16004) == 2


@pytest.mark.parametrize(
    ("newest", "kept", "gone"),
    [
        ("2026-03-28 23:00", "2026-02-14 23:00", "2026-02-13 23:00"),
        ("2026-03-29 22:00", "2026-02-15 23:00", "2026-02-14 23:00"),
        ("2026-10-24 22:00", "2026-09-12 22:00", "2026-09-11 22:00"),
        ("2026-10-25 23:00", "2026-09-13 22:00", "2026-09-12 22:00"),
    ],
)
@pytest.mark.req("R44")
def test_day_42_is_kept_and_day_43_is_gone_on_both_clock_changes(
    newest: str, kept: str, gone: str
) -> None:
    """R44: counted in local days, around the days of 23 and 25 hours."""
    oldest = taf6.kept_from(utc(newest), 0)
    assert utc(gone) < oldest <= utc(kept)
