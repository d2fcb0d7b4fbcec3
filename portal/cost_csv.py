"""The costs of a period as CSV: one line per quarter hour, all digits."""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

from django.utils.translation import gettext as _

from portal import money
from portal.cost_page import stage_word
from portal.csv_text import CsvForm
from tariffs.cost_report import CostReport
from tariffs.costs import Cost


def cost_csv(
    report: CostReport, names: Mapping[int, str], form: CsvForm
) -> Iterator[str]:
    """Begin, end, kWh, stage, ct/kWh and EUR before rounding; oldest first.

    Without a price both last cells are empty. A longer span stands where values are
    missing in between.
    """
    head = (
        *(_("Von"), _("Bis"), _("Energie (kWh)"), _("Stufe")),
        *(_("Preis (ct/kWh)"), _("Kosten ungerundet (EUR)")),
    )
    yield form.line(head)
    yield from _lines(report.costs, names, form)


def _lines(
    costs: Iterable[Cost], names: Mapping[int, str], form: CsvForm
) -> Iterator[str]:
    for cost in costs:
        energy = cost.energy
        yield form.separator.join(
            (
                form.stamp(energy.begin),
                form.stamp(energy.end),
                form.line([money.energy(energy.amount, form.style)]),
                form.line([stage_word(energy.stage, names)]),
                _number(cost.price, form),
                _number(cost.amount, form),
            )
        )


def _number(value: Decimal | None, form: CsvForm) -> str:
    return "" if value is None else form.line([money.euro(value, form.style)])
