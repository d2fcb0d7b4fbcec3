"""When a process is started again, and when it counts as failed."""

from casa_site.service import Role, Service, State


def a_service(*, is_one_shot: bool = False) -> Service:
    return Service(Role("han", lambda: None, is_one_shot=is_one_shot))


def test_a_service_starts_at_once_and_is_ready_when_it_says_so() -> None:
    service = a_service()
    assert service.is_due(now=0.0)
    service.has_started(7, now=0.0)
    assert not service.is_due(now=100.0)
    assert service.state(now=1.0) is State.STARTING
    service.has_announced()
    assert service.state(now=1.0) is State.READY


def test_the_pause_doubles_up_to_thirty_seconds_while_it_never_gets_ready() -> None:
    service, now, pauses = a_service(), 0.0, []
    for _ in range(9):
        service.has_started(7, now=now)
        service.has_ended(1, now=now)
        assert service.restart_at is not None
        pauses.append(service.restart_at - now)
        now = service.restart_at
    assert pauses == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_a_service_that_was_ready_comes_back_quickly() -> None:
    service = a_service()
    for now in (0.0, 1.0, 3.0):
        service.has_started(7, now=now)
        service.has_ended(1, now=now)
    service.has_started(7, now=10.0)
    service.has_announced()
    service.has_ended(-9, now=20.0)
    assert service.is_due(now=20.5)
    assert not service.is_due(now=20.4)


def test_five_deaths_in_a_minute_are_a_failure_until_they_are_long_ago() -> None:
    service = a_service()
    for now in (0.0, 10.0, 20.0, 30.0):
        service.has_started(7, now=now)
        service.has_ended(-9, now=now)
        assert service.state(now=now) is State.WAITING
    service.has_ended(-9, now=60.0)
    assert service.state(now=60.0) is State.FAILED
    service.has_started(8, now=60.5)
    service.has_announced()
    assert service.state(now=60.0) is State.FAILED
    assert service.state(now=60.1) is State.READY


def test_a_one_shot_ends_for_good_only_when_it_succeeds() -> None:
    service = a_service(is_one_shot=True)
    service.has_started(7, now=0.0)
    service.has_ended(1, now=1.0)
    assert service.is_due(now=1.5)
    service.has_started(8, now=1.5)
    service.has_ended(0, now=2.0)
    assert service.state(now=2.0) is State.DONE
    assert not service.is_due(now=1000.0)


def test_services_of_one_process_are_ready_each_for_itself() -> None:
    service = Service(Role("beat", lambda: None, beside=("house", "wakeup")))
    assert set(service.states(now=0.0).values()) == {State.WAITING}
    service.has_started(7, now=0.0)
    assert set(service.states(now=1.0).values()) == {State.STARTING}
    service.has_announced()
    service.ready_beside = {"wakeup"}
    assert service.states(now=1.0) == {
        "beat": State.READY,
        "house": State.STARTING,
        "wakeup": State.READY,
    }


def test_services_of_one_process_end_and_fail_together() -> None:
    service = Service(Role("beat", lambda: None, beside=("house",)))
    for moment in range(5):
        service.has_started(7, now=float(moment))
        service.ready_beside = {"house"}
        service.has_ended(1, now=float(moment))
        assert service.ready_beside == set()
    service.has_started(7, now=5.0)
    assert service.states(now=5.0) == {"beat": State.FAILED, "house": State.FAILED}
