"""The external market participants."""

from django.db import models

from meters.models import profile_id_rule


class MarketParticipant(models.Model):
    """An external market participant (EMT) that may receive values."""

    id = models.CharField(max_length=32, primary_key=True, validators=[profile_id_rule])
    name = models.CharField(max_length=64, default="-")
