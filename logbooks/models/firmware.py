"""Update packages and what became of them."""

from typing import ClassVar

from django.db import models


class FirmwarePackage(models.Model):
    """An update package: from its arrival to the release that runs, or its refusal.

    `file` is its name in the folder of packages, `fingerprint` the hash of its
    manifest, empty while that is unknown. `fault` is the code of ch. 9.4 that it was
    refused with, `reason` says more.
    """

    class State(models.TextChoices):
        DOWNLOADED = "downloaded"
        VERIFIED = "verified"
        RELEASED = "released"
        SCHEDULED = "scheduled"
        TRIAL = "trial"
        ACTIVE = "active"
        REPLACED = "replaced"
        REFUSED = "refused"

    file = models.CharField(max_length=64, unique=True)
    received_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State, default=State.DOWNLOADED)
    version = models.CharField(max_length=32, default="", blank=True)
    number = models.BigIntegerField(null=True, blank=True)
    fingerprint = models.CharField(max_length=64, default="", blank=True)
    install_at = models.DateTimeField(null=True, blank=True)
    fault = models.BigIntegerField(null=True, blank=True)
    reason = models.CharField(max_length=200, default="", blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["version"],
                condition=models.Q(
                    state__in=["verified", "released", "scheduled", "trial", "active"]
                ),
                name="one_package_of_a_version",
            )
        ]
