"""The state of the device, and how full its storage was."""

from typing import ClassVar

from django.db import models


class DeviceState(models.Model):
    """What the gateway knows of its own state; one row, or none while all is well.

    `mode` is a `hardware.device_state_file.Mode`, `codes` are the causes that were
    reported since `since` (fault codes of ch. 9.4 or the event id 13001), in that
    order. `boot_code` is an integrity error of the software whose return at the next
    start means the hard lock-down. `seal_damaged_at` is set by the GWA,
    `integrity_broken_at` by 19001: while one stands, values are not for billing.
    `hardware` is the descriptor that the gateway was set up with.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    mode = models.CharField(max_length=8, default="normal")
    codes = models.JSONField(default=list)
    since = models.DateTimeField(null=True, blank=True)
    boot_code = models.BigIntegerField(null=True, blank=True)
    seal_damaged_at = models.DateTimeField(null=True, blank=True)
    integrity_broken_at = models.DateTimeField(null=True, blank=True)
    hardware = models.CharField(max_length=16, default="", blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(id=1), name="one_state_of_the_device"
            )
        ]


class StorageSample(models.Model):
    """How many bytes the gateway used at a moment; from these its growth is known."""

    measured_at = models.DateTimeField(primary_key=True)
    used_bytes = models.BigIntegerField()
