"""The three logbooks, their chains, and the certificates."""

from typing import ClassVar

from django.db import models


class ChainHead(models.Model):
    """The end of one chain: a log, a consumer's log, a meter's or a profile's list.

    Each row of the list carries its number and the hash over the row and the hash
    before. The head knows how long the chain is, so that a cut tail is found; its
    MAC, made with a sub-key of the device key, keeps the head itself honest.
    `anchor_*` is the last row that was pruned after its retention (decisions D43).
    """

    name = models.CharField(max_length=64, primary_key=True)
    length = models.BigIntegerField(default=0)
    hash = models.BinaryField(max_length=32)
    anchor_length = models.BigIntegerField(default=0)
    anchor_hash = models.BinaryField(max_length=32)
    mac = models.BinaryField(max_length=32)


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


class Certificate(models.Model):
    """A certificate in the store; `ski` is the subject key identifier in hex."""

    class Kind(models.TextChoices):
        TLS = "TLS"
        ENC = "ENC"
        SIG = "SIG"

    class State(models.TextChoices):
        PENDING = "pending"
        ACTIVE = "active"
        EXPIRED = "expired"
        REVOKED = "revoked"

    fingerprint = models.CharField(max_length=64, primary_key=True)
    subject_cn = models.CharField(max_length=64)
    issuer_cn = models.CharField(max_length=64)
    serial = models.CharField(max_length=40)
    ski = models.CharField(max_length=40, db_index=True)
    not_before = models.DateTimeField()
    not_after = models.DateTimeField()
    der = models.BinaryField()
    kind = models.CharField(max_length=3, choices=Kind)
    stage = models.CharField(max_length=12)
    holder = models.CharField(max_length=4)
    curve = models.CharField(max_length=16)
    key_slot = models.CharField(max_length=16, default="", blank=True)
    state = models.CharField(max_length=8, choices=State, default=State.ACTIVE)


class Alarm(models.Model):
    """Something that stands until it is over: an error message to the GWA (R162).

    `kind` is a `logbooks.alarms.AlarmKind`, `subject` the meter id, port or other thing
    it concerns ("" for the gateway itself), `code` the fault code of ch. 9.4 or the
    event id of ch. 9.3 that it came with. `subject` may name a meter: it is for the
    GWA and the technician and never goes into the system log (decisions D32).
    `last_at` and `count` tell how often it was seen again, `cleared_at` when it ended.
    """

    kind = models.CharField(max_length=24)
    subject = models.CharField(max_length=200, default="", blank=True)
    code = models.BigIntegerField()
    since = models.DateTimeField()
    last_at = models.DateTimeField()
    count = models.PositiveIntegerField(default=1)
    cleared_at = models.DateTimeField(null=True, blank=True)
    acknowledged_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["kind", "subject"],
                condition=models.Q(cleared_at__isnull=True),
                name="one_open_alarm_of_a_kind",
            )
        ]
        indexes: ClassVar = [models.Index(fields=["since"], name="alarm_since")]
