"""Runs of the self-test, and where the cyclic check of stored rows stands."""

from typing import ClassVar

from django.db import models


class SelfTestRun(models.Model):
    """One run: who triggered it, how far it is, what it found.

    `actor` is a `logbooks.self_test.Actor`, `consumer` the id of the consumer who asked
    ("" for all others). `is_queued` says that the worker carries it on; `position` is
    the end of the last slice. `codes` are the fault codes found so far, ascending.
    At most one run has no end.
    """

    actor = models.CharField(max_length=24)
    consumer = models.CharField(max_length=32, default="", blank=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    is_queued = models.BooleanField(default=False)
    checks_done = models.BooleanField(default=False)
    position = models.JSONField(default=dict)
    codes = models.JSONField(default=list)
    slot = models.PositiveSmallIntegerField(default=1)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["slot"],
                condition=models.Q(ended_at__isnull=True),
                name="one_self_test_at_a_time",
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["started_at"], name="self_test_start")
        ]


class CheckPosition(models.Model):
    """Where the cyclic check of stored rows goes on; one row."""

    name = models.CharField(max_length=16, primary_key=True)
    position = models.JSONField(default=dict)
    passes = models.BigIntegerField(default=0)
    pass_ended_at = models.DateTimeField(null=True, blank=True)
