"""What the gateway knows of its time service."""

from typing import ClassVar

from django.db import models


class TimeState(models.Model):
    """The time server and how the synchronisation goes; one row, or none.

    `certificate` (DER) is the one that the server has to show. Times are gateway
    times; `last_offset_us` is legal time minus own time at the last success, in
    microseconds, `far_offsets_us` are the differences of the answers since then that
    were too far off to be believed. What the clock itself needs stands in
    `hardware.time_file`.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    host = models.CharField(max_length=253)
    port = models.PositiveIntegerField()
    certificate = models.BinaryField()
    configured_at = models.DateTimeField()
    next_poll_at = models.DateTimeField()
    last_success_at = models.DateTimeField(null=True, blank=True)
    last_offset_us = models.BigIntegerField(null=True, blank=True)
    last_round_trip_us = models.BigIntegerField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0)
    last_fault = models.BigIntegerField(null=True, blank=True)
    far_offsets_us = models.JSONField(default=list, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(id=1), name="one_time_service_of_the_gateway"
            )
        ]
