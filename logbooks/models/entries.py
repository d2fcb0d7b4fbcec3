"""The entries of the three logbooks."""

from typing import ClassVar

from django.db import models


class ConsumerLog(models.Model):
    """That a consumer has a log, and how long its entries are kept (R76)."""

    consumer_id = models.CharField(max_length=32, primary_key=True)
    retention_months = models.PositiveSmallIntegerField(default=24)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(retention_months__gte=15),
                name="consumer_log_kept_15_months",
            )
        ]


class LogEntry(models.Model):
    """What every entry holds: ids and arguments; the text is rendered on reading.

    `event_id` is an event of ch. 9.3 or a fault code of ch. 9.4 (then sub-id 1).
    `recipient` and `profile` say who got data by which profile (decisions D15).
    """

    number = models.BigIntegerField(primary_key=True)
    recorded_at = models.DateTimeField()
    event_id = models.BigIntegerField()
    event_sub_id = models.SmallIntegerField()
    level = models.CharField(max_length=7)
    arguments = models.JSONField(default=list)
    recipient = models.CharField(max_length=64, default="", blank=True)
    profile = models.CharField(max_length=32, default="", blank=True)
    chain_hash = models.BinaryField(max_length=32)

    class Meta:
        abstract = True


class ConsumerLogEntry(LogEntry):
    """An entry of one consumer's log; only that consumer reads it (R71)."""

    pk = models.CompositePrimaryKey("consumer_id", "number")
    consumer_id = models.CharField(max_length=32)
    number = models.BigIntegerField()

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["consumer_id", "recorded_at"], name="consumer_log_time"
            )
        ]


class SystemLogEntry(LogEntry):
    """An entry of the system log: GWA and technician; nothing personal (R81)."""

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["recorded_at"], name="system_log_time")
        ]


class CalibrationLogEntry(LogEntry):
    """A signed entry of the calibration log; kept for ever (R74, R84).

    `signature` is ECDSA-SHA256, DER, over `logbooks.entry_text.calibration_text`.
    """

    signature = models.BinaryField()
    signer_ski = models.CharField(max_length=40)
