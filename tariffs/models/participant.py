"""The external market participants."""

from django.db import models

from meters.models import profile_id_rule


class MarketParticipant(models.Model):
    """An external market participant (EMT) that may receive values.

    `inbox` is the absolute path of a folder for his deliveries; empty without one.
    """

    id = models.CharField(max_length=32, primary_key=True, validators=[profile_id_rule])
    name = models.CharField(max_length=64, default="-")
    inbox = models.CharField(max_length=255, default="", blank=True)
