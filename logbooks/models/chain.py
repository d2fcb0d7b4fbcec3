"""The heads of the chains that hold every list together."""

from django.db import models


class ChainHead(models.Model):
    """The end of one chain: a log, a consumer's log, a meter's or a profile's list.

    Each row of the list carries its number and the hash over the row and the hash
    before. The head knows how long the chain is, so that a cut tail is found; its
    MAC, made with a sub-key of the device key, keeps the head itself honest.
    `anchor_*` is the last row that was pruned after its retention (decisions D43).
    """

    name = models.CharField(max_length=64, primary_key=True)
    length = models.BigIntegerField(default=0)
    hash = models.BinaryField(max_length=32)
    anchor_length = models.BigIntegerField(default=0)
    anchor_hash = models.BinaryField(max_length=32)
    mac = models.BinaryField(max_length=32)
