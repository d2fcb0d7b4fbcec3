"""A price series in words."""

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal import formats, money
from portal.cost_page import rounding_words
from tariffs.costs import BasePrice
from tariffs.models import PriceSeries
from tariffs.price_series import SeriesFacts


@dataclass(frozen=True, slots=True)
class SeriesWords:
    """What a page says of the prices of a contract."""

    kind: str
    span: str
    rounding: str
    base: str
    source: str
    imported_at: str


def series_words(facts: SeriesFacts | None) -> SeriesWords | None:
    """None without prices."""
    if facts is None:
        return None
    by_consumer = facts.source == PriceSeries.Source.CONSUMER
    return SeriesWords(
        kind=_kind(facts),
        span=_span(facts),
        rounding=rounding_words(facts.rounding),
        base=_base(facts.base),
        source=_("von Ihnen") if by_consumer else _("vom Betreiber"),
        imported_at=formats.record_time(facts.imported_at),
    )


def _kind(facts: SeriesFacts) -> str:
    if facts.is_by_quarter:
        text = ngettext(
            "%(count)s Viertelstundenpreis",
            "%(count)s Viertelstundenpreise",
            facts.size,
        )
    else:
        text = ngettext("%(count)s Preis", "%(count)s Preise", facts.size)
    count = formats.whole_number(facts.size, formats.page_style())
    return text % {"count": count}


def _span(facts: SeriesFacts) -> str:
    begin = formats.record_time(facts.begin)
    if facts.end is None:
        return _("ab %(begin)s") % {"begin": begin}
    end = formats.record_time(facts.end)
    return _("%(begin)s bis %(end)s") % {"begin": begin, "end": end}


def _base(base: BasePrice | None) -> str:
    if base is None:
        return ""
    amount = money.euro(base.amount, formats.page_style())
    if base.per_month:
        return _("%(amount)s EUR je Monat") % {"amount": amount}
    return _("%(amount)s EUR je Tag") % {"amount": amount}
