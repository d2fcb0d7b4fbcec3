"""A POST that is repeated under its key is carried out once (rest-gwa.md 3)."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256

from django.db import transaction

from gwa_api.models import KeptAnswer
from gwa_api.rest.problem import ApiProblem

KEPT = timedelta(hours=24)
ABANDONED_AFTER = timedelta(minutes=5)
"""Who has not answered by then was killed: the next one may try."""

_KEY = re.compile(r"[A-Za-z0-9_-]{8,64}")


def key_of(headers: Mapping[str, str], administrator: str) -> str:
    """What a request is kept under: his key, and whose it is.

    The next administrator is not answered what was meant for the one before. Raises
    ApiProblem (400) without a good key.
    """
    key = headers.get("idempotency-key", "")
    if not _KEY.fullmatch(key):
        raise ApiProblem("key-missing", "8 to 64 of A-Z, a-z, 0-9, _ and -")
    return sha256(f"{administrator}\n{key}".encode()).hexdigest()


def request_hash(method: str, path: str, content: bytes) -> str:
    """What a repetition has in common with the first request."""
    return sha256(f"{method} {path}\n".encode() + content).hexdigest()


@transaction.atomic
def begin(key: str, hashed: str, *, now: datetime) -> KeptAnswer | None:
    """Claim a key; the kept answer when the request was carried out before.

    Raises ApiProblem for another request under the key, or one that is under way.
    """
    KeptAnswer.objects.filter(started_at__lt=now - KEPT).delete()
    found, made = KeptAnswer.objects.select_for_update().get_or_create(
        key=key, defaults={"request_hash": hashed, "started_at": now}
    )
    if made:
        return None
    if found.request_hash != hashed:
        raise ApiProblem("idempotency-mismatch")
    if found.status is not None:
        return found
    if now - found.started_at < ABANDONED_AFTER:
        raise ApiProblem("idempotency-in-progress", retry_after_s=1)
    found.started_at = now
    found.save(update_fields=["started_at"])
    return None


def keep(key: str, *, status: int, headers: Mapping[str, str], body: str) -> None:
    """Note how a request was answered."""
    KeptAnswer.objects.filter(pk=key).update(
        status=status, headers=dict(headers), body=body
    )


def forget(key: str) -> None:
    """The request came to nothing by an error of ours: it may be sent again."""
    KeptAnswer.objects.filter(pk=key, status=None).delete()
