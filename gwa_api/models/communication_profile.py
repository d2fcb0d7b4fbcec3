"""How the gateway reaches its partners over the wide-area network."""

from typing import ClassVar

from django.db import models

from hardware.cms_suite import EnvelopeSuite
from meters.models import profile_id_rule
from tariffs.models import MarketParticipant


class CommunicationProfile(models.Model):
    """The way to one partner: the GWA (no participant), or a market participant.

    `addresses` are `host:port`, tried in order; deliveries are POSTed to `path`. At
    `management_addresses` the GWA waits for management channels. `route` says whether
    a participant gets his deliveries directly or by the GWA. Who the partner is, his
    certificates in the store say (gateway-model.md 3.10).
    """

    class Route(models.TextChoices):
        DIRECT = "direct"
        VIA_GWA = "via_gwa"

    id = models.CharField(max_length=32, primary_key=True, validators=[profile_id_rule])
    version = models.PositiveIntegerField(default=1)
    participant = models.OneToOneField(
        MarketParticipant,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="communication",
    )
    addresses = models.JSONField(default=list)
    path = models.CharField(max_length=200, default="/deliveries")
    management_addresses = models.JSONField(default=list, blank=True)
    sni = models.CharField(max_length=253, default="", blank=True)
    route = models.CharField(max_length=7, choices=Route, default=Route.DIRECT)
    suite = models.CharField(
        max_length=32,
        choices=[(suite.name, suite.name) for suite in EnvelopeSuite],
        default=EnvelopeSuite.CMS_ECKAEG_AES_128_GCM.name,
    )
    compressed = models.BooleanField(default=True)

    class Meta:
        constraints: ClassVar = [
            # NULLs are different from each other, so the one GWA needs a rule.
            models.UniqueConstraint(
                models.Value(1),
                condition=models.Q(participant=None),
                name="one_way_to_the_gwa",
            )
        ]


class SealedDelivery(models.Model):
    """The bytes of a delivery as they are sent, the same on every attempt.

    Made once, because encryption is never the same twice; kept until the recipient
    has acknowledged or it was given up.
    """

    message_id = models.UUIDField(primary_key=True)
    content = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    made_at = models.DateTimeField()
