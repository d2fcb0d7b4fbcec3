"""Price series: what a consumer's supplier takes for the energy of a contract."""

from decimal import Decimal
from typing import ClassVar

from django.db import models

from tariffs.models.profile import EvaluationProfile

PRICE_EXPONENT = -6
"""Prices are stored as integers: millionths of a cent, and of a euro."""


class PriceSeries(models.Model):
    """The prices of a contract, ct/kWh, with the supplier's rounding.

    For information only: no bill is made of it. `base_amount` is the standing charge
    in millionths of EUR; None for none.
    """

    class Source(models.TextChoices):
        CONSUMER = "consumer"
        OPERATOR = "operator"

    profile = models.OneToOneField(
        EvaluationProfile, on_delete=models.CASCADE, related_name="price_series"
    )
    source = models.CharField(max_length=8, choices=Source)
    imported_at = models.DateTimeField()
    is_by_quarter = models.BooleanField()
    rounding_where = models.CharField(max_length=12)
    rounding_mode = models.CharField(max_length=9)
    rounding_digits = models.PositiveSmallIntegerField()
    base_amount = models.BigIntegerField(null=True, blank=True)
    base_per_month = models.BooleanField(default=False)


class PriceRow(models.Model):
    """A price from `begin` to before `end` (None: open), millionths of ct/kWh."""

    series = models.ForeignKey(
        PriceSeries, on_delete=models.CASCADE, related_name="rows"
    )
    stage = models.PositiveSmallIntegerField()
    begin = models.DateTimeField()
    end = models.DateTimeField(null=True, blank=True)
    amount = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["series", "stage", "begin"], name="price_row_once"
            ),
            models.CheckConstraint(
                condition=models.Q(end=None) | models.Q(end__gt=models.F("begin")),
                name="price_row_span",
            ),
        ]


def stored(amount: Decimal) -> int:
    """A price or charge as the integer that is stored."""
    return int(amount.scaleb(-PRICE_EXPONENT))


def exact(amount: int) -> Decimal:
    """What was stored, exactly."""
    return Decimal(amount).scaleb(PRICE_EXPONENT)
