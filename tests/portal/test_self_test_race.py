"""Many clicks on the self-test at the same time.

Apart from the page's tests: their installation stays in an open transaction.
"""

import threading

import pytest
from django.db import connection

from hardware.gateway import Gateway
from logbooks import self_test
from logbooks.models import SelfTestRun
from logbooks.self_test import SelfTestRefused
from logbooks.services import open_consumer_log
from tests.portal.conftest import NOW
from tests.portal.test_self_test_page import TOO_EARLY


@pytest.mark.req("R129")
@pytest.mark.django_db(transaction=True)
def test_50_clicks_at_once_start_one_run(han_gateway: Gateway) -> None:
    """R129: race of 50 parallel clicks gives one run, 49 get the sentence."""
    open_consumer_log("hks2")
    barrier, outcomes = threading.Barrier(50), []

    def click() -> None:
        barrier.wait(30)
        try:
            self_test.trigger_by_consumer(han_gateway, "hks2", now=NOW)
            outcomes.append("started")
        except SelfTestRefused as refused:
            outcomes.append(str(refused))
        finally:
            connection.close()

    threads = [threading.Thread(target=click) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(outcomes) == sorted(["started", *[TOO_EARLY] * 49])
    assert SelfTestRun.objects.count() == 1
