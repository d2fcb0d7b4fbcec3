"""The reasons of log-offs stand in the system log, all fifteen."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gwa_api.mobile_log_offs import record, source_of
from hardware.gateway import Gateway
from hardware.mobile_network import LogOff
from hardware.modem_manager import BusFailed
from hardware.simulator.log_offs import PlanInvalid
from logbooks.catalogue import fault
from logbooks.models import SystemLogEntry

pytestmark = pytest.mark.django_db(transaction=True)


def logged() -> list[int]:
    rows = SystemLogEntry.objects.filter(event_id__range=(901000, 901014))
    return list(rows.order_by("number").values_list("event_id", flat=True))


@pytest.mark.req("R164")
def test_each_reason_of_a_planned_log_off_stands_in_the_system_log(
    gateway: Gateway, tmp_path: Path
) -> None:
    """R164: 901000 to 901014 in their order; none of them locks the device."""
    path = tmp_path / "modem.toml"
    entries = (f'[[log_off]]\nafter_s = 0\nreason = "{one.name}"\n' for one in LogOff)
    path.write_text("".join(entries))
    asyncio.run(record(gateway, source_of(str(path))))
    assert logged() == list(range(901000, 901015))
    assert not any(fault(code).soft_lockdown for code in logged())


def test_a_source_that_breaks_off_is_asked_again_and_told_once(
    gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[int] = []

    async def source() -> AsyncIterator[LogOff | None]:
        asked.append(len(asked))
        if len(asked) < 4:
            raise BusFailed("there is no bus")
        yield None
        yield LogOff.DETACH

    asyncio.run(record(gateway, source, again_s=0))
    assert len(asked) == 4
    assert logged() == [901003]
    assert caplog.text.count("there is no bus") == 1


def test_a_file_that_cannot_be_used_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(PlanInvalid, match=r"nothing\.toml"):
        source_of(str(tmp_path / "nothing.toml"))
