"""Seals of the configuration, and the journal of rows that the product changed."""

from django.db import models


class ConfigurationSeal(models.Model):
    """The MAC of one row of a configuration table; `key` is its primary key as text."""

    pk = models.CompositePrimaryKey("table", "key")
    table = models.CharField(max_length=64)
    key = models.CharField(max_length=128)
    mac = models.BinaryField(max_length=32)


class ConfigurationChange(models.Model):
    """A row that was written and waits for its new seal; filled by triggers."""

    table = models.CharField(max_length=64)
    key = models.CharField(max_length=128)


class ConfigurationTrigger(models.Model):
    """The triggers that stand on a configuration table, as they were made."""

    table = models.CharField(max_length=64, primary_key=True)
    statements = models.TextField()
