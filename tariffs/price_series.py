"""Price series of contracts: imported whole or not at all, read, removed."""

from datetime import datetime
from typing import NamedTuple

from django.db import transaction
from django.db.models import Count, Max, Min
from django.utils.translation import gettext as _

from tariffs.calendar import Period
from tariffs.costs import BasePrice, Mode, Price, Prices, Rounding, Where
from tariffs.models import EvaluationProfile, PriceRow, PriceSeries
from tariffs.models.price import exact, stored
from tariffs.price_file import (
    LARGEST_FILE,
    PriceFile,
    PricesInvalid,
    Problem,
    read_csv,
    unknown_stages,
)
from tariffs.price_json import read_json
from tariffs.tariff_spec import tariff_of

_CHUNK = 1000


class SeriesFacts(NamedTuple):
    """What a page says of a series."""

    source: str
    imported_at: datetime
    is_by_quarter: bool
    rounding: Rounding
    base: BasePrice | None
    size: int
    begin: datetime
    end: datetime | None


def read_prices(content: bytes) -> PriceFile:
    """The prices of a file, JSON or CSV by its first character; PricesInvalid."""
    if len(content) > LARGEST_FILE:
        text = _("Die Datei ist größer als %(largest)d MiB.")
        message = text % {"largest": LARGEST_FILE // 2**20}
        raise PricesInvalid([Problem("", message)])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = content.count(b"\n", 0, error.start) + 1
        where = _("Zeile %(number)d") % {"number": number}
        problem = Problem(where, _("Der Text ist nicht UTF-8."))
        raise PricesInvalid([problem]) from None
    return read_json(text) if text.lstrip().startswith("{") else read_csv(text)


def import_prices(
    profile: EvaluationProfile, content: bytes, *, source: str, now: datetime
) -> PriceSeries:
    """Replace the prices of a contract by those of a file; raises PricesInvalid.

    With anything wrong nothing is changed.
    """
    file = read_prices(content)
    problems = list(unknown_stages(file, _stages(profile)))
    if problems:
        raise PricesInvalid(problems)
    return _stored(profile, file, source, now)


def _stages(profile: EvaluationProfile) -> frozenset[int]:
    if profile.taf != 2 or not profile.tariff:
        return frozenset()
    return frozenset(stage.number for stage in tariff_of(profile.tariff).stages)


@transaction.atomic
def _stored(
    profile: EvaluationProfile, file: PriceFile, source: str, now: datetime
) -> PriceSeries:
    assert file.rounding is not None  # a file without one is not good
    remove_prices(profile)
    series = PriceSeries.objects.create(
        profile=profile,
        source=source,
        imported_at=now,
        is_by_quarter=file.is_by_quarter,
        rounding_where=file.rounding.where,
        rounding_mode=file.rounding.mode,
        rounding_digits=file.rounding.digits,
        base_amount=stored(file.base.amount) if file.base else None,
        base_per_month=bool(file.base and file.base.per_month),
    )
    PriceRow.objects.bulk_create(
        (
            PriceRow(
                series=series,
                stage=one.stage,
                begin=one.begin,
                end=one.end,
                amount=stored(one.price),
            )
            for one in file.prices
        ),
        batch_size=_CHUNK,
    )
    return series


def remove_prices(profile: EvaluationProfile) -> bool:
    """Remove the prices of a contract; False when there were none."""
    count, _by_kind = PriceSeries.objects.filter(profile=profile).delete()
    return count > 0


def has_prices(profile: EvaluationProfile) -> bool:
    """Whether the contract had a price series when it was fetched."""
    return hasattr(profile, "price_series")


def facts_of(profile: EvaluationProfile) -> SeriesFacts | None:
    """What there is; None without prices."""
    series = PriceSeries.objects.filter(profile=profile).first()
    if series is None:
        return None
    found = series.rows.aggregate(
        size=Count("id"), closed=Count("end"), first=Min("begin"), last=Max("end")
    )
    return SeriesFacts(
        source=series.source,
        imported_at=series.imported_at,
        is_by_quarter=series.is_by_quarter,
        rounding=_rounding(series),
        base=_base(series),
        size=found["size"],
        begin=found["first"],
        end=found["last"] if found["closed"] == found["size"] else None,
    )


def prices_of(profile: EvaluationProfile, period: Period) -> Prices | None:
    """The prices that hold somewhere in a period; None without a series."""
    series = PriceSeries.objects.filter(profile=profile).first()
    if series is None:
        return None
    rows = series.rows.filter(begin__lt=period.end).exclude(end__lte=period.begin)
    columns = rows.values_list("begin", "end", "amount", "stage")
    prices = [
        Price(begin, end, exact(amount), stage) for begin, end, amount, stage in columns
    ]
    return Prices.of(prices, _rounding(series), _base(series))


def _rounding(series: PriceSeries) -> Rounding:
    return Rounding(
        Where(series.rounding_where),
        Mode(series.rounding_mode),
        series.rounding_digits,
    )


def _base(series: PriceSeries) -> BasePrice | None:
    if series.base_amount is None:
        return None
    return BasePrice(exact(series.base_amount), series.base_per_month)
