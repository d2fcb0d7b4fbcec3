"""The certificates of the store."""

from django.db import models


class Certificate(models.Model):
    """A certificate in the store; `ski` is the subject key identifier in hex."""

    class Kind(models.TextChoices):
        TLS = "TLS"
        ENC = "ENC"
        SIG = "SIG"

    class State(models.TextChoices):
        PENDING = "pending"
        ACTIVE = "active"
        EXPIRED = "expired"
        REVOKED = "revoked"

    fingerprint = models.CharField(max_length=64, primary_key=True)
    subject_cn = models.CharField(max_length=64)
    issuer_cn = models.CharField(max_length=64)
    serial = models.CharField(max_length=40)
    ski = models.CharField(max_length=40, db_index=True)
    not_before = models.DateTimeField()
    not_after = models.DateTimeField()
    der = models.BinaryField()
    kind = models.CharField(max_length=3, choices=Kind)
    stage = models.CharField(max_length=12)
    holder = models.CharField(max_length=4)
    curve = models.CharField(max_length=16)
    key_slot = models.CharField(max_length=16, default="", blank=True)
    state = models.CharField(max_length=8, choices=State, default=State.ACTIVE)
