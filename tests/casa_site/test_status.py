"""`./casa status` says what it can, whatever is out of order."""

import time
from typing import Any

import pytest

from casa_site import status


@pytest.mark.parametrize(
    "url", ["redis://127.0.0.1:1/0", "amqp://guest:guest@127.0.0.1:1//"]
)
def test_a_broker_that_does_not_answer_is_shown_at_once(
    settings: Any, url: str
) -> None:
    settings.CELERY_BROKER_URL = url
    begin = time.monotonic()
    assert set(status.queue_depths().values()) == {None}
    assert time.monotonic() - begin < 4
