"""What the HAN side keeps of its own: logged digest logins, opt-ins of consumers."""

from typing import ClassVar

from django.db import models

from meters.models import Consumer


class DigestLogin(models.Model):
    """That a user's digest login from an address is in the log for a day.

    Clients of the JSON interface log in with every request; one log entry per user,
    address and local day tells the consumer what he needs to know (decisions D54).
    """

    username = models.CharField(max_length=32)
    address = models.CharField(max_length=45)
    day = models.DateField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["username", "address", "day"], name="digest_login_once_a_day"
            )
        ]


class CertificateUse(models.Model):
    """That a program's use of a client certificate is in the log for a day.

    As `DigestLogin`: one entry per certificate, address and local day.
    """

    fingerprint = models.CharField(max_length=64)
    address = models.CharField(max_length=45)
    day = models.DateField()
    was_accepted = models.BooleanField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["fingerprint", "address", "day", "was_accepted"],
                name="certificate_use_once_a_day",
            )
        ]


class HousePush(models.Model):
    """That a consumer has his values sent to an MQTT broker in his house.

    There is a row only while he wants it; `password` is encrypted with a sub-key of
    the device key and bound to the consumer. `version` changes with every change.
    """

    consumer = models.OneToOneField(
        Consumer, on_delete=models.CASCADE, primary_key=True
    )
    version = models.PositiveIntegerField(default=1)
    host = models.CharField(max_length=253)
    port = models.PositiveIntegerField(default=8883)
    tls = models.BooleanField(default=True)
    ca = models.TextField(default="", blank=True)
    username = models.CharField(max_length=128, default="", blank=True)
    password = models.BinaryField(default=b"")
    since = models.DateTimeField()
    connected_at = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=64, default="", blank=True)


class InstallationReport(models.Model):
    """The result of a check-list of installation; it names nobody.

    `seen` is what the gateway found by itself (text, is_good, detail), `confirmed` the
    names of the points that were ticked, `role` which service role did it.
    """

    made_at = models.DateTimeField()
    role = models.CharField(max_length=13)
    seen = models.JSONField()
    confirmed = models.JSONField()
