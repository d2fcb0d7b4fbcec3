"""The certificates of the store, and the revocation lists beside them."""

from typing import ClassVar

from django.db import models


class Certificate(models.Model):
    """A certificate in the store; `ski` is the subject key identifier in hex.

    `holder_id` says which of the parties of a kind it belongs to: id of an EMT, of a
    consumer, of the GWA; "" for the gateway itself. `key_slot` is the purpose of the
    gateway's own key ("tls", "enc", "sig", "han-ca"), "" for certificates of others.
    A partner is known by exactly those of his certificates that are active: they are
    the pins of his connections. `ended_at` is when it ceased to be so.
    """

    class Kind(models.TextChoices):
        TLS = "TLS"
        ENC = "ENC"
        SIG = "SIG"
        CA = "CA"

    class Stage(models.TextChoices):
        QUALITY_SEAL = "guetesiegel"
        OPERATIONAL = "wirk"
        SUB_CA = "subca"
        HAN = "han"
        SELF_SIGNED = "self-signed"

    class Holder(models.TextChoices):
        SMGW = "SMGW"
        GWA = "GWA"
        EMT = "EMT"
        CONSUMER = "CON"
        TECHNICIAN = "SRV"
        CLS = "CLS"
        AUTHORITY = "CA"

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
    holder_id = models.CharField(max_length=64, default="", blank=True)
    curve = models.CharField(max_length=16)
    key_slot = models.CharField(max_length=16, default="", blank=True)
    state = models.CharField(max_length=8, choices=State, default=State.ACTIVE)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["holder", "holder_id"], name="certificate_holder")
        ]


class RevocationList(models.Model):
    """The newest revocation list of an issuer; `issuer` is the SHA-256 of its name."""

    issuer = models.CharField(max_length=64, primary_key=True)
    number = models.TextField()
    next_update = models.DateTimeField()
    der = models.BinaryField()
