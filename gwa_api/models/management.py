"""What the gateway remembers of its talks with the administrator."""

from typing import ClassVar

from django.db import models


class ManagementState(models.Model):
    """One row: the last wake-up that was followed, the last management channel.

    `last_wake_up` is the time in the message, which only ever grows: no message is
    good twice. `alarms_told` is the newest alarm that a channel was opened for.
    """

    last_wake_up = models.DateTimeField(null=True, blank=True)
    last_opened_at = models.DateTimeField(null=True, blank=True)
    alarms_told = models.BigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(pk=1), name="one_state_of_management"
            )
        ]


class AlarmReport(models.Model):
    """An alarm as it is sent to the administrator: the same bytes on every attempt.

    `alarm` is the number of the `logbooks` alarm, which may be gone before its report.
    """

    alarm = models.BigIntegerField(primary_key=True)
    message_id = models.UUIDField()
    content = models.BinaryField()
    made_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    reported_at = models.DateTimeField(null=True, blank=True)
