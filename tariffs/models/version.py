"""What a profile was at each time."""

from typing import ClassVar

from django.db import models

from tariffs.models.profile import EvaluationProfile


class ProfileVersion(models.Model):
    """A version of a profile, as it was stored: kept as long as the profile.

    `document` holds the members of `tariffs.profile_spec.ProfileSpec` (see
    `tariffs.versions`), `made_by` who asked for it.
    """

    pk = models.CompositePrimaryKey("profile_id", "version")
    profile = models.ForeignKey(
        EvaluationProfile,
        on_delete=models.CASCADE,
        related_name="versions",
        db_index=False,
    )
    version = models.PositiveIntegerField()
    document = models.JSONField()
    made_at = models.DateTimeField()
    made_by = models.CharField(max_length=32)

    class Meta:
        ordering: ClassVar = ["version"]
