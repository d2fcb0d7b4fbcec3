"""What was acknowledged by its recipient."""

from django.db import models

from tariffs.models.participant import MarketParticipant
from tariffs.models.profile import EvaluationProfile


class Dispatch(models.Model):
    """That a recipient acknowledged the values of `(begin, end]` (decisions D22)."""

    profile = models.ForeignKey(EvaluationProfile, on_delete=models.PROTECT)
    recipient = models.ForeignKey(MarketParticipant, on_delete=models.PROTECT)
    begin = models.DateTimeField()
    end = models.DateTimeField()
    sent_at = models.DateTimeField()
