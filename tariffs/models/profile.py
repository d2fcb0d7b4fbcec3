"""Evaluation profiles and their inputs."""

from typing import ClassVar

from django.db import models

from meters.models import Consumer, Meter, profile_id_rule
from tariffs.models.participant import MarketParticipant


class EvaluationProfile(models.Model):
    """An instance of a tariff use case (Auswerteprofil, gateway-model.md 3.6).

    Valid over `[valid_from, valid_to)`. The billing period is `billing_count` units,
    months from `billing_day` on (TAF1: 1, 2, 3, 6 or 12 months from day 1). What is
    due up to `evaluated_to` is computed and stored; it moves in one transaction with
    the derived records. `tariff` is that of TAF2 (`tariffs.tariff_spec`). The switches
    of stages before `created_at` are history: they are not logged. `send_schedule`
    says when values are sent (`tariffs.send_schedule`); what was due up to `queued_to`
    stands in the outbox. `instant_values` is what TAF9, TAF10 and TAF14 have beside
    (`tariffs.instant_spec`), `threshold_states` how their thresholds stand: they move
    with `evaluated_to`. Their values are sent under `pseudonym`; without one there is
    a `purpose` that allows the names (decisions D34).
    """

    class State(models.TextChoices):
        PLANNED = "planned"
        ACTIVE = "active"
        ENDED = "ended"
        DELETED = "deleted"

    class BillingUnit(models.TextChoices):
        DAY = "day"
        WEEK = "week"
        MONTH = "month"

    id = models.CharField(max_length=32, primary_key=True, validators=[profile_id_rule])
    version = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=7, choices=State, default=State.PLANNED)
    taf = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=64, default="-")
    consumer = models.ForeignKey(Consumer, on_delete=models.PROTECT)
    metering_point = models.CharField(max_length=33, default="-")
    supplier_id = models.CharField(max_length=32, default="-")
    recipients = models.ManyToManyField(MarketParticipant, blank=True)
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField(null=True, blank=True)
    registration_period_s = models.PositiveIntegerField(default=900)
    billing_unit = models.CharField(
        max_length=5, choices=BillingUnit, default=BillingUnit.MONTH
    )
    billing_count = models.PositiveSmallIntegerField(default=1)
    billing_day = models.PositiveSmallIntegerField(default=1)
    evaluated_to = models.DateTimeField(null=True, blank=True)
    tariff = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(null=True, blank=True)
    send_schedule = models.CharField(max_length=64, default="", blank=True)
    queued_to = models.DateTimeField(null=True, blank=True)
    instant_values = models.JSONField(null=True, blank=True)
    threshold_states = models.JSONField(null=True, blank=True)
    pseudonym = models.CharField(max_length=32, default="", blank=True)
    purpose = models.CharField(max_length=64, default="", blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(valid_to__gt=models.F("valid_from")),
                name="profile_ends_after_its_start",
            )
        ]


class ProfileInput(models.Model):
    """One input of a profile: a register of a meter, counted with a sign."""

    profile = models.ForeignKey(
        EvaluationProfile, on_delete=models.CASCADE, related_name="inputs"
    )
    position = models.PositiveSmallIntegerField()
    meter = models.ForeignKey(Meter, on_delete=models.PROTECT)
    obis = models.CharField(max_length=12)
    sign = models.SmallIntegerField(default=1)

    class Meta:
        ordering: ClassVar = ["position"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["profile", "meter", "obis"], name="profile_input_once"
            ),
            models.CheckConstraint(
                condition=models.Q(sign__in=(1, -1)), name="profile_input_sign"
            ),
        ]
