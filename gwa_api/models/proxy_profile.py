"""Proxy profiles: which CLS may reach which EMT, and the connections there were."""

from typing import ClassVar

from django.db import models

from gwa_api.cls.profile import Scenario
from meters.models import Consumer, profile_id_rule
from tariffs.models import MarketParticipant


class ProxyProfile(models.Model):
    """One pair of a CLS in the house and its EMT (R161, cls-proxy of the model).

    The certificates that both must show are those in force in the store: holder
    "CLS" with this profile's id, and the EMT's. Addresses are `host:port`.
    """

    id = models.CharField(max_length=32, primary_key=True, validators=[profile_id_rule])
    version = models.PositiveIntegerField(default=1)
    scenario = models.CharField(
        max_length=4, choices=[(one.value, one.name) for one in Scenario]
    )
    consumer = models.ForeignKey(Consumer, on_delete=models.PROTECT)
    emt = models.ForeignKey(MarketParticipant, on_delete=models.PROTECT)
    local_server_name = models.CharField(max_length=63, unique=True)
    cls_address = models.CharField(max_length=80, default="", blank=True)
    wan_addresses = models.JSONField(default=list)
    wan_sni = models.CharField(max_length=253, default="", blank=True)
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField(null=True, blank=True)
    max_duration_s = models.PositiveIntegerField(default=48 * 3600)
    idle_timeout_s = models.PositiveIntegerField(default=300)
    connect_timeout_s = models.PositiveSmallIntegerField(default=30)
    max_parallel = models.PositiveSmallIntegerField(default=1)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(valid_to__gt=models.F("valid_from")),
                name="proxy_profile_ends_after_its_start",
            )
        ]


class ProxyConnection(models.Model):
    """One connection through the proxy, or the order to make one (HKS4, HKS5).

    An order has `requested_at` and waits for its `opened_at`; it is over when
    `closed_at` is set, with a `problem` when it never came about. `ending` asks the
    proxy to end it. The profile is named, not referenced: it may be gone before.
    """

    profile_id = models.CharField(max_length=32)
    consumer_id = models.CharField(max_length=32)
    requested_at = models.DateTimeField(null=True, blank=True)
    opened_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    ending = models.BooleanField(default=False)
    problem = models.CharField(max_length=64, default="", blank=True)
