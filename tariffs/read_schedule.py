"""When meters are to be read for TAF9, TAF10 and TAF14: told to the meters' side."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction

from meters import samples
from meters.models import ReadDemand
from meters.read_demand import ORDER
from tariffs.instant_evaluation import longest_window, meter_of
from tariffs.instant_tafs import INSTANT_TAFS
from tariffs.models import EvaluationProfile
from tariffs.schedule import first_instant, inputs_of, last_instant

_KEPT_BEYOND = timedelta(hours=1)


def bring_up_to_date(profiles: Iterable[EvaluationProfile]) -> None:
    """Let the meters be read for exactly these profiles; mostly one query."""
    wanted = {
        one.id: _demand(one)
        for one in profiles
        if one.taf in INSTANT_TAFS and one.inputs.all()
    }
    stored = {one.subject: one for one in ReadDemand.objects.exclude(period_s=ORDER)}
    same = {id_ for id_, one in wanted.items() if _is_same(one, stored.get(id_))}
    if len(same) == len(wanted) == len(stored):
        return
    with transaction.atomic():
        ReadDemand.objects.filter(subject__in=stored.keys() - same).delete()
        ReadDemand.objects.bulk_create(
            [one for id_, one in wanted.items() if id_ not in same],
            ignore_conflicts=True,
        )


def forget_evaluated(profiles: Iterable[EvaluationProfile]) -> None:
    """Delete the samples that no profile needs any more."""
    needed: dict[str, datetime] = {}
    for profile in profiles:
        if profile.taf not in INSTANT_TAFS:
            continue
        done = profile.evaluated_to or first_instant(profile)
        begin = done - longest_window(profile) - _KEPT_BEYOND
        meter = meter_of(profile)
        needed[meter] = min(begin, needed.get(meter, begin))
    for meter, begin in needed.items():
        samples.forget_samples(meter, begin)


def _demand(profile: EvaluationProfile) -> ReadDemand:
    return ReadDemand(
        subject=profile.id,
        meter_id=meter_of(profile),
        period_s=profile.registration_period_s,
        registers=sorted({given.obis for given in inputs_of(profile)}),
        begin=first_instant(profile),
        end=last_instant(profile),
    )


def _is_same(wanted: ReadDemand, stored: ReadDemand | None) -> bool:
    if stored is None:
        return False
    columns = ("meter_id", "period_s", "registers", "begin", "end")
    return all(getattr(wanted, name) == getattr(stored, name) for name in columns)
