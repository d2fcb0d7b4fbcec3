"""What the logs say about a start and an orderly end."""

from datetime import UTC, datetime

import pytest

from hardware.gateway import Gateway
from hardware.last_run import Traces
from logbooks import device_state, selectors
from logbooks.services import open_consumer_log
from logbooks.start_and_end import log_end, log_start

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
STARTED, UNEXPECTED, POWER = (19004, 0), (4294948266, 2), (6001, 0)


@pytest.mark.req("R152")
@pytest.mark.parametrize(
    ("traces", "events", "code"),
    [
        (Traces("b"), [UNEXPECTED, STARTED], 1900601),
        (Traces("b", "b", ended=True), [STARTED], None),
        (Traces("b", "b"), [UNEXPECTED, STARTED], 1900601),
        (Traces("b", "a"), [POWER, UNEXPECTED, STARTED], 1900602),
        (Traces("b", "a", ended=True), [UNEXPECTED, STARTED], 1900603),
        (Traces("b", "a", watchdog_status=32), [UNEXPECTED, STARTED], 1900604),
        (Traces("b", "b", crash="Aborted"), [UNEXPECTED, STARTED], 1900605),
        (Traces("b", "a", watchdog_status=4), [UNEXPECTED, STARTED], 1900606),
    ],
)
def test_each_start_says_why(
    gateway: Gateway, traces: Traces, events: list[tuple[int, int]], code: int | None
) -> None:
    """R152: 6001/0, 4294948266/2 with its code, 19004/0; none of them locks."""
    open_consumer_log("hks2")
    assert log_start(gateway, traces, now=NOW) == code
    lines = list(reversed(selectors.consumer_log("hks2")))
    assert [(line.event_id, line.event_sub_id) for line in lines] == events
    told = [line for line in lines if (line.event_id, line.event_sub_id) == UNEXPECTED]
    assert [f"(Fehlercode: {code})" in line.text for line in told] == [True] * len(told)
    in_system = {line.event_id for line in selectors.system_log()}
    assert (code in in_system) == (code is not None)
    assert device_state.current().mode == device_state.Mode.NORMAL


@pytest.mark.req("R152")
def test_an_orderly_end_is_told(gateway: Gateway) -> None:
    """R152: 4294948285/0 for all."""
    open_consumer_log("hks2")
    log_end(gateway, now=NOW)
    (line,) = selectors.consumer_log("hks2")
    assert (line.event_id, line.event_sub_id) == (4294948285, 0)
