"""The change of the gateway administrator (R90)."""

from typing import ClassVar

from django.db import models


class AdministratorChange(models.Model):
    """An announced change: the next GWA and the TLS certificate he will come with.

    Open while neither completed nor cancelled; at most one is.
    """

    holder_id = models.CharField(max_length=64)
    fingerprint = models.CharField(max_length=64)
    announced_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                models.Value(1),
                condition=models.Q(completed_at=None, cancelled_at=None),
                name="one_change_of_the_administrator",
            )
        ]
