"""A partner who takes his time delays nobody but himself."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest

from casa_site import celery
from gwa_api import tasks
from gwa_api.beside import Beside
from gwa_api.peers.https_server import Answer, Request
from hardware.gateway import Gateway
from tariffs.models import OutboxRow
from tariffs.participants import create_participant
from tariffs.profile_spec import InputSpec
from tariffs.services import evaluate_due
from tests.gwa_api.wan_parties import Wan
from tests.tariffs.builders import IMPORT, a_meter, a_profile, course, store, utc

T0 = utc("2026-02-27 23:00")
NOW = T0 + timedelta(days=1, minutes=1)
EMT = "emt-0001"


@pytest.mark.django_db(transaction=True)
def test_a_slow_receiver_delays_no_task(
    gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The task is back while the receiver thinks; values are computed meanwhile."""
    wan = Wan.around(gateway, tmp_path / "wan", T0)
    meter = a_meter(gateway)
    create_participant(EMT)
    given = InputSpec(meter.id, IMPORT)
    a_profile(
        gateway,
        given,
        taf=7,
        now=T0,
        recipients=(EMT,),
        metering_point="DE" + "1" * 31,
    )
    store(gateway, meter, course(T0, T0 + timedelta(days=1)))
    evaluate_due(gateway, now=NOW)
    monkeypatch.setattr(type(gateway.clock), "now", lambda _self: NOW)
    monkeypatch.setattr(celery.app, "gateways", {gateway.huid: gateway})
    asked, thinks = threading.Event(), threading.Event()

    def slow(_request: Request) -> Answer:
        asked.set()
        thinks.wait(20)
        return Answer(200)

    lines = tasks.LINES[gateway.huid]
    with wan.listening(wan.party(EMT), deliveries=slow) as server:
        wan.way(server.port, EMT)
        tasks.send_due(gateway.huid)
        assert asked.wait(20)
        tasks.send_due(gateway.huid)  # the next tick begins nothing
        evaluate_due(gateway, now=NOW)  # and the tariffs can write
        assert not lines.wait(0)
        thinks.set()
        assert lines.wait(20)
    rows = OutboxRow.objects.order_by("sequence")
    assert [(row.state, row.attempts) for row in rows] == [("acknowledged", 0)] * 2


def test_work_that_breaks_off_is_told_and_can_begin_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    beside = Beside()

    def breaks() -> None:
        raise ValueError("something")

    for _ in range(2):
        assert beside.run("work", breaks)
        assert beside.wait("work", 20)
    assert caplog.text.count("work broke off") == 2
