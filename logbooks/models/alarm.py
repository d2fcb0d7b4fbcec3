"""What stands until it is over."""

from typing import ClassVar

from django.db import models


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
