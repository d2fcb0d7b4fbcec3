"""The derived lists."""

from typing import ClassVar

from django.db import models

from meters.models import ListRecord
from tariffs.models.profile import EvaluationProfile


class DerivedRecord(ListRecord):
    """A row of a derived list: one profile, one target time, its registers.

    The signed text names the profile.
    """

    pk = models.CompositePrimaryKey("profile_id", "target_time")
    profile = models.ForeignKey(
        EvaluationProfile, on_delete=models.PROTECT, db_index=False
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["profile", "number"], name="derived_record_number"
            )
        ]
