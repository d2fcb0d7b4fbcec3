"""What the HAN side keeps of its own: which digest logins were logged today."""

from typing import ClassVar

from django.db import models


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
