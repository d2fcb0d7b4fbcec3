"""Readings on demand: what was asked for, and what became of it."""

import uuid

from django.db import models

from tariffs.models.participant import MarketParticipant
from tariffs.models.profile import EvaluationProfile


class OnDemandDelivery(models.Model):
    """One request of the administrator for a recipient (gateway-model.md 3.7).

    Of TAF6 for the reading at the start of `day`, of TAF9 and TAF10 for a reading now:
    it is ordered under the id of the request and stands at `target_time`. `fault` says
    why it failed.
    """

    class State(models.TextChoices):
        ORDERED = "ordered"
        """The meter is still to be read."""
        QUEUED = "queued"
        """The values stand in the outbox."""
        FAILED = "failed"

    class Reason(models.TextChoices):
        MOVE_IN = "move_in"
        MOVE_OUT = "move_out"
        SUPPLIER_CHANGE = "supplier_change"
        DEFAULT_SUPPLY = "default_supply"
        OTHER = "other"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    profile = models.ForeignKey(EvaluationProfile, on_delete=models.CASCADE)
    recipient = models.ForeignKey(MarketParticipant, on_delete=models.PROTECT)
    day = models.DateField(null=True, blank=True)
    reason = models.CharField(max_length=15, choices=Reason, default=Reason.OTHER)
    state = models.CharField(max_length=7, choices=State)
    target_time = models.DateTimeField()
    requested_at = models.DateTimeField()
    fault = models.PositiveIntegerField(default=0)
