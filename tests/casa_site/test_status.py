"""`./casa status` says what it can, whatever is out of order."""

from typing import Any

from casa_site import status


def test_a_broker_that_does_not_answer_is_shown(settings: Any) -> None:
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    assert set(status._queue_depths().values()) == {None}
