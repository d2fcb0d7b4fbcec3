"""Recipients side by side: up to four, each in order, nobody waits for another."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from casa_site import celery
from gwa_api import tasks
from gwa_api.delivery_lines import MOST, DeliveryLines
from gwa_api.peers.https_server import Answer, Request
from hardware.gateway import Gateway
from tariffs.models import OutboxRow
from tariffs.participants import create_participant
from tariffs.profile_spec import InputSpec
from tariffs.services import evaluate_due
from tests.gwa_api.wan_parties import Wan
from tests.tariffs.builders import IMPORT, a_meter, a_profile, course, store, utc

T0 = utc("2026-02-27 23:00")
DAY = timedelta(days=1)
NOW = T0 + 2 * DAY + timedelta(minutes=1)
EMTS = tuple(f"emt-000{number}" for number in range(1, 7))
LONG_S = 30.0


class Receiver:
    """Takes deliveries; while it `sleeps` it answers nobody. Counts who is there."""

    def __init__(self, crowd: "Crowd") -> None:
        self.awake = threading.Event()
        self.awake.set()
        self.came: list[str] = []
        self._crowd = crowd

    def take(self, request: Request) -> Answer:
        """200, as soon as it is awake."""
        with self._crowd:
            assert self.awake.wait(LONG_S)
        self.came.append(request.headers["idempotency-key"])
        return Answer(200)


class Crowd:
    """How many deliveries are under way, and how many there were at most."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self._changed = threading.Condition()

    def __enter__(self) -> None:
        with self._changed:
            self.now += 1
            self.most = max(self.most, self.now)
            self._changed.notify_all()

    def __exit__(self, *_error: object) -> None:
        with self._changed:
            self.now -= 1

    def wait_for(self, many: int) -> bool:
        """Whether so many are under way, within the time."""
        with self._changed:
            return self._changed.wait_for(lambda: self.now >= many, LONG_S)


@pytest.fixture
def gate(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Gateway, DeliveryLines]]:
    """A gateway whose time stands at NOW, and its lines."""
    monkeypatch.setattr(type(gateway.clock), "now", lambda _self: NOW)
    monkeypatch.setattr(celery.app, "gateways", {gateway.huid: gateway})
    lines = DeliveryLines()
    monkeypatch.setitem(tasks.LINES, gateway.huid, lines)
    yield gateway, lines
    assert lines.wait(LONG_S)


def owing(gateway: Gateway, folder: Path) -> Wan:
    """A gateway that owes two days and a first reading to each of the EMTs."""
    wan = Wan.around(gateway, folder, T0)
    meter = a_meter(gateway)
    for name in EMTS:
        create_participant(name)
    a_profile(
        gateway,
        InputSpec(meter.id, IMPORT),
        taf=7,
        now=T0,
        recipients=EMTS,
        metering_point="DE" + "1" * 31,
    )
    for day in (0, 1):
        begin = T0 + day * DAY
        more = course(begin, begin + DAY, start=5000 * day)
        if day:
            del more[begin]
        store(gateway, meter, more)
        evaluate_due(gateway, now=begin + DAY + timedelta(minutes=1))
    return wan


def owed_to(name: str) -> list[str]:
    rows = OutboxRow.objects.filter(recipient=name).order_by("sequence")
    return [str(key) for key in rows.values_list("message_id", flat=True)]


@pytest.mark.req("R34")
@pytest.mark.django_db(transaction=True)
def test_three_silent_recipients_hold_up_nobody_and_each_gets_his_in_order(
    gate: tuple[Gateway, DeliveryLines], tmp_path: Path
) -> None:
    """R34: real receivers; never more than four at a time, in order for billing."""
    gateway, lines = gate
    wan = owing(gateway, tmp_path / "wan")
    crowd = Crowd()
    receivers = {name: Receiver(crowd) for name in EMTS}
    silent, others = EMTS[:3], EMTS[3:]
    for name in silent:
        receivers[name].awake.clear()
    with ExitStack() as listening:
        for name in EMTS:
            keys, take = wan.party(name), receivers[name].take
            server = listening.enter_context(wan.listening(keys, deliveries=take))
            wan.way(server.port, name)
        tasks.send_due(gateway.huid)
        assert crowd.wait_for(3)
        arrived = wait_until(
            lambda: all(len(receivers[one].came) == 3 for one in others)
        )
        assert arrived
        assert all(receivers[one].came == [] for one in silent)
        for name in silent:
            receivers[name].awake.set()
        assert lines.wait(LONG_S)
    for name in EMTS:
        assert receivers[name].came == owed_to(name)
        assert len(set(receivers[name].came)) == 3
    assert crowd.most <= MOST
    assert set(OutboxRow.objects.values_list("state", flat=True)) == {"acknowledged"}


def wait_until(is_so: object) -> bool:
    """Whether it is so within the time; asked again and again."""
    pause = threading.Event()
    for _ in range(int(LONG_S / 0.02)):
        if is_so():  # type: ignore[operator]
            return True
        pause.wait(0.02)
    return False


def test_four_are_served_at_a_time_and_each_by_one() -> None:
    crowd, leave = Crowd(), threading.Event()
    served: list[str] = []

    def serve(recipient: str) -> None:
        served.append(recipient)
        with crowd:
            leave.wait(LONG_S)

    lines = DeliveryLines()
    for _ in range(3):
        lines.offer(EMTS, serve)
    assert crowd.wait_for(MOST)
    lines.offer(EMTS, serve)
    assert sorted(served) == sorted(EMTS[:MOST])
    leave.set()
    assert lines.wait(LONG_S)
    assert crowd.most == MOST
    assert sorted(served) == sorted(EMTS)


def test_one_place_is_kept_from_those_who_were_slow() -> None:
    """However many are slow, whoever answers at once is served at once."""
    lines, crowd, leave = DeliveryLines(slow_s=0), Crowd(), threading.Event()
    lines.offer(EMTS, lambda _one: None)
    assert lines.wait(LONG_S)  # nobody can be that fast: all are slow now
    good: list[str] = []

    def serve(recipient: str) -> None:
        if recipient == "quick":
            good.append(recipient)
            return
        with crowd:
            leave.wait(LONG_S)

    lines.offer([*EMTS, "quick"], serve)
    assert wait_until(lambda: good == ["quick"])
    assert crowd.wait_for(MOST - 1)
    assert crowd.most == MOST - 1
    leave.set()
    assert lines.wait(LONG_S)


def test_who_waits_keeps_his_turn_and_who_is_not_wanted_any_more_is_left_out() -> None:
    lines, leave, crowd = DeliveryLines(most=1), threading.Event(), Crowd()
    served: list[str] = []

    def serve(recipient: str) -> None:
        served.append(recipient)
        with crowd:
            leave.wait(LONG_S)

    lines.offer(["a", "d", "c"], serve)
    assert crowd.wait_for(1)
    lines.offer(["a", "b", "c"], serve)
    leave.set()
    assert lines.wait(LONG_S)
    assert served == ["a", "c", "b"]


def test_a_recipient_whose_run_breaks_off_is_told_and_the_others_go_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    served: list[str] = []

    def serve(recipient: str) -> None:
        served.append(recipient)
        if recipient == "a":
            raise ValueError("something")

    lines = DeliveryLines(most=1)
    for _ in range(2):
        lines.offer(["a", "b"], serve)
        assert lines.wait(LONG_S)
    assert served == ["a", "b"] * 2
    assert caplog.text.count("sending to a broke off") == 2
