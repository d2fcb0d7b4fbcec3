"""How the HAN interface is reached in the house (R111)."""

from typing import ClassVar

from django.db import models


class HanNetwork(models.Model):
    """Addresses (`192.168.2.10/24`) and names of the HAN interface; one row, or none.

    While `returns_at` is set the change is on trial: then `before` comes back, unless
    the administrator has come over another connection than `changed_over`.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    version = models.PositiveIntegerField(default=0)
    addresses = models.JSONField(default=list)
    host_names = models.JSONField(default=list)
    dhcp = models.BooleanField(default=True)
    before = models.JSONField(null=True, blank=True)
    returns_at = models.DateTimeField(null=True, blank=True)
    changed_over = models.CharField(max_length=64, default="", blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(id=1), name="one_network_of_the_han"
            )
        ]
