"""What the GWA's API keeps of its own: answers to be repeated, actions under way."""

import uuid

from django.db import models


class KeptAnswer(models.Model):
    """The answer to a POST, by its Idempotency-Key, for 24 hours.

    `request_hash` is the SHA-256 of method, path and body. While `status` is None the
    request is being carried out.
    """

    key = models.CharField(max_length=64, primary_key=True)
    request_hash = models.CharField(max_length=64)
    started_at = models.DateTimeField(db_index=True)
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    headers = models.JSONField(default=dict)
    body = models.TextField(default="", blank=True)


class Operation(models.Model):
    """A long action (rest-gwa.md 3): `subject` is the row or thing that carries it out.

    Its state follows from that (`gwa_api.rest.operations`); `progress` is where a
    check that goes on stands.
    """

    class Kind(models.TextChoices):
        SELF_TEST = "self_test"
        RESTART = "restart"
        TIME = "time_synchronise"
        CALIBRATION_LOG = "calibration_log_verify"
        KEYS = "keys_activate"
        FIRMWARE = "firmware_install"

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        SUCCEEDED = "succeeded"
        FAILED = "failed"

    name = models.UUIDField(unique=True, default=uuid.uuid4)
    kind = models.CharField(max_length=24, choices=Kind)
    subject = models.CharField(max_length=64, default="", blank=True)
    state = models.CharField(max_length=9, choices=State, default=State.QUEUED)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    progress = models.JSONField(default=dict, blank=True)
    result = models.JSONField(null=True, blank=True)
    problem = models.JSONField(null=True, blank=True)
