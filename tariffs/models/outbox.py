"""What is owed to recipients: the outbox."""

from typing import ClassVar

from django.db import models

from tariffs.models.participant import MarketParticipant
from tariffs.models.profile import EvaluationProfile


class OutboxRow(models.Model):
    """The values of `(begin, end]` that a recipient shall get (gateway-model.md 3.10).

    Made in the transaction of the values. `sequence` counts the rows of a profile for
    one recipient, without a hole. `message_id` stays the same through all attempts: by
    it the recipient knows a repetition. `version` is that of the profile whose
    description the document carries. A long span is cut: parts of one `batch_id`.
    `count` and `sha256` are of the document as it was handed over first; a repetition
    must have the same digest. `unreached_at`: nobody answered at the last attempt.
    """

    class Kind(models.TextChoices):
        INITIAL = "initial"
        PERIODIC = "periodic"
        FINAL = "final"
        ON_DEMAND = "on_demand"
        THRESHOLD = "threshold"
        AD_HOC = "ad_hoc"

    class State(models.TextChoices):
        DUE = "due"
        SENT = "sent"
        """Handed over; the acknowledgement is still to come."""
        ACKNOWLEDGED = "acknowledged"
        FAILED = "failed"
        """Refused by the recipient: not tried again until it is queued again."""
        GIVEN_UP = "given_up"

    message_id = models.UUIDField(unique=True)
    batch_id = models.UUIDField()
    part = models.PositiveSmallIntegerField(default=1)
    parts = models.PositiveSmallIntegerField(default=1)
    profile = models.ForeignKey(
        EvaluationProfile, on_delete=models.PROTECT, related_name="outbox"
    )
    version = models.PositiveIntegerField()
    recipient = models.ForeignKey(MarketParticipant, on_delete=models.PROTECT)
    kind = models.CharField(max_length=9, choices=Kind)
    begin = models.DateTimeField()
    end = models.DateTimeField()
    sequence = models.PositiveBigIntegerField()
    created_at = models.DateTimeField()
    state = models.CharField(max_length=12, choices=State, default=State.DUE)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    last_error = models.CharField(max_length=200, default="", blank=True)
    unreached_at = models.DateTimeField(null=True, blank=True)
    count = models.PositiveIntegerField(default=0)
    sha256 = models.CharField(max_length=64, default="", blank=True)
    acknowledged_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["profile", "recipient", "sequence"], name="outbox_sequence"
            ),
            models.UniqueConstraint(
                fields=["profile", "recipient", "kind", "begin"],
                condition=models.Q(kind__in=["initial", "periodic", "final"]),
                name="outbox_scheduled_once",
            ),
            models.CheckConstraint(
                condition=models.Q(end__gt=models.F("begin")), name="outbox_span"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["state", "next_attempt_at"], name="outbox_due")
        ]

    @property
    def is_owed(self) -> bool:
        """Whether the values must be kept for this row."""
        return self.state in OWED_STATES


OWED_STATES = (
    OutboxRow.State.DUE,
    OutboxRow.State.SENT,
    OutboxRow.State.FAILED,
)
